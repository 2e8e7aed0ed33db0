"""Checkpoints: a saved state is restored exactly, and damaged checkpoints are skipped."""

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
        lambda dtype_and_shape: (
            torch.arange(int(torch.tensor(dtype_and_shape[1]).prod()))
            .reshape(dtype_and_shape[1])
            .to(dtype_and_shape[0])
        )
    )
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4).map("k".__add__), inner, max_size=4)
    ),
    max_leaves=12,
)


def equal_trees(left, right) -> bool:
    if isinstance(left, torch.Tensor):
        return left.dtype == right.dtype and torch.equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal_trees(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal_trees, left, right))
    return left == right


@settings(max_examples=150, deadline=None)
@given(trees)
def test_state_survives_split_and_join(state):
    tensors = {}
    plain = _split(state, tensors)
    assert equal_trees(_join(plain, tensors), state)


def checkpoints_of(folder, numbers=(1, 2, 3)) -> Checkpoints:
    checkpointer = Checkpoints(folder, 0.0)
    phase = checkpointer.phase()
    for number in numbers:
        checkpointer.save_if_due(
            phase, number, lambda number=number: {"done": number, "x": torch.full((4,), float(number))}, False
        )
    return checkpointer


def test_latest_checkpoint_is_restored_and_two_are_kept(tmp_path):
    checkpointer = checkpoints_of(tmp_path)
    assert checkpointer.latest(1)["done"] == 3 and torch.equal(checkpointer.latest(1)["x"], torch.full((4,), 3.0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01-0000002", "01-0000003"]
    assert checkpointer.latest(2) is None


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["cut", "flipped", "removed", "empty"])
def test_damaged_checkpoint_is_replaced_by_the_previous_one(tmp_path, name, damage):
    checkpointer = checkpoints_of(tmp_path)
    path = tmp_path / "01-0000003" / name
    content = bytearray(path.read_bytes())
    if damage == "removed":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes({"cut": content[:-1], "flipped": content, "empty": b""}[damage])
    assert checkpointer.latest(1)["done"] == 2
    assert not (tmp_path / "01-0000003").exists()


def test_no_valid_checkpoint_gives_none(tmp_path):
    checkpointer = checkpoints_of(tmp_path)
    for path in tmp_path.glob("*/manifest.json"):
        path.unlink()
    assert checkpointer.latest(1) is None


def test_partly_written_checkpoint_is_ignored_and_removed(tmp_path):
    checkpoints_of(tmp_path)
    shutil.copytree(tmp_path / "01-0000003", tmp_path / ".01-0000004.part")
    assert Checkpoints(tmp_path).latest(1)["done"] == 3 and not list(tmp_path.glob(".*"))


def test_checkpoint_is_written_by_interval_and_at_the_last_step(tmp_path):
    checkpointer = Checkpoints(tmp_path, 1e9)
    built = []
    checkpointer.save_if_due(1, 1, lambda: built.append(1) or {}, False)
    assert not built and not list(tmp_path.iterdir())  # the state is not built when it is not kept
    checkpointer.save_if_due(1, 2, lambda: built.append(2) or {}, True)
    assert built == [2] and checkpointer.latest(1) == {}


def test_checkpoint_on_full_disk_is_refused_before_writing(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SPARE", 10**18)
    with pytest.raises(WorkspaceError, match="full: free some space and resume"):
        checkpoints_of(tmp_path)
    assert not list(tmp_path.iterdir())
