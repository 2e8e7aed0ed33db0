"""The overview as an inbox: order of the requests, health of the workspace, and what changed since the last visit."""

from pathlib import Path

import pytest

from core.review.request_state import INBOX_ORDER, inbox_order
from core.types import ClosedRequest, RequestState, RequestStatus
from core.utils.serialization import write_json
from core.workspace import Workspace, disk
from core.workspace.visits import Visit
from dashboard.services import health
from tests.dashboard.test_pages import text_of

HEADS = ("**References:**", "**Ledger:**", "**Drift:**", "**Disk:**")


def line(app, head: str) -> str:
    """The line of the workspace's health that begins with `head`, after its badge."""
    return next(one.value for one in app.markdown if head in one.value)


def test_inbox_has_a_place_for_each_state() -> None:
    assert sorted(INBOX_ORDER) == sorted(RequestState)


def test_requests_are_sorted_by_state_and_within_it_by_due_date() -> None:
    due_order = {
        "a": RequestState.RUNNING,
        "b": RequestState.VERIFIED,
        "c": RequestState.NEW,
        "d": RequestState.VERIFIED,
    }
    statuses = {name: RequestStatus(state) for name, state in due_order.items()}
    assert list(inbox_order(statuses)) == ["b", "d", "c", "a"]


def test_overview_lists_a_verified_request_before_one_that_failed(page) -> None:
    shown = text_of(page("overview"))
    assert shown.index("`req-demo` ·") < shown.index("`req-genre` ·")  # which is due earlier


def test_healthy_workspace_is_in_order_in_four_lines(page) -> None:
    app = page("overview")
    assert all("in order]" in line(app, head) for head in HEADS)
    assert "3 of 3 open requests have the 5 retrained models" in line(app, "**References:**")
    assert "29 entries, all signed and in order" in line(app, "**Ledger:**")
    assert "no deletion yet, so 0.000 of 0.020 AUC" in line(app, "**Drift:**")


def test_missing_references_name_the_command_that_trains_them(page, demo: Path) -> None:
    next((demo / "references/req-one").glob("seed-*")).rename(demo / "away")
    shown = line(page("overview"), "**References:**")
    assert "act]" in shown and "2 of 3" in shown and "reference --workspace" in shown and "--request req-one`" in shown


def test_damaged_ledger_is_told_and_lists_no_events(page, demo: Path) -> None:
    ledger = demo / "ledger.jsonl"
    ledger.write_text("\n".join(ledger.read_text().splitlines()[1:]) + "\n")
    app = page("overview")
    assert "act]" in line(app, "**Ledger:**") and "is damaged" in line(app, "**Ledger:**")
    assert "Nothing: no run" in text_of(app)


def test_workspace_without_ledger_is_sent_to_create_one(page, demo: Path) -> None:
    (demo / "ledger.pub").unlink()
    assert "none is kept" in line(page("overview"), "**Ledger:**")


@pytest.mark.parametrize(("falls", "fine"), [((0.005, 0.01), True), ((0.011, 0.01), False)])
def test_drift_beyond_the_budget_asks_for_a_retraining(page, demo: Path, falls: tuple[float, ...], fine: bool) -> None:
    day = "2026-01-01T00:00:00+00:00"
    for number, fall in enumerate(falls):
        closed = ClosedRequest(f"old-{number}", day, day, "run", number, 1, 9, f"adapter {number}", test_auc_fall=fall)
        write_json(Workspace(demo).layout.closed(closed.id), closed)
    shown = line(page("overview"), "**Drift:**")
    assert f"2 deletions used {sum(falls):.3f} of 0.020" in shown
    assert ("in order]" in shown) is fine and ("Retrain next" in shown) is not fine


def test_little_disk_space_is_told(page, monkeypatch) -> None:
    monkeypatch.setattr(health, "free_bytes", lambda workspace: disk.MIN_FREE_BYTES - 1)
    assert "act]" in line(page("overview"), "**Disk:**") and "Free disk space" in line(page("overview"), "**Disk:**")


def test_first_visit_lists_the_latest_events(page) -> None:
    app = page("overview")
    assert "The latest events" in [one.value for one in app.subheader]
    assert text_of(app).count(" was verified: ") + text_of(app).count(" finished and was entered") == 6


def test_later_visit_lists_only_what_came_since(page, demo: Path) -> None:
    page("overview")
    (path,) = (demo / "visits").iterdir()
    times = [one.content["time"] for one in ledger_of(demo) if one.kind in ("run", "verification")]
    write_json(path, Visit(times[-2]))  # long ago: a new visit begins
    app = page("overview")
    assert any(one.value.startswith("Since you were here on ") for one in app.subheader)
    assert text_of(app).count(" was verified: ") == 1 and " finished and was entered" not in text_of(app)
    write_json(path, Visit(times[-1]))
    assert "Nothing: no run, verification or decision was entered." in text_of(page("overview"))


def ledger_of(demo: Path) -> tuple:
    from core.ledger.chain import entries
    from core.ledger.keys import read_public

    return entries(demo / "ledger.jsonl", read_public(demo / "ledger.pub"))


def test_shipped_demo_is_not_written_to(page, demo: Path, monkeypatch) -> None:
    monkeypatch.setattr(health.queries, "DEMO", demo)
    page("overview")
    assert not (demo / "visits").exists()
