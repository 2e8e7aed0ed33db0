"""python -m core prepare: data in, a workspace out."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import out, progress, stepper
from core.cli.options import WorkspacePath, columns_of
from core.errors import RequestError
from core.workspace import Workspace, WorkspaceSettings


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
            help="Folder or hub id (ID@COMMIT) of a base model. Left out: a small one is trained on part of the data."
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
    from core.pipeline.prepare import Scratch
    from core.pipeline.prepare import prepare as make
    from core.types import Task

    if task not in list(Task):
        raise RequestError(f"Task {task!r} is unknown: choose click or next_item.")
    dataset = read(data, columns_of(columns))
    for note in dataset.notes:
        out.print(f"note: {note}", highlight=False)
    name, revision, place = _base(base)
    settings = WorkspaceSettings(
        workspace.name, data, Task(task), place, revision, window=window, epochs=epochs, learning_rate=learning_rate,
        rank=rank, seed=seed, base_note=name or "a small Llama trained here on the crowd's part of the data",
    )  # fmt: skip
    with progress() as bars:
        made = make(dataset, workspace, settings, Scratch(crowd=crowd, holdout=holdout), stepper(bars), adapter)
    _tell(made, workspace)


def _base(base: str) -> tuple[str, str | None, str]:
    """What the base is called, its revision, and where it is: a folder, a hub id, or trained here."""
    if Path(base).exists() and base:
        return base, None, str(Path(base).resolve())
    name, _, revision = base.partition("@")
    return name, revision or None, name or "base"


def _tell(made: Workspace, place: Path) -> None:
    roles = made.user_split
    out.print(
        f"Workspace {place}: {len(made.items):,} items, {len(made.interactions):,} interactions, {len(roles.members)} members, {len(roles.crowd)} crowd, {len(roles.holdout)} holdout."
    )
    if roles.members:
        out.print(f"Next: python -m core request --workspace {place} --users {roles.members[0]}", soft_wrap=True)
