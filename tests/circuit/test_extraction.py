"""Extraction finds a faithful circuit, its curve and its edges, and drops pairs without a positive metric gap."""

from dataclasses import replace

import pytest
import torch

from core.circuit.extraction import ExtractionSettings, extract, load, save
from core.circuit.hooks import metrics
from core.circuit.patching import keep_modules, run_circuit
from core.circuit.prompt_pairs import CLEAN, CORRUPTED
from core.errors import RunError, WorkspaceError
from core.models.families import anatomy
from core.types import Circuit


@pytest.fixture(scope="module")
def llama(build_model):
    return build_model("llama")


@pytest.fixture
def pairs(request, pairs):
    """The pairs of conftest.py; answers are swapped where the metric gap is negative."""
    model = request.getfixturevalue("model" if "model" in request.fixturenames else "llama")
    clean, corrupted = (metrics(anatomy(model), pairs, 2, side) for side in (CLEAN, CORRUPTED))
    return [
        pair if gap > 0 else replace(pair, right=pair.wrong, wrong=pair.right)
        for pair, gap in zip(pairs, (clean - corrupted).tolist(), strict=True)
    ]


def faithfulness(model, pairs, modules):
    parts = anatomy(model)
    clean, corrupted = (metrics(parts, pairs, 2, side).mean() for side in (CLEAN, CORRUPTED))
    kept = run_circuit(model, pairs, keep_modules(parts, modules)).mean()
    return ((kept - corrupted) / (clean - corrupted)).item()


@pytest.mark.parametrize("threshold", [0.5, 0.85])
def test_circuit_reaches_threshold_and_one_module_less_does_not(model, pairs, threshold):
    pairs = pairs[:1]
    circuit = extract(model, pairs, ExtractionSettings(threshold=threshold)).circuit
    assert circuit.faithfulness == pytest.approx(faithfulness(model, pairs, circuit.members), abs=1e-4)
    assert circuit.faithfulness >= threshold > faithfulness(model, pairs, circuit.members[:-1])
    assert circuit.dropped == 0 and circuit.prompts == 1


def test_members_are_the_strongest_modules_in_order(model, pairs):
    extracted = extract(model, pairs)
    circuit, scores = extracted.circuit, extracted.scores
    by_strength = sorted(circuit.modules, key=lambda name: -abs(circuit.scores[circuit.modules.index(name)]))
    assert list(circuit.members) == by_strength[: len(circuit.members)]
    assert circuit.scores == pytest.approx(scores.nodes.mean(0).tolist())
    assert [abs(edge.score) for edge in circuit.edges] == sorted((abs(e.score) for e in circuit.edges), reverse=True)
    assert len(circuit.edges) == min(400, int((scores.edges != 0).sum()))


def test_faithfulness_curve_runs_from_one_module_to_all(llama, pairs):
    circuit = extract(llama, pairs, ExtractionSettings(sizes=5, draws=2)).circuit
    assert [point.modules for point in circuit.curve] == [1, 2, 3, 6, 10]
    assert circuit.curve[-1].faithfulness == pytest.approx(1, abs=1e-4)
    assert circuit.curve[-1].random == pytest.approx(1, abs=1e-4)
    smaller = [point for point in circuit.curve if point.modules < len(circuit.members)]
    assert all(point.faithfulness < circuit.threshold for point in smaller)
    for point in circuit.curve[:-1]:
        ranked = sorted(circuit.modules, key=lambda name: -abs(circuit.scores[circuit.modules.index(name)]))
        assert point.faithfulness == pytest.approx(faithfulness(llama, pairs, ranked[: point.modules]), abs=1e-4)


def test_pairs_with_equal_prompts_are_dropped_and_counted(llama, pairs):
    unchanged = [replace(pair, corrupted=pair.ids, strategy="other_user") for pair in pairs]
    extracted = extract(llama, [*unchanged[:2], *pairs, *unchanged[2:]])
    circuit, scores = extracted.circuit, extracted.scores
    alone = extract(llama, pairs).circuit
    assert circuit.dropped == 4 + alone.dropped
    assert circuit.prompts == len(scores.nodes) == len(pairs) - alone.dropped
    assert circuit.pairs_by_strategy == {"pagerank": circuit.prompts}
    assert circuit.scores == pytest.approx(alone.scores, rel=1e-4)
    with pytest.raises(RunError, match="4 prompt pairs"):
        extract(llama, unchanged)


def test_pairs_with_negative_metric_gap_are_dropped(llama, pairs):
    reversed_pairs = [replace(pair, right=pair.wrong, wrong=pair.right) for pair in pairs]
    alone = extract(llama, pairs).circuit
    both = extract(llama, [*pairs, *reversed_pairs]).circuit
    assert both.dropped == alone.dropped + len(reversed_pairs) and both.scores == pytest.approx(alone.scores, rel=1e-4)
    assert both.clean > both.corrupted
    with pytest.raises(RunError, match="none of the 4"):
        extract(llama, reversed_pairs)


def test_empty_list_of_pairs_is_refused(llama):
    with pytest.raises(RunError, match="no counterfactual prompts"):
        extract(llama, [])


def test_extraction_is_deterministic_and_reports_progress(llama, pairs):
    fractions = []
    first = extract(llama, pairs, progress=fractions.append).circuit
    second = extract(llama, pairs).circuit
    assert isinstance(first, Circuit) and first == second
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and len(fractions) > 3


def test_exception_in_progress_callback_stops_extraction(llama, pairs):
    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(llama, pairs, progress=stop)
    assert [layer.attention.num_key_value_groups for layer in anatomy(llama).layers] == [2, 2]


@pytest.mark.parametrize(
    "setting",
    [{"steps": 0}, {"batch_size": 0}, {"rule": "right"}, {"threshold": 1.0}, {"threshold": 0.0}, {"draws": -1}],
)
def test_invalid_setting_is_named_in_the_error(setting):
    with pytest.raises(RunError, match=next(iter(setting))):
        ExtractionSettings(**setting)


def test_saved_scores_are_loaded_unchanged(llama, pairs, tmp_path):
    forget = extract(llama, pairs).scores
    retain = extract(llama, pairs[:2]).scores
    path = tmp_path / "new" / "circuit.safetensors"
    save(path, forget, retain)
    for written, read in zip((forget, retain), load(path), strict=True):
        for name in ("nodes", "edges", "clean", "corrupted"):
            assert torch.equal(getattr(written, name), getattr(read, name))
    assert [file.name for file in path.parent.iterdir()] == ["circuit.safetensors"]


def test_missing_or_broken_file_raises_workspace_error(tmp_path):
    path = tmp_path / "circuit.safetensors"
    with pytest.raises(WorkspaceError, match="circuit.safetensors"):
        load(path)
    path.write_bytes(b"no tensors")
    with pytest.raises(WorkspaceError, match="circuit.safetensors"):
        load(path)


def test_a_refused_write_of_scores_is_a_workspace_error(llama, pairs, tmp_path):
    (tmp_path / "file").touch()
    forget, retain = extract(llama, pairs).scores, extract(llama, pairs[:2]).scores
    with pytest.raises(WorkspaceError, match="cannot be written"):
        save(tmp_path / "file" / "circuit.safetensors", forget, retain)
