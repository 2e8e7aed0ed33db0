"""A person's groups: the circuits of an earlier run, sorted anew by other thresholds and by hand."""

from pathlib import Path

from core.circuit.attribution import Attribution
from core.circuit.bootstrap import members, resampled
from core.circuit.extraction import load
from core.grouping.assign import RULE, Sample, group_modules
from core.types import Circuit, GroupEdit, ModuleGroup, RunSpec
from core.utils.serialization import read_json


def regrouped(source: Path, edit: GroupEdit) -> tuple[tuple[Circuit, Circuit], tuple[ModuleGroup, ...]]:
    """The circuits of the run in folder `source`, and their modules' groups under `edit`.

    Raises WorkspaceError where the run has no circuit.
    """
    circuits = (read_json(source / "forget.json", Circuit), read_json(source / "retain.json", Circuit))
    conflict = {row.module: row.conflict for row in read_json(source / "groups.json", tuple[ModuleGroup, ...])}
    seed = read_json(source / "spec.json", RunSpec).seed
    return circuits, sort(circuits, load(source / "circuit.safetensors"), conflict, seed, edit)


def sort(
    circuits: tuple[Circuit, Circuit],
    scores: tuple[Attribution, Attribution],
    conflict: dict[str, float],
    seed: int,
    edit: GroupEdit = RULE,
) -> tuple[ModuleGroup, ...]:
    """The groups of both circuits' modules, prompts resampled from `seed`."""
    forget, retain = (_sample(circuits[side], scores[side], seed + side) for side in (0, 1))
    return group_modules(*circuits, forget, retain, conflict, edit)


def _sample(circuit: Circuit, scores: Attribution, seed: int) -> Sample:
    means = resampled(scores.nodes, seed)
    return Sample(means, members(means, len(circuit.members)))
