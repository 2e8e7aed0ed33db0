"""Making a workspace: data in, roles, base model, adapter; all or nothing."""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from core.data.prompts import encode, escape, template
from core.data.readers import Dataset
from core.data.splits import assign_roles, by_user, windows
from core.errors import DataError, WorkspaceError
from core.models.hub import resolve
from core.models.recommender import save_adapter
from core.models.scratch import save_base, small_llama, train_tokenizer
from core.models.validation import check_adapter
from core.pipeline.context import fresh_adapter, make_context
from core.types import Interaction, Item, Task
from core.unlearning.finetuning import FitSettings, fit
from core.unlearning.trainer import Step
from core.utils.atomic_io import disk_error
from core.utils.serialization import write_json, write_json_lines
from core.workspace import Workspace, WorkspaceSettings

SEPARATORS = '":|\n"| ?[^\\s":]+'  # quotes and words
Report = Callable[[str, Step], bool]


@dataclass(frozen=True, slots=True)
class Scratch:
    """The base model that is trained here where no pretrained one is given, and who trains it.

    crowd, holdout: shares of users. The crowd is small on purpose: a base that knows the people's taste already leaves an
    adapter nothing to add, and then dropping the adapter would forget at no cost. known: titles that the crowd met so
    often become one token each, 0 for none. vocabulary, width, layers, heads, kv_heads: of the Llama.
    role_seed: of the hash that deals out roles; with the default, users 4 and 15 of MovieLens, the README's, are members.
    """

    crowd: float = 0.06
    holdout: float = 0.15
    vocabulary: int = 3000
    known: int = 2
    width: int = 64
    layers: int = 2
    heads: int = 8
    kv_heads: int = 8
    epochs: int = 3
    learning_rate: float = 2e-3
    role_seed: int = 104


def prepare(
    dataset: Dataset,
    folder: Path,
    settings: WorkspaceSettings,
    scratch: Scratch,
    report: Report,
    adapter: Path | None = None,
    crowd: Sequence[Interaction] = (),
) -> Workspace:
    """Write a workspace at `folder`; it appears there only when it is whole.

    settings.base "base" means: train one from `scratch` on the crowd. adapter: one made elsewhere for that base;
    otherwise one is trained on the members. crowd: interactions of people outside the dataset to train the base on;
    left out, a share of the dataset's users (scratch.crowd) gives its own.
    Raises WorkspaceError where the folder is taken, DataError where the data leaves a role empty.
    """
    if folder.exists():
        raise WorkspaceError(f"{folder} is there already: choose another --workspace or remove it first.")
    own_base = settings.base == "base"
    for item in dataset.items:
        escape(item.title)  # refuses what no prompt can hold, before anything is written
    share = scratch.crowd if own_base and not crowd else 0.0
    roles = assign_roles(dataset.interactions, share, scratch.holdout, scratch.role_seed)
    base_people = set(roles.crowd)
    crowd = crowd or [event for event in dataset.interactions if event.user in base_people]
    if not roles.members or not roles.holdout or (own_base and not crowd):
        raise DataError(
            f"The data has {len({e.user for e in dataset.interactions})} users, too few for members, crowd and holdout: "
            f"give more, or other shares than --crowd {share:g} and --holdout {scratch.holdout:g}."
        )
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        write_json_lines(part / "data/items.jsonl", dataset.items)
        write_json_lines(part / "data/interactions.jsonl", dataset.interactions)
        write_json(part / "data/roles.json", roles)
        write_json(part / "workspace.json", settings)
        if own_base:
            _train_base(part / "base", dataset.items, crowd, settings, scratch, report)
        _take_adapter(Workspace(part), adapter) if adapter else train_adapter(Workspace(part), report)
        part.rename(folder)
    except OSError as error:
        raise disk_error(folder, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Workspace(folder)


def base_tokenizer(
    items: Sequence[Item], crowd: Sequence[Interaction], task: Task, scratch: Scratch
) -> PreTrainedTokenizerFast:
    """The tokenizer of a base made here: learned from the catalogue, titles that the crowd knows as one token each."""
    met, words = Counter(event.item for event in crowd), template(task)
    titles = {item.id: escape(item.title) for item in items}
    known = [title for item, title in titles.items() if scratch.known and met[item] >= scratch.known]
    lines = [
        words.before + title + words.after + answer for title in titles.values() for answer in (words.yes, words.no)
    ]
    return train_tokenizer([words.instruction, *lines], scratch.vocabulary, SEPARATORS, known)


def _train_base(
    folder: Path,
    items: Sequence[Item],
    crowd: Sequence[Interaction],
    settings: WorkspaceSettings,
    scratch: Scratch,
    report: Report,
) -> None:
    """A tokenizer and a small Llama that know the catalogue and the crowd, and no member."""
    tokenizer = base_tokenizer(items, crowd, settings.task, scratch)
    titles = {item.id: escape(item.title) for item in items}
    histories = by_user(crowd, settings.task).values()
    prompts = [prompt for history in histories for prompt in windows(history, settings.window)]
    encoded = encode(prompts, titles, settings.task, tokenizer)
    model = small_llama(len(tokenizer), scratch.width, scratch.layers, scratch.heads, scratch.kv_heads, settings.seed)
    recipe = FitSettings(scratch.epochs, scratch.learning_rate, batch_size=16, weight_decay=0.1, seed=settings.seed)
    fit(model, encoded, recipe, lambda step: report("base model", step))
    save_base(model, tokenizer, folder)


def train_adapter(workspace: Workspace, report: Report) -> None:
    """Train the recommendation adapter on all members, by the workspace's own recipe and seed."""
    settings = workspace.settings
    recommender = fresh_adapter(workspace, "auto", settings.seed)
    context = make_context(workspace, None, recommender.tokenizer)
    fit(recommender.model, context.encode(context.split.retain), context.recipe, lambda step: report("adapter", step))
    save_adapter(recommender.model, workspace.root / "adapter")


def _take_adapter(workspace: Workspace, given: Path) -> None:
    """Take in an adapter that was made elsewhere."""
    settings = workspace.settings
    check_adapter(given, resolve(workspace.path(settings.base), settings.base_revision))
    shutil.copytree(given, workspace.root / "adapter")
