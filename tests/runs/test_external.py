"""Adapters of other tools: refused with one sentence, or verified as a run of method "external"."""

import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from typer.testing import CliRunner

import core
from core.cli.app import app
from core.errors import ModelError, RequestError, RunError
from core.pipeline import stages
from core.pipeline.context import load_adapter
from core.pipeline.train_reference import train_reference
from core.runs import submit
from core.runs.external import create_external_run
from core.runs.handle import RunHandle
from core.runs.ledger import NullLedger
from core.runs.ledger_entries import Ledger
from core.runs.references import train_references
from core.runs.submit import create_run
from core.runs.verify import attempt_of, verify_run
from core.runs.worker import work
from core.types import RunSpec, RunState, Verdict
from core.unlearning.methods import METHODS, OFFERED
from core.utils.hashing import sha256_of_file
from core.utils.serialization import sorted_json, to_json
from core.verification.thresholds import Thresholds
from core.workspace import Workspace
from core.workspace.run_layout import ADAPTER_CONFIG, WEIGHTS

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def retrained(prepared, tmp_path_factory) -> Path:
    """An adapter that never saw the request's data: an honest result of another tool."""
    workspace, folder = Workspace(prepared), tmp_path_factory.mktemp("external") / "adapter"
    train_reference(workspace, workspace.requests()[0], 999, "cpu", folder, lambda step: False)
    return folder


@pytest.fixture
def adapter(retrained, tmp_path) -> Path:
    """A copy of the honest result, to change."""
    return shutil.copytree(retrained, tmp_path / "adapter")


def finished(workspace: Workspace, adapter: Path) -> RunHandle:
    run = create_external_run(workspace, workspace.requests()[0].id, adapter, "cpu")
    assert work(run) is RunState.DONE, run.status
    return run


def change_weights(adapter: Path, change) -> None:
    weights = load_file(adapter / WEIGHTS)
    save_file({name: change(name, weight).contiguous() for name, weight in weights.items()}, adapter / WEIGHTS)


def change_config(adapter: Path, **values) -> None:
    path = adapter / ADAPTER_CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def files_of(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_honest_retraining_is_verified_like_any_run_but_never_exact(workspace, adapter):
    train_references(workspace, workspace.requests()[0].id, 5, "cpu", lambda number, step: False)
    run = finished(workspace, adapter)
    found = verify_run(run, "cpu")
    by_code = {check.code: check for check in found.checks}
    assert found.verdict not in (Verdict.EXACT, Verdict.FAIL) and found.attempt == 1
    assert by_code["thresholds_frozen"].verdict is by_code["references_distinct"].verdict is Verdict.PASS
    identity = by_code["adapter_identity"]
    assert identity.verdict is Verdict.PASS and "Nobody here saw its training" in identity.sentence
    assert run.spec.thresholds == found.thresholds == Thresholds().digest
    for name in (WEIGHTS, ADAPTER_CONFIG):
        assert sha256_of_file(run.layout.adapter / name) == sha256_of_file(adapter / name)


def test_evaluation_and_report_are_those_of_the_given_adapter(workspace, adapter):
    run = finished(workspace, adapter)
    own = core.evaluate(workspace.root, run.spec.request, adapter)
    assert run.evaluation.unlearned.test_auc.value == own.test_auc.value
    assert run.evaluation.unlearned.forget_auc.value != run.evaluation.original.forget_auc.value
    numbers = json.loads(run.layout.report_numbers.read_text())
    assert (numbers["method"], numbers["seed"]) == ("external", None)
    for page in (run.report, run.reviewer_report):
        text = page.read_text()
        assert "steps, seed and time of its unlearning are not known" in text and "seed 0" not in text
    assert "is not known" in run.reviewer_report.read_text().split("Another tool made the adapter")[1][:120]


def test_original_fails_as_the_original(workspace):
    found = verify_run(finished(workspace, workspace.adapter), "cpu")
    assert (found.verdict, found.reason) == (Verdict.FAIL, "unchanged")


def test_original_under_another_digest_fails_as_the_original(workspace, tmp_path):
    """Factors 2 A and B / 2 have the product of A and B."""
    adapter = shutil.copytree(workspace.adapter, tmp_path / "rescaled")
    change_weights(adapter, lambda name, weight: weight * (2 if "lora_A" in name else 0.5))
    run = finished(workspace, adapter)
    assert sha256_of_file(run.layout.weights) != sha256_of_file(workspace.adapter / WEIGHTS)
    found = verify_run(run, "cpu")
    assert (found.verdict, found.reason) == (Verdict.FAIL, "unchanged")


def test_adapter_of_another_rank_with_fewer_target_modules_is_measured(workspace, tmp_path):
    base = AutoModelForCausalLM.from_pretrained(workspace.base)
    config = LoraConfig(r=2, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM", init_lora_weights=False)
    get_peft_model(base, config).save_pretrained(tmp_path / "small")
    run = finished(workspace, tmp_path / "small")
    stored = load_file(run.layout.weights)
    assert {weight.shape[0] for name, weight in stored.items() if "lora_A" in name} == {2}
    loaded = load_adapter(workspace, str(run.layout.adapter), "cpu").model.state_dict()
    name = next(iter(stored))
    assert torch.equal(loaded[name.replace(".weight", ".default.weight")], stored[name])


def pickled(adapter: Path, workspace: Workspace) -> None:
    (adapter / "adapter_model.bin").write_bytes(b"never opened")


def only_pickled(adapter: Path, workspace: Workspace) -> None:
    (adapter / WEIGHTS).rename(adapter / "adapter_model.bin")


def removed(adapter: Path, workspace: Workspace) -> None:
    shutil.rmtree(adapter)


def without_config(adapter: Path, workspace: Workspace) -> None:
    (adapter / ADAPTER_CONFIG).unlink()


def of_another_base(adapter: Path, workspace: Workspace) -> None:
    change_config(adapter, revision="sha256:" + "0" * 64)


def of_another_shape(adapter: Path, workspace: Workspace) -> None:
    change_weights(adapter, lambda name, weight: weight[:, :-1] if name.endswith("q_proj.lora_A.weight") else weight)


def of_another_rank(adapter: Path, workspace: Workspace) -> None:
    change_config(adapter, r=3)


def of_unknown_modules(adapter: Path, workspace: Workspace) -> None:
    change_config(adapter, target_modules=["c_attn"])


def of_impossible_rank(adapter: Path, workspace: Workspace) -> None:
    change_config(adapter, r=0)


def of_text_as_rank(adapter: Path, workspace: Workspace) -> None:
    change_config(adapter, r="eight")


def without_one_weight(adapter: Path, workspace: Workspace) -> None:
    weights = load_file(adapter / WEIGHTS)
    weights.pop(next(iter(weights)))
    save_file(weights, adapter / WEIGHTS)


def of_dora(adapter: Path, workspace: Workspace) -> None:
    change_config(adapter, use_dora=True)


def of_pissa(adapter: Path, workspace: Workspace) -> None:
    change_config(adapter, init_lora_weights="pissa")


def damaged(adapter: Path, workspace: Workspace) -> None:
    (adapter / WEIGHTS).write_bytes((adapter / WEIGHTS).read_bytes()[:-8])


def not_a_number(adapter: Path, workspace: Workspace) -> None:
    change_weights(adapter, lambda name, weight: weight.index_fill(0, torch.tensor([1]), float("nan")))


def infinite(adapter: Path, workspace: Workspace) -> None:
    change_weights(adapter, lambda name, weight: weight.index_fill(0, torch.tensor([1]), float("inf")))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (pickled, r"holds the pickle adapter_model\.bin: save it again as safetensors"),
        (only_pickled, r"holds the pickle adapter_model\.bin"),
        (removed, "is no folder: name the folder"),
        (without_config, r"adapter_config\.json cannot be read"),
        (of_another_base, "was made for another base model"),
        (of_another_shape, r"does not fit base model .*q_proj\.lora_A\.weight is 8 x 31 instead of 8 x 32\. Name an"),
        (of_another_rank, r"has weights of rank 8 .*, but adapter_config\.json says 3: set r"),
        (of_unknown_modules, "does not fit base model .*c_attn.*: name an adapter"),
        (of_impossible_rank, "has r = 0 in adapter_config.json: set the rank of its weights"),
        (of_text_as_rank, "has r = eight in"),
        (without_one_weight, "holds 27 of the 28 weights .* is absent, so save it again"),
        (of_dora, "is not a plain LoRA adapter"),
        (of_pissa, "initialised by 'pissa', which changes the base model"),
        (damaged, r"has a damaged adapter_model\.safetensors"),
        (not_a_number, r"not a finite number, in .*lora_.*: train it again"),
        (infinite, "not a finite number"),
    ],
)
def test_unfit_adapter_is_refused_and_leaves_nothing(workspace, adapter, fault, words):
    fault(adapter, workspace)
    before = files_of(workspace.root)
    with pytest.raises(ModelError, match=words) as refusal:
        create_external_run(workspace, workspace.requests()[0].id, adapter, "cpu")
    assert str(adapter) in str(refusal.value) and str(refusal.value).endswith(".")
    assert files_of(workspace.root) == before


def test_unknown_request_is_refused_and_leaves_nothing(workspace, adapter):
    before = files_of(workspace.root)
    with pytest.raises(RequestError, match="'req-none' is not in this workspace"):
        create_external_run(workspace, "req-none", adapter, "cpu")
    assert files_of(workspace.root) == before


def test_external_is_no_method_that_can_be_launched(workspace):
    assert "external" not in METHODS and "external" not in OFFERED
    with pytest.raises(RunError, match="Method 'external' is unknown"):
        create_run(workspace, workspace.requests()[0].id, "external", "cpu")


def test_each_adapter_of_a_request_counts_as_an_attempt(workspace, adapter):
    first = finished(workspace, adapter)
    change_weights(adapter, lambda name, weight: weight * 0.9)
    second = finished(workspace, adapter)
    found = [verify_run(run, "cpu").attempt for run in (first, second)]
    assert found == [1, 2]
    assert verify_run(first, "cpu").attempt == found[0]  # to verify again is no attempt
    third = create_run(workspace, first.spec.request, "graddiff", "cpu", steps=1)
    assert attempt_of(third, NullLedger()) == 3


def test_active_run_of_the_same_adapter_is_not_doubled(workspace, adapter):
    request = workspace.requests()[0].id
    first = create_external_run(workspace, request, adapter, "cpu")
    assert create_external_run(workspace, request, adapter, "cpu").id == first.id
    change_weights(adapter, lambda name, weight: weight * 0.9)
    assert create_external_run(workspace, request, adapter, "cpu").id != first.id


def test_adapter_that_is_changed_after_it_was_taken_in_fails(workspace, adapter):
    run = finished(workspace, adapter)
    change_weights(run.layout.adapter, lambda name, weight: weight * 0.9)
    found = verify_run(run, "cpu")
    assert (found.verdict, found.reason) == (Verdict.FAIL, "replaced")


def test_adapter_that_is_exchanged_while_its_run_waits_is_not_used(workspace, adapter):
    run = create_external_run(workspace, workspace.requests()[0].id, adapter, "cpu")
    change_weights(run.layout.adapter, lambda name, weight: weight * 0.9)
    assert work(run) is RunState.FAILED and run.evaluation is None
    assert "is not the one that was handed in: hand it in again" in run.status.message


def test_adapter_that_is_exchanged_while_its_run_works_is_not_signed(workspace, adapter, tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    assert RUNNER.invoke(app, ["ledger", "init", "-w", str(workspace.root)]).exit_code == 0
    run, build = create_external_run(workspace, workspace.requests()[0].id, adapter, "cpu"), stages._build_report

    def exchanged(*given):
        change_weights(run.layout.adapter, lambda name, weight: weight * 0.9)
        return build(*given)

    monkeypatch.setattr(stages, "_build_report", exchanged)
    assert work(run) is RunState.DONE
    assert Ledger(workspace).run_subjects(run.id)["adapter after"] == sha256_of_file(adapter / WEIGHTS)


def test_marks_and_keys_of_other_runs_are_those_of_earlier_versions():
    spec, ledger = RunSpec("run-1", "req-1"), SimpleNamespace(mark=lambda *words: words)
    job = {name: value for name, value in to_json(spec).items() if name != "adapter"}
    assert submit.mark_of(spec, ledger) == ("spec", sorted_json(job))
    own = sorted_json({**{name: value for name, value in job.items() if name != "mark"}, "id": ""})
    assert submit._dedup_key(spec) == hashlib.sha256(own.encode()).hexdigest()


def test_ledger_and_record_say_what_is_not_known(workspace, adapter, tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    space = ("-w", str(workspace.root))
    assert RUNNER.invoke(app, ["ledger", "init", *space]).exit_code == 0
    run = finished(workspace, adapter)
    verify_run(run, "cpu")
    entry = Ledger(workspace).run_entry(run.id)
    assert entry.content["method"] == {"name": "external", "title": "Adapter of another tool"}
    assert entry.content["seed"] is None and entry.content["outcome"] == {}
    assert entry.content["thresholds"] == run.spec.thresholds
    assert entry.subjects["adapter after"] == sha256_of_file(adapter / WEIGHTS)
    assert [one.kind for one in Ledger(workspace).statements()] == ["ledger", "request", "run", "verification"]
    record = tmp_path / "record.html"
    result = RUNNER.invoke(app, ["ledger", "record", *space, "-r", run.spec.request, "--out", str(record)])
    assert result.exit_code == 0, result.output
    assert "the adapter of another tool, whose steps, seed and time are not known" in record.read_text()


def test_command_takes_the_adapter_in_and_verifies_it(workspace, adapter):
    request = workspace.requests()[0].id
    arguments = ["verify", "-w", str(workspace.root), "--device", "cpu"]
    result = RUNNER.invoke(app, [*arguments, "--request", request, "--adapter", str(adapter), "--json"])
    found = json.loads(result.stdout)
    assert result.exit_code == 1 and found["reason"] == "few_references", result.output  # there are only two
    again = RUNNER.invoke(app, [*arguments, "--run", found["run"], "--json"])
    assert json.loads(again.stdout)["verdict"] == found["verdict"] and json.loads(again.stdout)["attempt"] == 1


@pytest.mark.parametrize("names", [[], ["--run", "adapter"], ["--request"], ["--adapter"], ["--run", "--request"]])
def test_command_refuses_an_incomplete_choice(workspace, tmp_path, names):
    values = {"--run": "run-1", "--adapter": str(tmp_path), "--request": "req-1"}
    given = [word for name in names for word in (f"--{name.strip('-')}", values[f"--{name.strip('-')}"])]
    before = files_of(workspace.root)
    result = RUNNER.invoke(app, ["verify", "-w", str(workspace.root), *given])
    assert isinstance(result.exception, RunError) and "--adapter FOLDER with --request REQUEST" in str(result.exception)
    assert files_of(workspace.root) == before
