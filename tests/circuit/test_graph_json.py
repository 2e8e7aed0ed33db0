"""Circuits round-trip through the JSON format of EAP-IG and through networkx."""

import json

import pytest
import torch
from torch.testing import assert_close

from core.circuit.graph import paths
from core.circuit.graph_json import from_networkx, read_eap_ig, to_networkx, write_eap_ig
from core.circuit.pruning import top
from core.errors import WorkspaceError
from core.models.families import anatomy


@pytest.fixture(scope="module", params=["llama", "neox"])
def parts(request, build_model):
    return anatomy(build_model(request.param))


@pytest.fixture(scope="module")
def matrices(parts):
    scores = torch.randn(paths(parts).shape, generator=torch.Generator().manual_seed(0)) * paths(parts)
    return scores, top(parts, scores, 30)


def test_eap_ig_file_round_trips(parts, matrices, tmp_path):
    write_eap_ig(tmp_path / "graph.json", parts, *matrices)
    scores, keep = read_eap_ig(tmp_path / "graph.json", parts)
    assert_close(scores, matrices[0])
    assert torch.equal(keep, matrices[1])


def test_written_file_has_the_fields_that_eap_ig_reads(parts, matrices, tmp_path):
    write_eap_ig(tmp_path / "graph.json", parts, *matrices)
    content = json.loads((tmp_path / "graph.json").read_text())
    assert content["cfg"] == {"n_layers": 2, "n_heads": 4, "d_model": 32, "parallel_attn_mlp": parts.parallel}
    assert set(content["nodes"]) == {"input", "logits", *parts.modules}
    assert len(content["edges"]) == paths(parts).sum()
    assert (
        content["edges"]["input->a0.h0<q>"]["score"] == -matrices[0][0, 0].item()
    )  # EAP-IG scores a loss: opposite sign
    assert set(content["edges"]["input->a1.h3<v>"]) == {"score", "in_graph"} == set(content["edges"]["m0->logits"])


def test_file_of_another_model_is_refused(build_model, parts, matrices, tmp_path):
    write_eap_ig(tmp_path / "graph.json", parts, *matrices)
    other = anatomy(build_model("neox" if not parts.parallel else "llama"))
    with pytest.raises(WorkspaceError, match="not of this model"):
        read_eap_ig(tmp_path / "graph.json", other)


def test_networkx_graph_round_trips(parts, matrices):
    scores, keep = from_networkx(parts, to_networkx(parts, *matrices))
    assert torch.equal(keep, matrices[1])
    assert_close(scores, matrices[0] * matrices[1])
