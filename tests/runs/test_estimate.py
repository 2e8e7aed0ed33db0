"""Estimates: what is reckoned beforehand against what a run then reads, and a deep model against its shallow copies."""

import json
import shutil
from collections import namedtuple
from dataclasses import replace

import psutil
import pytest
import torch
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import CureLensError, RunError
from core.models.token_counter import TokenCounter
from core.pipeline.events import ModelLoaded, NullObserver
from core.pipeline.stages import run
from core.runs.estimate import timing
from core.runs.estimate.estimate import estimate
from core.types import Group, MemoryContrast, RunSpec
from core.unlearning.early_stopping import Stopper
from core.unlearning.training_types import NO_CHECKPOINTS
from tests.conftest import CONFIGS, random_lora

RUNNER = CliRunner()


class Meters(NullObserver):
    """Collects the meter of each model of a run."""

    def __init__(self):
        self.found = []

    def on_event(self, event):
        self.found += [event.recommender.meter] if isinstance(event, ModelLoaded) else []


@pytest.mark.parametrize("method", ["cure", "cure_merge", "e2urec", "graddiff", "finetune", "retrain"])
def test_a_run_that_goes_its_whole_way_reads_about_what_was_reckoned(workspace, monkeypatch, method):
    monkeypatch.setattr(Stopper, "reason", property(lambda self: "", lambda self, value: None), raising=False)
    monkeypatch.setattr(
        Stopper, "utility_violated", property(lambda self: False, lambda self, value: None), raising=False
    )
    # Which modules remember differs between CPUs; without a shared one the merged method skips a training.
    monkeypatch.setattr(MemoryContrast, "group", property(lambda self: Group.SHARED))
    request = workspace.requests()[0].id
    add_references(workspace, 2)
    found, meters = estimate(workspace, request, method, "cpu"), Meters()
    run(workspace, RunSpec("run-1", request, method, "cpu"), meters, NO_CHECKPOINTS)
    read = sum(meter.tokens for meter in meters.found)
    assert 0.7 < found.tokens / read < 1.4, (found.tokens, read)


def test_a_meter_counts_what_goes_through_and_changes_nothing():
    model, meter = random_lora("llama"), TokenCounter()
    ids = torch.ones(3, 5, dtype=torch.long)
    before = model(input_ids=ids).logits
    meter.attach(model)
    model.requires_grad_(True)
    with torch.no_grad():
        model(input_ids=ids[:2])
    assert torch.equal(model(input_ids=ids).logits, before)
    assert meter.tokens == 25


@pytest.mark.parametrize("family", list(CONFIGS))
def test_parameters_are_counted_without_the_model(family):
    adapted = random_lora(family, rank=4)
    of_adapter = sum(one.numel() for name, one in adapted.named_parameters() if "lora_" in name)
    whole = sum(one.numel() for one in adapted.parameters()) - of_adapter
    assert timing.parameters(CONFIGS[family](), 4) == (whole, of_adapter)


def test_two_shallow_copies_tell_what_a_deep_model_keeps():
    """Exactly, as every layer keeps the same."""
    config = CONFIGS["llama"]()
    config.num_hidden_layers, config.vocab_size = 6, 64
    place = (4, 2, 9, torch.device("cpu"), torch.float32)
    assert timing.measured(config, *place).kept == pytest.approx(timing._timed(config, *place).kept)


def test_what_does_not_fit_is_said(workspace, monkeypatch):
    request = workspace.requests()[0].id
    assert estimate(workspace, request, "graddiff", "cpu").fits
    monkeypatch.setattr(psutil, "virtual_memory", lambda: namedtuple("Memory", "available")(10**6))
    assert not estimate(workspace, request, "graddiff", "cpu").fits
    told = RUNNER.invoke(app, ["estimate", "-w", str(workspace.root), "-r", request])
    assert told.exit_code == 1 and "does not fit" in told.output


def test_more_references_steps_and_longer_training_cost_more(workspace):
    request, place = workspace.requests()[0].id, workspace
    found = {name: estimate(place, request, name, "cpu") for name in ("finetune", "graddiff", "cure", "retrain")}
    tokens = {name: one.tokens for name, one in found.items()}
    assert tokens["finetune"] < tokens["graddiff"] < tokens["cure"] and tokens["retrain"] > 0
    assert estimate(place, request, "graddiff", "cpu", steps=300).tokens > tokens["graddiff"]
    add_references(place, 1)
    one = estimate(place, request, "graddiff", "cpu")
    add_references(place, 2)
    assert tokens["graddiff"] < one.tokens < estimate(place, request, "graddiff", "cpu").tokens
    settings = replace(place.settings, epochs=2 * place.settings.epochs)
    place.__dict__["settings"] = settings
    assert estimate(place, request, "retrain", "cpu").tokens > tokens["retrain"]


def test_a_device_without_room_is_one_sentence(workspace, monkeypatch):
    def full(*args):
        raise torch.OutOfMemoryError

    monkeypatch.setattr("core.runs.estimate.estimate.measured", full)
    with pytest.raises(RunError, match="cpu has no room"):
        estimate(workspace, workspace.requests()[0].id, "cure", "cpu")


def add_references(workspace, count):
    """So many more adapters where references lie."""
    folder = workspace.root / "references" / workspace.requests()[0].id
    for number in range(count):
        shutil.copytree(workspace.root / "adapter", folder / f"seed-{len(list(folder.glob('*'))) + number + 1}")


@pytest.mark.parametrize(
    ("options", "word"), [({"method": "wish"}, "wish"), ({"device": "tpu"}, "tpu"), ({"request_id": "no"}, "no")]
)
def test_bad_wishes_are_one_sentence(workspace, options, word):
    with pytest.raises(CureLensError, match=word):
        estimate(workspace, **{"request_id": workspace.requests()[0].id, "device": "cpu", **options})


def test_the_command_prints_one_object(workspace):
    told = RUNNER.invoke(app, ["estimate", "-w", str(workspace.root), "-r", workspace.requests()[0].id, "--json"])
    found = json.loads(told.stdout)
    assert found["seconds"] > 0 and found["fits"] and found["device"] == "cpu"
