"""Options of launchers in the settings: a wrong one is refused in one sentence before any work, and doctor names it."""

import json
from dataclasses import replace

import pytest
import torch

from core.cli.diagnostics import examine
from core.errors import RunError
from core.runs import dispatcher
from core.runs.estimate.learned import estimate
from core.runs.hand_over import DeviceNeeds
from core.runs.reference_job import launch_training
from core.runs.references import missing_references
from core.runs.submit import create_run, start
from core.runs.worker import work
from core.types import RunState
from core.utils.serialization import write_json
from core.workspace import Workspace
from dashboard.services import queries

ADDRESSES = (
    "file:///etc/passwd", "ftp://head:8265", "head:8265", "auto", "ray://head:10001", "os://head", "HTTP://head:8265",
    "http://", "https:///etc", "http://head:x", "http://he ad:8265", "http://head\n:8265", "",
)  # fmt: skip
WRONG = [
    *(("ray", "address", address) for address in ADDRESSES),
    ("ray", "address", 8265),
    *((launcher, option, value) for launcher in ("local", "slurm", "ray") for option, value in (
        ("cards", "two"), ("processes", 0),
    )),
    *(("local", "cards", value) for value in (0, -1, 1.5, "2", "", None, float("inf"))),
    ("slurm", "timeout_min", float("inf")),
    ("slurm", "slurm_mem", None),
    ("slurm", "slurm_partition", "gpu\ntouch x"),
    ("slurm", "slurm_comment", "a\rb"),
    ("slurm", "slurm_setup", "touch x"),
    ("slurm", "slurm_python", "/bin/sh"),
    ("slurm", "slurm_srun_args", "--prolog=x"),
    ("slurm", "slurm_nodelist", "/etc/passwd"),
    ("slurm", "slurm_exclude", "x/y"),
    ("slurm", "cluster", "debug"),
    ("ray", "runtime_env", "x"),
    ("local", "gpus", 2),
]  # fmt: skip


def with_option(workspace: Workspace, launcher: str, option: str, value: object) -> Workspace:
    """The workspace with one option of a launcher, as a person may write it."""
    path = workspace.layout.settings
    path.write_text(json.dumps(json.loads(path.read_text()) | {"clusters": {launcher: {option: value}}}))
    return Workspace(workspace.root)


@pytest.mark.parametrize(("launcher", "option", "value"), WRONG)
def test_wrong_option_is_refused_before_a_run_is_made(workspace, launcher, option, value):
    changed = with_option(workspace, launcher, option, value)
    with pytest.raises(
        RunError, match=rf"^Option '{option}' of launcher '{launcher}' is .*under clusters|remove it"
    ) as no:
        create_run(changed, changed.requests()[0].id, device="cpu", launcher=launcher)
    assert str(no.value).count("\n") == 0 and not changed.layout.runs.exists()


@pytest.mark.parametrize(
    ("launcher", "option", "value"),
    [
        ("ray", "address", "http://head:8265"),
        ("ray", "address", "https://ray.example.org/cluster"),
        ("ray", "address", "http://[::1]:8265"),
        ("ray", "entrypoint_num_gpus", 0.5),
        ("slurm", "slurm_time", "2:00:00"),
        ("slurm", "cluster", "local"),
        ("local", "processes", 2),
    ],
)
def test_right_option_is_taken(workspace, launcher, option, value):
    changed = with_option(workspace, launcher, option, value)
    assert create_run(changed, changed.requests()[0].id, device="cpu", launcher=launcher).spec.launcher == launcher


@pytest.mark.parametrize("value", ["two", 0, 1.5, None])
def test_cards_that_are_no_number_of_gpus_end_no_command_with_a_traceback(workspace, value, monkeypatch):
    """Each of these asks the settings for `cards` by itself."""
    request = workspace.requests()[0].id
    waiting = create_run(workspace, request, device="cpu")
    changed = with_option(workspace, "local", "cards", value)
    for ask in (
        lambda: estimate(changed, request, "uniform", "cpu", 0),
        lambda: launch_training(changed, request, 3, "cpu", ""),
        lambda: create_run(changed, request, device="cpu", seed=1),
    ):
        with pytest.raises(RunError, match="Option 'cards' of launcher 'local' is"):
            ask()
    assert missing_references(changed, request, 3) == [2] and not changed.layout.training(request).status.exists()
    waiting.workspace = changed
    assert work(waiting) is RunState.FAILED and "'cards'" in waiting.status.message


def test_option_that_was_changed_while_a_run_waits_fails_the_run(workspace):
    run, other = (create_run(workspace, workspace.requests()[0].id, device="cpu", seed=seed) for seed in (0, 1))
    run.workspace = other.workspace = with_option(workspace, "local", "cards", "two")
    with pytest.raises(RunError, match="'cards'"):
        start(run)
    needs = DeviceNeeds(("cpu",), 1, None)
    assert dispatcher._start_worker(other, needs) == []
    assert all(one.status.state is RunState.FAILED and "'cards'" in one.status.message for one in (run, other))


def test_address_of_a_file_is_not_opened_for_free_resources(workspace, tmp_path, monkeypatch):
    (tmp_path / "api").mkdir()
    usage = {"usage": {"CPU": [1, 2]}}
    (tmp_path / "api/cluster_status").write_text(json.dumps({"data": {"clusterStatus": {"loadMetricsReport": usage}}}))
    changed = with_option(workspace, "ray", "address", tmp_path.as_uri())
    monkeypatch.setattr(queries, "workspace", lambda: changed)
    queries.free_resources.clear()
    assert "Option 'address' of launcher 'ray'" in queries.free_resources("ray")


@pytest.mark.parametrize("changes", [{"launcher": "cloud"}, {"clusters": {"ray": {"address": "file:///etc"}}}])
def test_doctor_names_a_wrong_option(workspace, monkeypatch, changes):
    monkeypatch.setattr(torch.version, "cuda", None)
    write_json(workspace.layout.settings, replace(workspace.settings, **changes))
    (problem,) = [one for one in examine(workspace.root) if not one.ok]
    assert problem.name == "launchers" and any(word in problem.detail for word in ("'cloud'", "'address'"))
