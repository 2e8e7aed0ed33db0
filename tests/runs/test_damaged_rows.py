"""Values of another type in the store of runs: each is named, and none ends in a traceback."""

from contextlib import suppress
from pathlib import Path

import pytest

from core.errors import CureLensError
from core.runs.hand_over import DeviceNeeds, hand_over, next_in_line
from core.runs.store import Store
from tests.databases import store_untyped

VALUES = [None, 5, 1.5, b"\xff\xfe", "[]", "null", "x" * 300]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store.sqlite", shared=True)
    made.add("run-a", "wish", externally_queued=False)
    hand_over(made, "run-a", DeviceNeeds(("gpu-0",), 1, None))
    return made


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("column", ["wish", "state", "token", "worker", "beat", "status", "patient", "cancel"])
def test_row_is_read_or_named(store: Store, column: str, value: object) -> None:
    store_untyped(store.path, "runs", column, value)
    found = Store(store.path, shared=True).all()
    assert len(found) + len(found.damaged) == 1
    assert all("store.sqlite is damaged" in one or "is no plain word" in one for one in found.damaged)
    next_in_line(Store(store.path, shared=True))


@pytest.mark.parametrize("value", VALUES)
def test_run_that_waits_for_devices_of_another_type_is_left_out(store: Store, value: object) -> None:
    store_untyped(store.path, "handed_over", "needs", value)
    assert next_in_line(Store(store.path, shared=True)) == ()


@pytest.mark.parametrize("value", VALUES)
def test_id_of_another_type_is_read_or_named(store: Store, value: object) -> None:
    for table in ("runs", "handed_over"):
        store_untyped(store.path, table, "id", value)
    with suppress(CureLensError):
        next_in_line(Store(store.path, shared=True))
    found = Store(store.path, shared=True).all()
    assert len(found) + len(found.damaged) == 1
