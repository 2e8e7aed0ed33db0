"""A finished run with a random circuit of any size, for measuring the circuit page."""

from pathlib import Path

import numpy as np

from core.runs.handle import RunHandle
from core.types import (
    Cell,
    Circuit,
    CurvePoint,
    DirectEffect,
    Edge,
    Group,
    ModuleGroup,
    Outcome,
    RunSpec,
    RunState,
    RunStatus,
)
from core.utils.serialization import write_json
from core.workspace.layout import WorkspaceLayout

PLACES = 14  # parts of the prompt that modules read


def random_circuit(layers: int, heads: int, edges: int, random: np.random.Generator) -> Circuit:
    """A random circuit of `layers` times (`heads` + 1) modules."""
    modules = [
        name for layer in range(layers) for name in (*(f"a{layer}.h{head}" for head in range(heads)), f"m{layer}")
    ]
    scores = random.normal(size=len(modules)) * random.pareto(2, len(modules))
    pairs: dict[tuple[str, str, str], None] = {}
    while len(pairs) < edges:
        first, second = sorted(random.integers(0, len(modules), 2).tolist())
        if modules[first].partition(".")[0][1:] != modules[second].partition(".")[0][1:]:
            pairs[modules[first], modules[second], random.choice(list("qkv")) if ".h" in modules[second] else ""] = None
    scored = tuple(Edge(*pair, float(random.normal())) for pair in pairs)
    ranked = [modules[index] for index in np.argsort(-abs(scores))]
    return Circuit(
        tuple(modules), tuple(scores.tolist()), tuple(ranked[:120]), tuple(sorted(scored, key=lambda edge: -abs(edge.score))),
        (CurvePoint(120, 0.86, 0.1), CurvePoint(len(modules), 1.0, 1.0)), 0.86, 0.85, 2.0, -0.5, 36, 0,
        {"pagerank": 36}, tuple(random.uniform(size=len(modules)).tolist()), 0.6,
        tuple(tuple(random.normal(size=len(modules)).tolist()) for _ in range(PLACES)),
    )  # fmt: skip


def write_run(workspace: Path, run_id: str, layers: int, heads: int, edges: int) -> None:
    """Write a finished run whose circuits are random, seed 0."""
    random, run = np.random.default_rng(0), RunHandle(WorkspaceLayout(workspace).run(run_id).path)
    circuits = tuple(random_circuit(layers, heads, edges, random) for _ in range(2))
    names, all_groups = circuits[0].modules, list(Group)
    groups = [
        ModuleGroup(name, all_groups[i % 4], *random.uniform(size=4).tolist(), 0.0, random.uniform())
        for i, name in enumerate(names)
    ]
    run.write_spec(RunSpec(run_id, "req-demo", created="2026-01-02T00:00:00+00:00"))
    run.write_status(RunStatus(RunState.DONE, progress=1.0))
    for path, circuit in zip((run.layout.forget, run.layout.retain), circuits, strict=True):
        write_json(path, circuit)
    write_json(run.layout.groups, groups)
    write_json(run.layout.direct_effects, [DirectEffect(name, (), ()) for name in names])
    write_json(run.layout.outcome, Outcome(1, "", 1, 1, tuple(Cell((name,), 1, 0.1) for name in names)))
