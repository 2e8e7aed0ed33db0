"""Settings and the recipe of a given adapter: what is trained and signed is what was compared and shown."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from core.cli import ledger as cli
from core.cli.app import app
from core.cli.workspace_checks import check_workspace
from core.errors import ReviewError
from core.ledger.beginning import BEGINNING
from core.pipeline import stages, train_reference
from core.runs.ledger_entries import Ledger
from core.runs.requests import open_request
from core.runs.signed_settings import settings_to_sign
from core.runs.submit import create_run
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import RunState, Verdict
from core.utils.atomic_io import remove_folder
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace

RECIPE = {"r": 1, "lora_alpha": 1, "target_modules": ["q_proj"]}


def for_a_moment(monkeypatch, module):
    """A recipe lies there only while an adapter is made."""
    real = module.fresh_adapter

    def planted(workspace, device, seed):
        write_json(workspace.layout.recipe, RECIPE)
        try:
            return real(workspace, device, seed)
        finally:
            workspace.layout.recipe.unlink()

    monkeypatch.setattr(module, "fresh_adapter", planted)


def test_references_are_trained_by_the_signed_recipe(desk, monkeypatch):
    remove_folder(desk.workspace.layout.references(desk.request))
    for_a_moment(monkeypatch, train_reference)
    command = ("reference", "--request", desk.request, "--seeds", "1", "--device", "cpu", "--as", "olaf")
    assert desk.invoke(*command).exit_code == 0
    (folder,) = desk.workspace.reference_folders(desk.request)
    assert read_json(folder / "adapter_config.json")["r"] == desk.workspace.settings.rank


def test_retraining_follows_the_signed_recipe(desk, monkeypatch):
    for_a_moment(monkeypatch, stages)
    run = create_run(desk.workspace, desk.request, "retrain", "cpu", launched_by="olaf")
    assert work(run) is RunState.DONE, run.status
    assert read_json(run.layout.adapter_config)["r"] == desk.workspace.settings.rank
    assert verify_run(run, "cpu").verdict is Verdict.EXACT


def test_confirm_signs_the_recipe_that_was_shown(desk, monkeypatch):
    recipe, sign = desk.workspace.layout.recipe, cli._sign
    write_json(recipe, {"r": 8})
    shown = json.loads(desk.invoke("ledger", "confirm", "--json").stdout)
    assert shown["settings"]["recipe"]

    def exchanged(*words):
        write_json(recipe, {"r": 4})
        sign(*words)

    monkeypatch.setattr(cli, "_sign", exchanged)
    assert desk.invoke("ledger", "confirm", "--digest", shown["digest"]).exit_code == 0
    assert Ledger(desk.workspace).settings()["recipe"] == shown["settings"]["recipe"]


class Killed(BaseException):
    """As by SIGKILL."""


@pytest.fixture
def begun(workspace, tmp_path, monkeypatch):
    """A workspace whose `ledger init` was killed right after the first entry."""
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(cli, "_sign", killed)
        CliRunner().invoke(app, ["ledger", "init", "-w", str(workspace.root)])
    assert [one.kind for one in Ledger(workspace).statements()] == [BEGINNING]
    return workspace


def test_first_entry_holds_the_settings(begun):
    assert Ledger(begun).settings() == settings_to_sign(begun)
    request = open_request(begun, begun.user_split.training_users[3:4])
    write_json(begun.layout.settings, replace(begun.settings, epochs=1, learning_rate=1e-9))
    with pytest.raises(ReviewError, match=r"not those that were signed \(changed: epochs, learning_rate\)"):
        create_run(Workspace(begun.root), request.id, "retrain", "cpu")


def test_confirm_signs_what_an_init_that_was_killed_left(begun):
    (request,) = begun.requests()
    assert f"request {request.id}" in {one.name for one in check_workspace(begun) if not one.ok}
    command = ["ledger", "confirm", "--json", "-w", str(begun.root)]
    shown = json.loads(CliRunner().invoke(app, command).stdout)
    assert shown["settings"] is None and [one["id"] for one in shown["requests"]] == [request.id]
    assert CliRunner().invoke(app, [*command, "--digest", shown["digest"]]).exit_code == 0
    assert f"request {request.id}" not in {one.name for one in check_workspace(begun) if not one.ok}
