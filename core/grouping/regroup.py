"""Edited groups: the circuits of an earlier run, grouped with a reviewer's thresholds and moves.

The dashboard's preview (`regroup_run`) and a new run (`load_circuits`, then `regroup_circuits`) compute the same
groups: both draw the bootstrap from the scores and the seed of the earlier run, by `bootstrap.bootstrap_seeds`. A run
hands in how it reads a file, which compares the file with what was signed; each file is read once.
"""

from collections.abc import Callable
from pathlib import Path

from core.circuit.bootstrap import bootstrap_seeds, draw_sample
from core.circuit.extraction import CircuitResult, ExtractedCircuit, load
from core.grouping.assign import GroupingResult, group_modules
from core.types import Circuit, DirectEffect, GroupEdit, ModuleGroup, RunSpec
from core.utils.serialization import parse_json, read_file
from core.workspace.run_layout import RunLayout

Read = Callable[[Path], bytes]  # reads a file of the earlier run


def regroup_run(source: RunLayout, edit: GroupEdit) -> GroupingResult:
    """Return the circuits of the run `source` and their modules' groups under `edit`.

    Raises:
        WorkspaceError: The run has no circuit.
    """
    return regroup_circuits(load_circuits(source), source, edit)


def regroup_circuits(
    result: CircuitResult, source: RunLayout, edit: GroupEdit, read: Read = read_file
) -> GroupingResult:
    """Group the modules of circuits that `load_circuits` read from the same run.

    The gradient conflicts are those that the earlier run measured.

    Raises:
        WorkspaceError: The run has no groups.
    """
    rows: tuple[ModuleGroup, ...] = parse_json(read(source.groups), tuple[ModuleGroup, ...], source.groups)
    conflict = {row.module: row.conflict for row in rows if row.has_lora and row.conflict is not None}
    return GroupingResult(result.circuits, group_modules(*result.circuits, *result.samples, conflict, edit))


def load_circuits(source: RunLayout, read: Read = read_file) -> CircuitResult:
    """Read the circuits and scores of the run `source`, and draw its bootstrap samples again.

    Raises:
        WorkspaceError: The run has no circuit.
    """
    circuits: list[Circuit] = [parse_json(read(path), Circuit, path) for path in (source.forget, source.retain)]
    spec: RunSpec = parse_json(read(source.spec), RunSpec, source.spec)
    forget, retain = (
        ExtractedCircuit(circuit, scores, draw_sample(scores.nodes, len(circuit.members), seed))
        for circuit, scores, seed in zip(circuits, load(source.scores, read), bootstrap_seeds(spec.seed), strict=True)
    )
    return CircuitResult(forget, retain)


def load_direct_effects(source: RunLayout, read: Read = read_file) -> tuple[DirectEffect, ...]:
    """Read the direct effects that the run `source` found.

    Raises:
        WorkspaceError: The run has none.
    """
    path = source.direct_effects
    effects: tuple[DirectEffect, ...] = parse_json(read(path), tuple[DirectEffect, ...], path)
    return effects
