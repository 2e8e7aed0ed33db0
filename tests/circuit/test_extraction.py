from dataclasses import replace

import pytest
import torch

from core.circuit.extraction import Settings, extract, load, save
from core.circuit.hooks import metrics
from core.circuit.patching import keep_modules, run_circuit
from core.circuit.prompt_pairs import CLEAN, CORRUPTED
from core.errors import RunError, WorkspaceError
from core.models.families import anatomy
from core.types import Circuit


@pytest.fixture(scope="module")
def llama(make):
    return make("llama")


@pytest.fixture
def contrasts(request, contrasts):
    """Those of conftest, their answers swapped where the evidence speaks for the wrong one."""
    model = request.getfixturevalue("model" if "model" in request.fixturenames else "llama")
    clean, corrupted = (metrics(anatomy(model), contrasts, 2, side) for side in (CLEAN, CORRUPTED))
    return [
        contrast if gap > 0 else replace(contrast, right=contrast.wrong, wrong=contrast.right)
        for contrast, gap in zip(contrasts, (clean - corrupted).tolist(), strict=True)
    ]


def faithfulness(model, contrasts, modules):
    parts = anatomy(model)
    clean, corrupted = (metrics(parts, contrasts, 2, side).mean() for side in (CLEAN, CORRUPTED))
    kept = run_circuit(model, contrasts, keep_modules(parts, modules)).mean()
    return ((kept - corrupted) / (clean - corrupted)).item()


@pytest.mark.parametrize("threshold", [0.5, 0.85])
def test_the_circuit_is_faithful_and_one_module_less_is_not(model, contrasts, threshold):
    contrasts = contrasts[:1]
    circuit = extract(model, contrasts, Settings(threshold=threshold)).circuit
    assert circuit.faithfulness == pytest.approx(faithfulness(model, contrasts, circuit.members), abs=1e-4)
    assert circuit.faithfulness >= threshold > faithfulness(model, contrasts, circuit.members[:-1])
    assert circuit.dropped == 0 and circuit.prompts == 1


def test_members_are_the_strongest_modules_strongest_first(model, contrasts):
    extracted = extract(model, contrasts)
    circuit, scores = extracted.circuit, extracted.scores
    by_strength = sorted(circuit.modules, key=lambda name: -abs(circuit.scores[circuit.modules.index(name)]))
    assert list(circuit.members) == by_strength[: len(circuit.members)]
    assert circuit.scores == pytest.approx(scores.nodes.mean(0).tolist())
    assert [abs(edge.score) for edge in circuit.edges] == sorted((abs(e.score) for e in circuit.edges), reverse=True)
    assert len(circuit.edges) == min(400, int((scores.edges != 0).sum()))


def test_the_curve_runs_from_one_module_to_all(llama, contrasts):
    circuit = extract(llama, contrasts, Settings(sizes=5, draws=2)).circuit
    assert [point.modules for point in circuit.curve] == [1, 2, 3, 6, 10]
    assert circuit.curve[-1].faithfulness == pytest.approx(1, abs=1e-4)
    assert circuit.curve[-1].random == pytest.approx(1, abs=1e-4)
    smaller = [point for point in circuit.curve if point.modules < len(circuit.members)]
    assert all(point.faithfulness < circuit.threshold for point in smaller)
    for point in circuit.curve[:-1]:
        ranked = sorted(circuit.modules, key=lambda name: -abs(circuit.scores[circuit.modules.index(name)]))
        assert point.faithfulness == pytest.approx(faithfulness(llama, contrasts, ranked[: point.modules]), abs=1e-4)


def test_contrasts_that_change_nothing_are_dropped_and_counted(llama, contrasts):
    idle = [replace(contrast, corrupted=contrast.ids, way="other_user") for contrast in contrasts]
    extracted = extract(llama, [*idle[:2], *contrasts, *idle[2:]])
    circuit, scores = extracted.circuit, extracted.scores
    alone = extract(llama, contrasts).circuit
    assert circuit.dropped == 4 + alone.dropped
    assert circuit.prompts == len(scores.nodes) == len(contrasts) - alone.dropped
    assert circuit.contrast == {"pagerank": circuit.prompts}
    assert circuit.scores == pytest.approx(alone.scores, rel=1e-4)
    with pytest.raises(RunError, match="4 contrast prompts"):
        extract(llama, idle)


def test_contrasts_whose_evidence_speaks_for_the_wrong_answer_are_dropped(llama, contrasts):
    against = [replace(contrast, right=contrast.wrong, wrong=contrast.right) for contrast in contrasts]
    alone = extract(llama, contrasts).circuit
    both = extract(llama, [*contrasts, *against]).circuit
    assert both.dropped == alone.dropped + len(against) and both.scores == pytest.approx(alone.scores, rel=1e-4)
    assert both.clean > both.corrupted
    with pytest.raises(RunError, match="none of the 4"):
        extract(llama, against)


def test_no_contrasts_are_refused(llama):
    with pytest.raises(RunError, match="no contrast prompts"):
        extract(llama, [])


def test_extraction_is_deterministic_and_reports_progress(llama, contrasts):
    heard = []
    first = extract(llama, contrasts, progress=heard.append).circuit
    second = extract(llama, contrasts).circuit
    assert isinstance(first, Circuit) and first == second
    assert heard == sorted(heard) and heard[-1] == 1.0 and len(heard) > 3


def test_progress_may_stop_the_extraction(llama, contrasts):
    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(llama, contrasts, progress=stop)
    assert [layer.attention.num_key_value_groups for layer in anatomy(llama).layers] == [2, 2]


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"batch_size": 0}, {"rule": "right"}, {"threshold": 1.0}, {"threshold": 0.0}, {"draws": -1}]
)
def test_settings_name_what_is_wrong(wrong):
    with pytest.raises(RunError, match=next(iter(wrong))):
        Settings(**wrong)


def test_scores_survive_the_disk(llama, contrasts, tmp_path):
    forget = extract(llama, contrasts).scores
    retain = extract(llama, contrasts[:2]).scores
    path = tmp_path / "new" / "circuit.safetensors"
    save(path, forget, retain)
    for written, read in zip((forget, retain), load(path), strict=True):
        for name in ("nodes", "edges", "clean", "corrupted"):
            assert torch.equal(getattr(written, name), getattr(read, name))
    assert [file.name for file in path.parent.iterdir()] == ["circuit.safetensors"]


def test_a_missing_or_broken_file_is_a_workspace_error(tmp_path):
    path = tmp_path / "circuit.safetensors"
    with pytest.raises(WorkspaceError, match="circuit.safetensors"):
        load(path)
    path.write_bytes(b"no tensors")
    with pytest.raises(WorkspaceError, match="circuit.safetensors"):
        load(path)


def test_a_refused_write_of_scores_is_a_workspace_error(llama, contrasts, tmp_path):
    (tmp_path / "file").touch()
    forget, retain = extract(llama, contrasts).scores, extract(llama, contrasts[:2]).scores
    with pytest.raises(WorkspaceError, match="cannot be written"):
        save(tmp_path / "file" / "circuit.safetensors", forget, retain)
