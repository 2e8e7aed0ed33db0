"""`python -m core prepare`: make a workspace from interaction data."""

import math
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from core.cli.console import out, progress, step_bars
from core.cli.options import WorkspacePath, columns_of, joined
from core.data.readers import READERS, Dataset, read
from core.data.readers.summary import summary_rows
from core.data.templates import DOMAINS, check_templates, read_template, templates_file
from core.errors import RequestError
from core.models.known_bases import known_bases
from core.report.summary import GIVEN_ADAPTER
from core.types import Task
from core.utils.commands import command_line
from core.workspace import Workspace, WorkspaceSettings

Columns = Annotated[
    str,
    typer.Option(
        help="user=U,item=I,title=T,rating=R,time=Z,genres=G, where the columns have other names than user, item, "
        "title, rating, time (Unix time or a date) and genres; numbers for a file without a header; rating= or time= "
        "for none."
    ),
]
EPOCHS, LEARNING_RATE, AVERAGE, BATCH_SIZE = 6, 2e-3, 0.5, 4  # of an adapter that is trained here
Average = Annotated[
    float | None,
    typer.Option(
        help=f"Share of the last training steps whose weights are averaged. Default: {AVERAGE:g}; 0 with --adapter.",
        min=0,
        max=0.9,
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        help=f"Epochs of the adapter's training, and of every reference. Default: {EPOCHS}; needed with --adapter.",
        min=1,
    ),
]
LearningRate = Annotated[
    float | None,
    typer.Option(help=f"Learning rate of that training. Default: {LEARNING_RATE:g}; needed with --adapter.", min=0),
]
BatchSize = Annotated[
    int, typer.Option(help="Prompts in one step of that training; with --adapter, give those of its own.", min=1)
]
Base = Annotated[
    str,
    typer.Option(
        help="A base model: a name of `base list`, a folder, a GGUF file or a hub id (ID@COMMIT). "
        "Default: a small one is trained here."
    ),
]
GivenAdapter = Annotated[
    Path | None, typer.Option(help="A LoRA adapter of that base model. Default: one is trained here.")
]
Catalogue = Annotated[
    Path | None, typer.Option(help="A separate catalogue: a table, JSON lines or Parquet with item, title, genres.")
]
BaseShare = Annotated[
    float,
    typer.Option(
        "--base-users",
        "--crowd",
        help="Share of base-model users, whose data trains the base model, if it is trained here.",
        min=0,
        max=0.9,
    ),
]
HeldOutShare = Annotated[
    float,
    typer.Option("--holdout", help="Share of held-out users, whose data trains no model.", min=0.01, max=0.9),
]


Liked = Annotated[
    float | None, typer.Option(help="From which rating on a title counts as liked. Default: by the scale.")
]
Negatives = Annotated[
    int, typer.Option(help="Titles to sample as not liked for each row of data without ratings.", min=0, max=20)
]
Templates = Annotated[
    str,
    typer.Option(
        help=f"What prompts speak of: {', '.join(DOMAINS)}, or a templates file. Default: by the names in the data."
    ),
]
RankingTitles = Annotated[
    int | None,
    typer.Option(
        help="Titles that a model scores for its ranks, and again for its lists. Default: by the base model's size.",
        min=100,
    ),
]


def prepare(
    data: Annotated[
        str,
        typer.Option(help=f"KIND:PATH, e.g. movielens:ml-latest-small or csv:ratings.csv. KIND: {', '.join(READERS)}."),
    ],
    workspace: WorkspacePath,
    task: Annotated[
        str, typer.Option(help="click (is this title liked?) or next_item (which title comes next?).")
    ] = "click",
    base: Base = "",
    adapter: GivenAdapter = None,
    columns: Columns = "",
    items: Catalogue = None,
    liked: Liked = None,
    negatives: Negatives = 0,
    templates: Templates = "",
    epochs: Epochs = None,
    average: Average = None,
    rank: Annotated[int, typer.Option(help="Rank of the LoRA adapter; one of --adapter keeps its own.", min=1)] = 32,
    learning_rate: LearningRate = None,
    batch_size: BatchSize = BATCH_SIZE,
    window: Annotated[int, typer.Option(help="Interactions in one prompt.", min=4)] = 32,
    ranking_titles: RankingTitles = None,
    base_share: BaseShare = 0.06,
    held_out_share: HeldOutShare = 0.15,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.", min=0)] = 0,
) -> None:
    """Make a workspace: read the data, train (or take) the base model and the recommendation adapter."""
    _check_options(task, learning_rate)
    if adapter:
        _check_recipe(adapter, epochs, learning_rate)
        average = average or 0.0
    if templates:
        check_templates(templates_file(templates), Task(task))
    dataset = read(data, columns_of(columns), items, liked, Task(task), negatives)
    file = templates_file(templates or dataset.domain)
    _print_data(dataset, Task(task), file)

    from core.models.gguf import is_gguf  # loads torch
    from core.pipeline.prepare import Scratch  # loads torch
    from core.pipeline.prepare import prepare as make_workspace  # loads torch

    name, revision, location = _base(base)
    settings = WorkspaceSettings(
        workspace.name, data, Task(task), location, revision, window=window, epochs=epochs or EPOCHS,
        learning_rate=LEARNING_RATE if learning_rate is None else learning_rate,
        rank=rank, seed=seed, batch_size=batch_size, average=AVERAGE if average is None else average,
        ranking_titles=ranking_titles,
        base_note=name or "a small Llama trained here on the data of the base-model users",
    )  # fmt: skip
    if is_gguf(location):
        out.print("Converting the base model from GGUF to safetensors; this takes minutes for a large one.")
    scratch = Scratch(base_share=base_share, held_out_share=held_out_share)
    with progress() as bars:
        made = make_workspace(dataset, workspace, settings, scratch, step_bars(bars), adapter, templates=file)
    if adapter:
        _print_recipe(made)
    _print_summary(made, workspace)


def _check_options(task: str, learning_rate: float | None) -> None:
    if task not in list(Task):
        raise RequestError(f"Task {task!r} is unknown: choose click or next_item.")
    if learning_rate is not None and not 0 < learning_rate < math.inf:
        raise RequestError(f"--learning-rate {learning_rate:g} trains nothing: give a number above 0, such as .002.")


def _check_recipe(adapter: Path, epochs: int | None, learning_rate: float | None) -> None:
    """Require what an adapter's files do not say about its training."""
    given = {"--epochs": epochs, "--learning-rate": learning_rate}
    if missing := " and ".join(name for name, value in given.items() if value is None):
        raise RequestError(
            f"Adapter {adapter} does not say how long and how fast it was trained, and its references are trained "
            f"alike: give {missing} of its training."
        )


def _print_recipe(workspace: Workspace) -> None:
    """Print how the references of a given adapter are trained, and what is not known of its own training."""
    from core.pipeline.context import adapter_recipe  # loads torch

    recipe, settings = adapter_recipe(workspace), workspace.settings
    targets = recipe.target_modules or ()
    names = targets if isinstance(targets, str) else ", ".join(sorted({name.rpartition(".")[2] for name in targets}))
    out.print(
        f"note: References take the adapter's rank {recipe.r}, alpha {recipe.lora_alpha:g} and targets ({names}), "
        f"and train {settings.epochs} epochs at {settings.learning_rate:g} in batches of {settings.batch_size}.",
        highlight=False,
    )
    out.print(f"note: {GIVEN_ADAPTER}", highlight=False)


def _print_data(dataset: Dataset, task: Task, templates: Path) -> None:
    """Print what was read, dropped and kept, what the reader noted, and how the prompts begin."""
    if dataset.summary:
        table = Table(show_header=False, box=None)
        for row in summary_rows(dataset.summary, dataset.interactions, task):
            table.add_row(*row)
        out.print(table, highlight=False)
    for note in dataset.notes:
        out.print(f"note: {note}", highlight=False)
    instruction = read_template(templates, task).instruction
    out.print(f'note: Prompts begin with "{instruction}"; choose other words with --templates.', highlight=False)


def _base(base: str) -> tuple[str, str | None, str]:
    """Name, revision and location of the base model: a known name, a folder, a hub id; `base` if it is trained here."""
    if base and base not in known_bases() and Path(base).exists():
        return base, None, str(Path(base).resolve())
    name, _, revision = base.partition("@")
    return name, revision or None, name or "base"


def _print_summary(workspace: Workspace, path: Path) -> None:
    split = workspace.user_split
    out.print(
        f"Workspace {path}: {len(workspace.items):,} items, {len(workspace.interactions):,} interactions, "
        f"{len(split.training_users)} training users, {len(split.base_users)} base-model users, "
        f"{len(split.held_out_users)} held-out users."
    )
    if split.training_users:
        following = command_line("request", "--workspace", str(path), "--users", joined(split.training_users[:1]))
        out.print(f"Next: {following}", soft_wrap=True)
