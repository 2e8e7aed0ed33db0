"""A pipe or a folder in place of a file of the base model is told in a sentence, and holds up nothing with its locks."""

import os
import signal

import pytest

from core.errors import CureLensError
from core.review.cases import Cases
from core.review.execution import execute_decisions
from core.types import CaseState
from tests.review.test_closing import killed_behind


class Hang(BaseException):
    """No handler of errors takes this for one."""


@pytest.fixture(autouse=True)
def limit():
    def stop(*_):
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def put(desk, name, make=os.mkfifo):
    path = desk.workspace.root / name
    path.unlink()
    make(path)
    return path


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("base/config.json", os.mkfifo),
        ("base/config.json", os.mkdir),
        ("base/model.safetensors", os.mkfifo),
        ("base/tokenizer_config.json", os.mkfifo),
    ],
)
def test_submission_ends_with_a_sentence(desk, name, make):
    path = put(desk, name, make)
    found = desk.invoke("review", "submit", "--run", desk.run, "--as", "olaf").exception
    assert isinstance(found, CureLensError) and str(path) in str(found) and "is no file" in str(found)


@pytest.mark.parametrize("name", ["base/tokenizer_config.json", "base/model.safetensors"])
def test_approval_ends_with_a_sentence(desk, name):
    desk.submit()
    desk.decide("petra")
    path = put(desk, name)
    with pytest.raises(CureLensError, match=f"{path} is no file"):
        desk.decide("owen")
    assert Cases(desk.workspace).of(desk.request).state is CaseState.PENDING


@pytest.mark.parametrize("name", ["base/tokenizer_config.json", "base/model.safetensors"])
def test_interrupted_deletion_is_rolled_back(desk, monkeypatch, name):
    desk.approve()
    killed_behind(desk, monkeypatch, "purge")
    path = put(desk, name)
    with pytest.raises(CureLensError, match=f"nothing was destroyed: {path} is no file"):
        execute_decisions(desk.workspace)


@pytest.mark.parametrize("name", ["base/model.safetensors", "base/tokenizer.json", "adapter/adapter_model.safetensors"])
def test_doctor_names_a_pipe(desk, name):
    path = put(desk, name)
    assert f"{path} is no file" in desk.invoke("doctor", "--json").output
