"""Creation of a workspace: training data of the base model, and no files after a failure."""

from dataclasses import replace

import pytest

from core.data.prompts import escape
from core.data.templates import DOMAINS, FILMS, read_template
from core.errors import DataError, WorkspaceError
from core.pipeline.context import load_adapter, make_context
from core.pipeline.prepare import base_tokenizer, prepare
from core.types import Task
from core.workspace import WorkspaceSettings
from tests.conftest import TINY, small_dataset

WORDS = read_template(FILMS, Task.CLICK)
SHORT = replace(TINY, epochs=1)
SETTINGS = WorkspaceSettings("small", "test", window=12, epochs=1, rank=2)


def quiet(name, step) -> bool:
    return False


def test_external_users_train_the_base_and_are_not_in_the_workspace(tmp_path):
    dataset = small_dataset(users=20)
    crowd = [replace(event, user=f"other-{event.user}") for event in small_dataset(users=12, seed=1).interactions]
    workspace = prepare(dataset, tmp_path / "ws", SETTINGS, SHORT, quiet, base_interactions=crowd)
    users = {event.user for event in workspace.interactions}
    assert workspace.user_split.base_users == () and users == {event.user for event in dataset.interactions}
    assert set(workspace.user_split.training_users) | set(workspace.user_split.held_out_users) == users
    inside = prepare(dataset, tmp_path / "inside", SETTINGS, SHORT, quiet)
    weights = "base/model.safetensors"
    assert (workspace.root / weights).read_bytes() != (inside.root / weights).read_bytes()


def test_too_few_users_are_refused_and_leave_no_files(tmp_path):
    with pytest.raises(DataError, match="too few for training users"):
        prepare(small_dataset(users=1), tmp_path / "ws", SETTINGS, SHORT, quiet)
    assert list(tmp_path.iterdir()) == []


def test_titles_rated_by_base_users_are_single_tokens():
    dataset = small_dataset(users=4, events=10)
    known, unknown = dataset.items[0], dataset.items[1]
    crowd = [replace(event, item=known.id) for event in list(dataset.interactions)[:3]]
    tokenizer = base_tokenizer(dataset.items, crowd, WORDS, replace(SHORT, min_title_interactions=3))
    assert len(tokenizer(escape(known.title))["input_ids"]) == 1 < len(tokenizer(escape(unknown.title))["input_ids"])
    every = base_tokenizer(dataset.items, crowd, WORDS, replace(SHORT, min_title_interactions=0))
    assert len(every(escape(known.title))["input_ids"]) > 1


def test_own_templates_are_copied_and_used(tmp_path):
    given = tmp_path / "wines.toml"
    given.write_text(DOMAINS["books"].read_text("utf-8").replace("Books", "Wines").replace(" Yes", " Ja"), "utf-8")
    workspace = prepare(small_dataset(users=20), tmp_path / "ws", SETTINGS, SHORT, quiet, templates=given)
    given.unlink()
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    context = make_context(workspace, None, recommender.tokenizer)
    encoded = context.encode(context.split.test)[0]
    text = recommender.tokenizer.decode(encoded.ids)
    assert text.startswith("Wines this person read") and '": Ja' in text and "Yes" not in text
    assert recommender.tokenizer.decode([recommender.yes]) == " Ja"
    assert workspace.templates in workspace.layout.data  # pages and caches see a change


def test_workspace_about_films_has_no_templates_of_its_own(tmp_path):
    workspace = prepare(small_dataset(users=20), tmp_path / "ws", SETTINGS, SHORT, quiet)
    assert not workspace.layout.templates.exists() and workspace.template == WORDS


def test_unusable_templates_are_refused_and_leaves_no_files(tmp_path):
    with pytest.raises(DataError, match="is no templates file"):
        prepare(small_dataset(users=20), tmp_path / "ws", SETTINGS, SHORT, quiet, templates=tmp_path / "none.toml")
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_place_of_the_workspace_is_refused(tmp_path):
    (tmp_path / "ws").symlink_to(tmp_path / "nowhere")
    with pytest.raises(WorkspaceError, match="exists already"):
        prepare(small_dataset(users=20), tmp_path / "ws", SETTINGS, SHORT, quiet)
    assert not (tmp_path / "nowhere").exists()
