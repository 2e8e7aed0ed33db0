"""python -m core prepare: data in, a workspace out."""

from pathlib import Path
from typing import Annotated

import typer

from core.arguments import columns_of
from core.console import out, progress, stepper
from core.errors import RequestError

WorkspacePath = Annotated[
    Path, typer.Option("--workspace", "-w", help="The workspace folder: one recommender with its requests and runs.")
]


def prepare(
    data: Annotated[
        str, typer.Option(help="KIND:PATH, e.g. movielens:ml-latest-small, csv:ratings.csv or jsonl:ratings.jsonl.")
    ],
    workspace: WorkspacePath,
    task: Annotated[
        str, typer.Option(help="click (is this title liked?) or next_item (which title comes next?).")
    ] = "click",
    base: Annotated[
        str,
        typer.Option(
            help="Folder or hub id (ID@REVISION) of a base model. Left out: a small one is trained on part of the data."
        ),
    ] = "",
    adapter: Annotated[
        Path | None, typer.Option(help="A LoRA adapter made for that base. Left out: one is trained here.")
    ] = None,
    columns: Annotated[str, typer.Option(help="Names of the columns: user=U,item=I,title=T,rating=R,time=Z.")] = "",
    epochs: Annotated[int, typer.Option(help="Epochs of the adapter's training; references repeat them.", min=1)] = 6,
    rank: Annotated[int, typer.Option(help="Rank of the LoRA adapter.", min=1)] = 32,
    learning_rate: Annotated[float, typer.Option(help="Learning rate of the adapter.")] = 2e-3,
    window: Annotated[int, typer.Option(help="Interactions in one prompt.", min=4)] = 32,
    crowd: Annotated[
        float, typer.Option(help="Share of the people who train the base where one is trained here.", min=0, max=0.9)
    ] = 0.06,
    holdout: Annotated[
        float,
        typer.Option(help="Share of the people who train nothing: the yardstick for strangers.", min=0.01, max=0.9),
    ] = 0.15,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
) -> None:
    """Make a workspace: read the data, train (or take) the base model and the recommendation adapter."""
    from core.data.readers import read
    from core.prepare import Scratch
    from core.prepare import prepare as make
    from core.types import Task
    from core.workspace import WorkspaceSettings

    if task not in list(Task):
        raise RequestError(f"Task {task!r} is unknown: choose click or next_item.")
    dataset = read(data, columns_of(columns))
    for note in dataset.notes:
        out.print(f"note: {note}", highlight=False)
    name, _, revision = base.partition("@") if not Path(base).exists() else (base, "", "")
    settings = WorkspaceSettings(
        name=workspace.name,
        data=data,
        task=Task(task),
        base=str(Path(name).resolve()) if base and Path(name).exists() else name or "base",
        base_revision=revision or None,
        window=window,
        epochs=epochs,
        learning_rate=learning_rate,
        rank=rank,
        seed=seed,
        base_note=name or "a small Llama trained here on the crowd's part of the data",
    )
    with progress() as bars:
        made = make(dataset, workspace, settings, Scratch(crowd=crowd, holdout=holdout), stepper(bars), adapter)
    roles = made.roles
    out.print(
        f"Workspace {workspace}: {len(made.items):,} items, {len(made.interactions):,} interactions, {len(roles.members)} members, {len(roles.crowd)} crowd, {len(roles.holdout)} holdout."
    )
    if roles.members:
        out.print(f"Next: python -m core request --workspace {workspace} --users {roles.members[0]}")
