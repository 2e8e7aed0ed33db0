"""Checkpoints: what comes back is what went in, or nothing."""

import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import WorkspaceError
from core.runs import checkpoints
from core.runs.checkpoints import Checkpoints, _join, _split

FILES = ("tensors.safetensors", "state.json", "manifest.json")
DTYPES = (torch.float32, torch.bfloat16, torch.int64, torch.uint8)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 5), max_size=3)).map(
        lambda made: torch.arange(int(torch.tensor(made[1]).prod())).reshape(made[1]).to(made[0])
    )
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4).map("k".__add__), inner, max_size=4)
    ),
    max_leaves=12,
)


def same(left, right) -> bool:
    if isinstance(left, torch.Tensor):
        return left.dtype == right.dtype and torch.equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


@settings(max_examples=150, deadline=None)
@given(trees)
def test_any_state_goes_apart_and_together(state):
    tensors = {}
    plain = _split(state, tensors)
    assert same(_join(plain, tensors), state)


def kept(folder, numbers=(1, 2, 3)) -> Checkpoints:
    keeper = Checkpoints(folder, 0.0)
    phase = keeper.phase()
    for number in numbers:
        keeper.keep(phase, number, lambda number=number: {"done": number, "x": torch.full((4,), float(number))}, False)
    return keeper


def test_the_newest_comes_back_and_two_are_kept(tmp_path):
    keeper = kept(tmp_path)
    assert keeper.latest(1)["done"] == 3 and torch.equal(keeper.latest(1)["x"], torch.full((4,), 3.0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01-0000002", "01-0000003"]
    assert keeper.latest(2) is None


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["cut", "flipped", "gone", "empty"])
def test_a_damaged_one_is_not_believed_and_the_one_before_serves(tmp_path, name, harm):
    keeper = kept(tmp_path)
    path = tmp_path / "01-0000003" / name
    content = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes({"cut": content[:-1], "flipped": content, "empty": b""}[harm])
    assert keeper.latest(1)["done"] == 2
    assert not (tmp_path / "01-0000003").exists()


def test_with_all_damaged_one_starts_anew(tmp_path):
    keeper = kept(tmp_path)
    for path in tmp_path.glob("*/manifest.json"):
        path.unlink()
    assert keeper.latest(1) is None


def test_a_half_written_one_was_never_there(tmp_path):
    kept(tmp_path)
    shutil.copytree(tmp_path / "01-0000003", tmp_path / ".01-0000004.part")
    assert Checkpoints(tmp_path).latest(1)["done"] == 3 and not list(tmp_path.glob(".*"))


def test_time_says_when_and_the_last_step_always(tmp_path):
    keeper = Checkpoints(tmp_path, 1e9)
    asked = []
    keeper.keep(1, 1, lambda: asked.append(1) or {}, False)
    assert not asked and not list(tmp_path.iterdir())  # a state that is not kept is not even made
    keeper.keep(1, 2, lambda: asked.append(2) or {}, True)
    assert asked == [2] and keeper.latest(1) == {}


def test_a_full_disk_is_said_before_it_is_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SPARE", 10**18)
    with pytest.raises(WorkspaceError, match="full: free some space and resume"):
        kept(tmp_path)
    assert not list(tmp_path.iterdir())
