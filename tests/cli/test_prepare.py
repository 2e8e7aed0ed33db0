"""`prepare` on folders of four public shapes: it prints what it read, trains, and the workspace can be asked."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.types import Interaction, Item
from core.workspace import Workspace
from tests.conftest import small_dataset

Writer = Callable[[Path, tuple[Item, ...], tuple[Interaction, ...]], str]


def movielens(folder: Path, items: tuple[Item, ...], events: tuple[Interaction, ...]) -> str:
    rows = [f"{one.user[1:]},{one.item[1:]},{one.rating},{one.time}" for one in events]
    (folder / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *rows]))
    titles = [f'{item.id[1:]},"{item.title} (1995)",Drama' for item in items]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *titles]))
    return f"movielens:{folder}"


def movielens_100k(folder: Path, items: tuple[Item, ...], events: tuple[Interaction, ...]) -> str:
    rows = [f"{one.user[1:]}\t{one.item[1:]}\t{one.rating:.0f}\t{one.time}" for one in events]
    (folder / "u.data").write_text("\n".join(rows))
    flags = "|".join("0" * 19)
    titles = [f"{item.id[1:]}|{item.title} é (1995)|01-Jan-1995||http://x|{flags}" for item in items]
    (folder / "u.item").write_text("\n".join(titles), encoding="latin-1")
    return f"movielens:{folder}"


def movietweetings(folder: Path, items: tuple[Item, ...], events: tuple[Interaction, ...]) -> str:
    rows = [f"{one.user[1:]}::{one.item[1:]}::{2 * one.rating:.0f}::{one.time}" for one in events]
    (folder / "ratings.dat").write_text("\n".join(rows))
    (folder / "movies.dat").write_text("\n".join(f"{item.id[1:]}::{item.title} (1995)::Drama" for item in items))
    return f"movietweetings:{folder}"


def amazon_2023(folder: Path, items: tuple[Item, ...], events: tuple[Interaction, ...]) -> str:
    rows = [
        {
            "user_id": one.user,
            "parent_asin": one.item,
            "rating": one.rating,
            "title": "wow",
            "timestamp": 1000 * one.time,
        }
        for one in events
    ]
    (folder / "Books.jsonl").write_text("\n".join(map(json.dumps, rows)))
    meta = [{"parent_asin": item.id, "title": item.title, "categories": ["Books"]} for item in items]
    (folder / "meta_Books.jsonl").write_text("\n".join(map(json.dumps, meta)))
    return f"amazon2023:{folder}"


@pytest.mark.parametrize(
    ("write", "begins"),
    [(movielens, "Films"), (movielens_100k, "Films"), (movietweetings, "Films"), (amazon_2023, "Books")],
)
def test_public_shape_is_read_told_and_trained_on(write: Writer, begins: str, tmp_path: Path) -> None:
    data, folder = small_dataset(users=24), tmp_path / "data"
    folder.mkdir()
    source = write(
        folder, data.items, tuple(replace(one, rating=5.0 if one.liked else 1.0) for one in data.interactions)
    )
    place = tmp_path / "workspace"
    found = CliRunner().invoke(app, [
        "prepare", "--data", source, "--workspace", str(place), "--epochs", "1", "--rank", "2", "--window", "12",
        "--base-users", "0.2",
    ])  # fmt: skip
    assert found.exit_code == 0, found.output
    told = " ".join(found.output.split())
    assert "rows read 480" in told and "rows kept 480" in told and "people 24" in told and "items 30" in told
    assert f'Prompts begin with "{begins} this person' in told and "adapter: 100%" in told
    workspace = Workspace(place)
    assert [one.liked for one in workspace.interactions] == [one.liked for one in data.interactions]
    (user, *_) = workspace.user_split.training_users
    asked = CliRunner().invoke(app, ["request", "--workspace", str(place), "--users", user])
    assert asked.exit_code == 0, asked.output
