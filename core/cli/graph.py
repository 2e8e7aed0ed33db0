"""`python -m core graph`: the circuit of a run, or the graph of one prompt, as graph JSON."""

import math
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import out
from core.cli.options import Device, RunId, WorkspacePath, output_path
from core.errors import RunError
from core.runs.handle import RunHandle, open_run
from core.types import AttributionGraph
from core.utils.serialization import write_json
from core.workspace import Workspace

Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]
User = Annotated[str, typer.Option(help="A training user, for the graph of one prompt.")]
ItemId = Annotated[str, typer.Option("--item", help="Id of the title that the prompt asks about.")]
Nodes = Annotated[int, typer.Option(help="Nodes of the prompt's graph; 0 chooses the fewest that are faithful.", min=0)]
Retain = Annotated[bool, typer.Option("--retain", help="The circuit of the retain set, not of the forget set.")]


def graph(
    workspace: WorkspacePath,
    run_id: RunId,
    output: Output,
    user: User = "",
    item: ItemId = "",
    nodes: Nodes = 0,
    retain: Retain = False,
    device: Device = "auto",
) -> None:
    """Write a run's circuit, or with --user and --item one prompt's graph, for the viewers of Neuronpedia."""
    from core.circuit.neuronpedia_json import to_graph_json  # loads torch

    if bool(user) != bool(item):
        raise RunError("The graph of one prompt needs --user and --item: give both, or neither for the run's circuit.")
    opened = open_run(Workspace(workspace), run_id)
    found, metric = _prompt(opened, user, item, nodes, device) if user else _circuit(opened, int(retain))
    write_json(output := output_path(output, opened.workspace), to_graph_json(found, 1 / (1 + math.exp(-metric))))
    out.print(f"{len(found.nodes)} nodes and {len(found.edges)} connections: {output}", highlight=False, soft_wrap=True)


def _circuit(run: RunHandle, which: int) -> tuple[AttributionGraph, float]:
    """The circuit of the forget (0) or retain set (1), and its logit difference."""
    from core.circuit.neuronpedia_json import circuit_as_graph, graph_name  # loads torch

    if not run.circuits:
        raise RunError(f"Run {run.id!r} has no circuit: choose a finished run of a method with circuits.")
    circuit, name = run.circuits[which], graph_name(run.id, ("forget", "retain")[which])
    return circuit_as_graph(circuit, name, run.workspace.settings.name, name), circuit.clean


def _prompt(run: RunHandle, user: str, item: str, nodes: int, device: str) -> tuple[AttributionGraph, float]:
    """The graph of one prompt of the original model, and its logit difference."""
    from core.circuit.neuronpedia_json import graph_name  # loads torch
    from core.pipeline.context import load_adapter, make_context  # loads torch
    from core.pipeline.single_prompt import trace_prompt  # loads torch

    workspace = run.workspace
    recommender = load_adapter(workspace, str(workspace.adapter), device)
    context = make_context(workspace, workspace.request(run.spec.request), recommender.tokenizer)
    traced = trace_prompt(recommender, context, user, item)
    shares = traced.attribution.faithfulness
    size = nodes or traced.attribution.readable
    if size not in shares:
        raise RunError(f"--nodes is {size}: choose 0 or one of {', '.join(map(str, shares))}.")
    out.print(
        f"{size} of {len(traced.attribution.nodes)} nodes keep {shares[size]:.0%} of the effect.", highlight=False
    )
    circuit = traced.circuit(size, graph_name(run.id, user, item), workspace.settings.name)
    return circuit.graph, circuit.clean
