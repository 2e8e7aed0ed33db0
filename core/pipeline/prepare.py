"""Preparation of a workspace: its data, user split, base model and adapter; the folder appears whole or not at all."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast

from core.data.interaction_files import write_interactions
from core.data.prompts import encode, escape
from core.data.readers import Dataset
from core.data.splits import MIN_HISTORY, by_user, split_users, windows
from core.data.templates import FILMS, Template, check_templates, read_template
from core.errors import DataError, ModelError, WorkspaceError
from core.ledger.key_folder import forget_key
from core.models.batching import answer_logits, collate
from core.models.recommender import Recommender, answer_tokens
from core.models.saved_adapter import save_adapter
from core.models.scratch import save_base, small_llama, train_tokenizer
from core.pipeline.context import fresh_adapter, make_context
from core.pipeline.given_models import check_given_models, given_base, rank_of, take_adapter
from core.pipeline.prompt_lengths import check_prompt_lengths
from core.pipeline.title_tokens import check_title_tokens
from core.types import Encoded, Interaction, Item, Task, UserSplit
from core.unlearning.finetuning import FinetuneSettings, finetune
from core.unlearning.training_types import Step
from core.utils.atomic_io import disk_error, make_private_folder, move, remove_folder, staging, write_bytes
from core.utils.serialization import write_json, write_json_lines
from core.workspace import Workspace, WorkspaceSettings
from core.workspace.layout import WorkspaceLayout

SEPARATORS = '":|\n"| ?[^\\s":]+'  # quotes and words
Report = Callable[[str, Step], bool]  # receives what is trained and each step; True ends the training


@dataclass(frozen=True, slots=True)
class Scratch:
    """Settings of a base model that is trained here, where no pretrained one is given.

    Attributes:
        base_share: Share of users that the base model is trained on. It is small on purpose: if the base model knew the
            users' taste, the adapter would add nothing, and removing the adapter would forget at no cost.
        held_out_share: Share of users that are held out.
        vocabulary: Size of the tokenizer.
        min_title_interactions: Interactions of base-model users from which a title becomes one token; 0 for no title.
        width: Hidden size of the Llama.
        layers: Layers.
        heads: Attention heads.
        kv_heads: Heads of keys and values.
        epochs: Epochs of training.
        learning_rate: Highest learning rate.
        user_split_seed: Seed of the hash that splits the users; with the default, the users 4 and 15 of MovieLens that
            docs/operating.md shows are training users.
    """

    base_share: float = 0.06
    held_out_share: float = 0.15
    vocabulary: int = 3000
    min_title_interactions: int = 2
    width: int = 64
    layers: int = 2
    heads: int = 8
    kv_heads: int = 8
    epochs: int = 3
    learning_rate: float = 2e-3
    user_split_seed: int = 104


def prepare(
    dataset: Dataset,
    folder: Path,
    settings: WorkspaceSettings,
    scratch: Scratch,
    report: Report,
    adapter: Path | None = None,
    base_interactions: Sequence[Interaction] = (),
    templates: Path = FILMS,
) -> Workspace:
    """Write a workspace.

    Args:
        dataset: Items and interactions.
        folder: Where the workspace appears once it is complete.
        settings: Settings of the workspace; base "base" means that a base model is trained from `scratch`. A base model
            in GGUF is converted into the workspace.
        scratch: Settings of that base model, and the shares of the user split.
        report: Receives the steps of the trainings.
        adapter: An adapter for the base model that was trained elsewhere; without it, one is trained on the training
            users. Its references have its rank, whatever the settings say.
        base_interactions: Interactions of users outside the dataset to train the base model on; without them, the share
            `scratch.base_share` of the dataset's users gives its interactions.
        templates: File with the text of the prompts.

    Raises:
        WorkspaceError: The folder exists or cannot be written.
        DataError: The data leaves a part of the user split without users, or the templates file cannot be used.
        ModelError: The base model or the adapter cannot be used, or a prompt is longer than the base model's context.
    """
    _check_inputs(dataset, folder, templates, settings.task)
    folder = folder.parent.resolve() / folder.name
    remove_folder(part := staging(folder))
    layout, given, words = WorkspaceLayout(part), settings.base, read_template(templates, settings.task)
    make_private_folder(part)  # all of its files name people
    try:
        settings, base = given_base(settings, layout.base)
        models = check_given_models(base, words, adapter)
        settings = replace(settings, rank=rank_of(adapter)) if adapter else settings
        user_split, base_interactions = split_data(dataset, settings, scratch, base is None, base_interactions)
        if models:
            check_title_tokens(models, dataset.items, words)
            check_prompt_lengths(models, dataset, user_split, settings, templates)
        write_data(layout, dataset, user_split, settings, templates)
        if not models:
            _train_base(Workspace(part), base_interactions, scratch, report)
        if models and adapter:
            take_adapter(Workspace(part), adapter, models.repeated)
        else:
            train_adapter(Workspace(part), report)
        move(part, folder)
        forget_key(WorkspaceLayout(folder).ledger_key)  # of a workspace that was removed from here
    except ModelError as error:  # a converted base model has a path of its own while the workspace is made
        raise ModelError(str(error).replace(str(layout.base), given)) from None
    except OSError as error:
        raise disk_error(folder, error) from error
    finally:
        with suppress(WorkspaceError):  # else it would hide why the workspace was not made
            remove_folder(part)
    return Workspace(folder)


def _check_inputs(dataset: Dataset, folder: Path, templates: Path, task: Task) -> None:
    """Refuse what can be refused before anything is read or written."""
    if folder.exists() or folder.is_symlink():
        raise WorkspaceError(f"{folder} exists already: choose another --workspace or remove it first.")
    check_templates(templates, task)
    for item in dataset.items:
        escape(item.title)  # refuses titles that no prompt can hold


def split_data(
    dataset: Dataset,
    settings: WorkspaceSettings,
    scratch: Scratch,
    own_base: bool,
    base_interactions: Sequence[Interaction] = (),
) -> tuple[UserSplit, Sequence[Interaction]]:
    """Split the users, and check that something is left to train and to test; see `prepare`.

    Returns:
        The user split, and the interactions that the base model is trained on.

    Raises:
        DataError: A part of the split has no users, or nobody's history is long enough to be tested.
    """
    share = scratch.base_share if own_base and not base_interactions else 0.0
    users = dataset.interactions.users()
    user_split = split_users(users, share, scratch.held_out_share, scratch.user_split_seed)
    base_interactions = base_interactions or dataset.interactions.of_users(user_split.base_users)
    if not user_split.training_users or not user_split.held_out_users or (own_base and not base_interactions):
        raise DataError(
            f"The data has {len(users)} users, too few for training users, "
            f"base-model users and held-out users: add users, or choose other shares than --base-users {share:g} "
            f"and --holdout {scratch.held_out_share:g}."
        )
    lengths = dataset.interactions.history_lengths(settings.task)
    if max(lengths.get(user, 0) for user in user_split.training_users) < MIN_HISTORY:
        rows = "liked titles" if settings.task is Task.NEXT_ITEM else "ratings"
        raise DataError(
            f"No training user has {MIN_HISTORY} {rows}, so nothing is left to train or to test: give longer histories."
        )
    return user_split, base_interactions


def write_data(
    layout: WorkspaceLayout,
    dataset: Dataset,
    user_split: UserSplit,
    settings: WorkspaceSettings,
    templates: Path = FILMS,
) -> None:
    """Write the settings, the data and the text of the prompts of a workspace."""
    write_json_lines(layout.items, dataset.items)
    write_interactions(layout.interactions, dataset.interactions)
    write_json(layout.user_split, user_split)
    write_json(layout.settings, settings)
    if templates != FILMS:
        write_bytes(layout.templates, templates.read_bytes())


def base_tokenizer(
    items: Sequence[Item], base_interactions: Sequence[Interaction], words: Template, scratch: Scratch
) -> PreTrainedTokenizerFast:
    """Train the tokenizer of a base model on the catalogue; titles that base-model users know become one token each."""
    met = Counter(event.item for event in base_interactions)
    titles = {item.id: escape(item.title) for item in items}
    least = scratch.min_title_interactions
    known = [title for item, title in titles.items() if least and met[item] >= least]
    lines = [
        words.before + title + words.after + answer for title in titles.values() for answer in (words.yes, words.no)
    ]
    return train_tokenizer([words.instruction, *lines], scratch.vocabulary, SEPARATORS, known)


def _train_base(
    workspace: Workspace, base_interactions: Sequence[Interaction], scratch: Scratch, report: Report
) -> None:
    """Train a tokenizer and a small Llama on the catalogue and the base-model users, and on no training user."""
    settings, items = workspace.settings, workspace.items.values()
    words = workspace.template
    tokenizer = base_tokenizer(tuple(items), base_interactions, words, scratch)
    if words.yes:
        answer_tokens(tokenizer, (words.yes, words.no))
    titles = {item.id: escape(item.title) for item in items}
    histories = by_user(base_interactions, settings.task).values()
    prompts = [prompt for history in histories for prompt in windows(history, settings.window)]
    encoded = encode(prompts, titles, words, tokenizer)
    model = small_llama(len(tokenizer), scratch.width, scratch.layers, scratch.heads, scratch.kv_heads, settings.seed)
    recipe = FinetuneSettings(
        scratch.epochs, scratch.learning_rate, batch_size=16, weight_decay=0.1, seed=settings.seed
    )
    finetune(model, encoded, recipe, lambda step: report("base model", step))
    save_base(model, tokenizer, workspace.layout.base)


def train_adapter(workspace: Workspace, report: Report) -> None:
    """Train the recommendation adapter on all training users, with the workspace's recipe and seed."""
    settings = workspace.settings
    recommender = fresh_adapter(workspace, "auto", settings.seed)
    context = make_context(workspace, None, recommender.tokenizer)
    encoded = context.encode(context.split.retain)
    _check_answer(workspace, recommender, encoded[0])
    finetune(
        recommender.model,
        encoded,
        context.finetune_settings,
        lambda step: report("adapter", step),
    )
    save_adapter(recommender.model, workspace.layout.adapter, settings.adapter_dtype)


@torch.no_grad()
def _check_answer(workspace: Workspace, recommender: Recommender, prompt: Encoded) -> None:
    """Require a finite answer to a prompt before anything is trained.

    Raises:
        ModelError: The base model computes NaN or infinite values.
    """
    logits = answer_logits(recommender.model, collate([prompt], recommender.device))
    if not torch.isfinite(logits).all():
        raise ModelError(
            f"Base model {workspace.base} answers a prompt with NaN or infinite values: compare its config.json with "
            "the published one, or give the model in float32."
        )
