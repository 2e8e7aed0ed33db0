"""The load test of the dashboard with two concurrent sessions and one round."""

import asyncio

import pytest

from benchmarks.sessions import load
from tests.browser.browser import PAGES, ROOT, served


@pytest.mark.slow
def test_every_page_answers_two_concurrent_sessions() -> None:
    with served(ROOT / "assets/demo") as base:
        visits, memory = asyncio.run(load(base, sessions=2, rounds=1))
    assert sorted(visit.page for visit in visits) == sorted(2 * PAGES)
    assert not [f"{visit.page}: {visit.error}" for visit in visits if visit.error]
    assert all(visit.size > 1024 for visit in visits) and len(memory) == 2


@pytest.mark.slow
def test_missing_page_is_reported_as_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.sessions.PAGES", ("nowhere",))
    with served(ROOT / "assets/demo") as base:
        (visit,), _ = asyncio.run(load(base, sessions=1, rounds=1))
    assert "page_not_found" in visit.error
