"""A value of the base model's files that a library stumbles over gives a sentence, and `doctor` names it."""

import json

import pytest
import torch
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import ModelError
from core.models import recommender


@pytest.fixture
def damaged(workspace):
    path = workspace.root / "base/tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": ""}))
    return workspace


def test_damaged_tokenizer_gives_a_sentence(damaged):
    words = ["estimate", "-w", str(damaged.root), "-r", damaged.requests()[0].id]
    found = CliRunner().invoke(app, words).exception
    assert isinstance(found, ModelError) and "has no tokenizer that can be loaded" in str(found)


def test_doctor_names_a_damaged_tokenizer(damaged):
    findings = json.loads(CliRunner().invoke(app, ["doctor", "--json", "-w", str(damaged.root)]).stdout)
    assert "has no tokenizer that can be loaded" in "".join(one["said"] for one in findings if not one["ok"])


@pytest.mark.parametrize("error", [TypeError("an odd\nvalue"), OSError("an odd"), RuntimeError("an odd")])
def test_base_that_a_library_cannot_load_gives_a_sentence(workspace, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(recommender.AutoModelForCausalLM, "from_pretrained", fail)
    with pytest.raises(ModelError, match=r"base cannot be loaded \(an odd\): restore its files, or free memory"):
        recommender._load_base(workspace.root / "base", torch.float32, {})
