"""Queries of pages on a workspace's files, except for the review page (review.py).

Caches are bounded and keyed by the change time and size of each file.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from core.report.check_texts import sentence_of
from core.report.summary import Summary, summarise
from core.review import request_state
from core.review.cases import Cases
from core.runs import dispatcher
from core.runs.artifacts import RunArtifacts
from core.runs.bundle import export_bundle, pack
from core.runs.handle import RunHandle, open_run
from core.runs.handle import runs as all_runs
from core.runs.launcher_options import options_of
from core.runs.queue import QueueAhead, queue_ahead
from core.types import (
    Circuit,
    DirectEffect,
    Evaluation,
    Group,
    GroupEdit,
    Interaction,
    MemoryContrast,
    ModuleGroup,
    Outcome,
    Overlap,
    Request,
    RequestStatus,
    RunSpec,
    Verification,
)
from core.unlearning.methods import DEFAULT_METHOD, METHODS, OFFERED, Method, recorded_method
from core.utils.assets import asset
from core.utils.listing import Listing
from core.workspace import Workspace
from core.workspace.layout import WorkspaceLayout
from dashboard.services.cli_client import CommandError, run_command

__all__ = ["DEFAULT_METHOD", "METHODS", "OFFERED", "CommandError", "RunHandle"]

DEMO = asset("demo")
T = TypeVar("T")
Stamps = tuple[tuple[int, int] | None, ...]


def stamps(*paths: Path) -> Stamps:
    """(change time in ns, size in bytes) of each file; None where it does not exist."""
    stats = [path.stat() if path.is_file() else None for path in paths]
    return tuple((stat.st_mtime_ns, stat.st_size) if stat else None for stat in stats)


# ---------------------------------------------------------------- workspace


def workspace() -> Workspace:
    """The workspace named by CURE_LENS_WORKSPACE, else the shipped demo. Raises WorkspaceError."""
    root = Path(os.environ.get("CURE_LENS_WORKSPACE") or DEMO)
    return _workspace(str(root), stamps(*WorkspaceLayout(root).data))


def demo() -> bool:
    """Whether the workspace is the shipped demo world or a copy of it."""
    return workspace().settings.data.startswith("core.data.world")


@st.cache_resource(max_entries=4, show_spinner=False)
def _workspace(root: str, key: Stamps) -> Workspace:
    return Workspace(root)


def history(user: str) -> tuple[Interaction, ...]:
    """One user's interactions in time order; empty for an unknown user."""
    return tuple(workspace().interactions.of_users([user]))


def selectable_users(request: Request) -> list[str]:
    """Training users with a history, users of the request first."""
    current_workspace = workspace()
    readers = _readers(str(current_workspace.root), stamps(*current_workspace.layout.data))
    users = filter(readers.__contains__, current_workspace.user_split.training_users)
    return sorted(users, key=lambda user: user not in request.subjects)


@st.cache_resource(max_entries=2, show_spinner=False)
def _readers(root: str, key: Stamps) -> frozenset[str]:
    """Users with an interaction that the task uses."""
    found = _workspace(root, key)
    return frozenset(found.interactions.history_lengths(found.settings.task))


# ---------------------------------------------------------------- runs


def runs() -> dict[str, RunHandle]:
    """All runs by id, newest first."""
    return {run.id: run for run in all_runs(workspace())}


def damaged_entries() -> tuple[str, ...]:
    """One sentence for each run, verification, request and case that lists leave out because it cannot be read."""
    current_workspace = workspace()
    found, cases = all_runs(current_workspace), Cases(current_workspace).all()
    requests = (*current_workspace.requests().damaged, *current_workspace.closed().damaged)
    return *found.damaged, *Listing.read(found, _verification).damaged, *requests, *cases.damaged


def run(run_id: str) -> RunHandle:
    """One run. Raises RunError."""
    return open_run(workspace(), run_id)


def request_statuses() -> dict[str, RequestStatus]:
    """Where each request stands, by id: the open ones by due date, then the carried-out ones."""
    return request_state.request_statuses(workspace(), verification)


def inbox() -> dict[str, RequestStatus]:
    """Where each request stands, by id: what waits for a person first, within a state by due date."""
    return request_state.inbox_order(request_statuses())


def default_run(found: dict[str, RunHandle]) -> str | None:
    """The newest finished run that passes its verification, else the newest finished run, else the newest."""
    return request_state.default_run(found, verification)


def launchers() -> list[str]:
    """Names of launchers: the workspace's default first, then this machine and the configured clusters."""
    settings = workspace().settings
    return list(dict.fromkeys((settings.launcher, "local", *settings.clusters)))


@st.cache_data(ttl=5, max_entries=4, show_spinner=False)
def free_resources(launcher: str) -> str:
    """Free resources of a launcher in one line, or the reason why they are unknown."""
    from core.runs.launchers import LAUNCHERS  # loads torch

    try:
        return LAUNCHERS[launcher].free_resources(options_of(workspace(), launcher))
    except Exception as error:  # a cluster may answer anything; the form must not fail
        return str(error) or type(error).__name__


def estimate(request_id: str, method: str, device: str) -> dict[str, Any]:
    """Time and memory that a run would need on this machine.

    Another process measures it, since that loads a model.

    Raises:
        CommandError: The estimate failed.
    """
    options = ("--workspace", str(workspace().root), "--request", request_id, "--method", method, "--device", device)
    result: dict[str, Any] = run_command("estimate", *options)
    return result


def queue(run: RunHandle) -> QueueAhead:
    """The queue ahead of a waiting run. Where the dispatcher that is to start the run was killed, it gets another."""
    dispatcher.ensure_dispatcher(run)
    return queue_ahead(run)


def dispatcher_fault(run: RunHandle) -> str:
    """Why nothing starts a waiting run, in a sentence; ask before `queue`, which starts another dispatcher."""
    return dispatcher.fault(run.workspace)


def circuits(run: RunArtifacts) -> tuple[Circuit, Circuit] | None:
    """The circuits of the forget set and of the retain set."""
    return _cached(run, RunArtifacts.circuits, run.layout.forget, run.layout.retain)


def groups(run: RunArtifacts) -> tuple[ModuleGroup, ...] | None:
    """The group of each module."""
    return _cached(run, RunArtifacts.groups, run.layout.groups)


def regrouped(run: RunHandle, edit: GroupEdit) -> tuple[ModuleGroup, ...]:
    """The run's modules grouped by a person's edit. Raises WorkspaceError where the run has no circuit."""
    from core.grouping.regroup import regroup_run  # loads torch

    return regroup_run(run.layout, edit).groups


def movable(run: RunHandle, sorted_modules: Sequence[ModuleGroup]) -> float | None:
    """The share of the adapter's parameters that these groups leave trainable; None where the run did not record it."""
    found = outcome(run)
    if found is None or not found.cells:
        return None
    from core.models.lora_layout import cell_groups  # loads torch

    kinds = cell_groups(tuple(cell.owners for cell in found.cells), {row.module: row.group for row in sorted_modules})
    free = sum(cell.size for cell, kind in zip(found.cells, kinds, strict=True) if kind is not Group.OUTSIDE)
    return free / found.total


def outcome(run: RunArtifacts) -> Outcome | None:
    """How unlearning ended."""
    return _cached(run, RunArtifacts.outcome, run.layout.outcome)


def memory(run: RunArtifacts) -> tuple[MemoryContrast, ...] | None:
    """The memory contrast of each module."""
    return _cached(run, RunArtifacts.memory, run.layout.memory)


def direct_effects(run: RunArtifacts) -> dict[str, DirectEffect] | None:
    """The titles that each module raises and lowers most."""
    return _cached(run, RunArtifacts.direct_effects, run.layout.direct_effects)


def evaluation(run: RunArtifacts) -> Evaluation | None:
    """Metrics of all models of the run."""
    return _cached(run, RunArtifacts.evaluation, run.layout.evaluation)


def overlaps(run: RunArtifacts) -> tuple[Overlap, ...] | None:
    """Overlap of every other user's top list."""
    return _cached(run, RunArtifacts.overlaps, run.layout.overlap)


def summary(run: RunHandle) -> Summary | None:
    """The result in plain sentences, the same as in the report; None before the evaluation."""
    found, current_workspace = evaluation(run), workspace()
    if found is None:
        return None
    verified = verification(run)
    return summarise(
        run.spec,
        current_workspace.request(run.spec.request),
        current_workspace.items,
        groups(run) or (),
        found,
        method_title=method_title(run.spec),
        memory_contrast=memory(run) is not None,
        given_adapter=current_workspace.has_given_adapter,
        verdict=sentence_of(verified) if verified else "",
    )


def verification(run: RunArtifacts) -> Verification | None:
    """The verification of the run; None, as before it was verified, where `damaged_entries` names its file."""
    return next(iter(Listing.read([run], _verification)), None)


def _verification(run: RunArtifacts) -> Verification | None:
    return _cached(run, RunArtifacts.verification, run.layout.verification)


def bundle(run: RunHandle) -> bytes:
    """The file from which anybody computes the run's verdict again. Raises RunError, LedgerError."""
    return pack(export_bundle(run))


def needs_circuits(run: RunHandle) -> bool:
    """Whether the run's method extracts a circuit."""
    method = _method(run.spec)
    return method is None or method.needs_circuits


def retrains(run: RunHandle) -> bool:
    """Whether the run's method trains the adapter again."""
    method = _method(run.spec)
    return method is not None and method.retrain


def method_title(spec: RunSpec) -> str:
    """The title of the run's method, or its name where this version does not know it."""
    method = _method(spec)
    return method.title if method else spec.method


def _method(spec: RunSpec) -> Method | None:
    return recorded_method(spec.method) if spec.is_external else METHODS.get(spec.method)


def _cached(run: RunArtifacts, result: Callable[[RunArtifacts], T], *files: Path) -> T:
    """A result of a run, read again when one of its files changes.

    Args:
        run: The run.
        result: A property of RunArtifacts; type checkers take it for a function.
        files: The files that it is read from.
    """
    value: T = _result(str(run.path), result, stamps(*files))
    return value


@st.cache_resource(max_entries=24, show_spinner=False, hash_funcs={property: lambda result: result.fget.__name__})
def _result(path: str, result: Any, key: Stamps) -> Any:
    return result.__get__(RunArtifacts(Path(path)))
