"""Options of launchers that were not signed start no process and name no address."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from core.errors import LedgerError, RunError
from core.review.permissions import check_settings
from core.runs import dispatcher, launchers
from core.runs.hand_over import DeviceNeeds
from core.runs.handle import RunHandle
from core.runs.launcher_options import options_of
from core.runs.ledger import RESUMED, open_ledger
from core.runs.submit import create_run, is_orphaned
from core.types import RunState
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace
from dashboard.services import queries

ADDRESS = "http://attacker.example:80"


@pytest.fixture
def waiting(desk) -> RunHandle:
    return create_run(desk.workspace, desk.request, "uniform", "cpu", seed=8, steps=3, launched_by="olaf")


def set_options(desk, **clusters) -> Workspace:
    write_json(desk.workspace.layout.settings, replace(desk.workspace.settings, clusters=clusters))
    return Workspace(desk.workspace.root)


def test_dispatcher_starts_no_process_with_them(desk, waiting, monkeypatch):
    set_options(desk, local={"processes": 64})
    started = []
    monkeypatch.setattr(
        dispatcher, "subprocess", SimpleNamespace(Popen=lambda words, **_: started.append(words), DEVNULL=None)
    )
    assert dispatcher._start_worker(RunHandle(waiting.path), DeviceNeeds(("cpu",), 1, None)) == []
    status = RunHandle(waiting.path).status
    assert not started and status.state is RunState.FAILED and "ledger confirm" in status.message


def test_doctor_asks_no_address_of_them(desk, waiting, monkeypatch):
    write_json(waiting.layout.spec, read_json(waiting.layout.spec) | {"launcher": "ray"})
    waiting.write_job_id("job")
    with waiting.store.changing() as database:
        database.execute("UPDATE runs SET patient = 1 WHERE id = ?", (waiting.id,))
    set_options(desk, ray={"address": ADDRESS})
    asked = []
    ray = replace(launchers.LAUNCHERS["ray"], has_ended=lambda _job, options: asked.append(options["address"]) or False)
    monkeypatch.setitem(launchers.LAUNCHERS, "ray", ray)
    assert not is_orphaned(RunHandle(waiting.path)) and not asked


def test_page_asks_no_address_of_them(desk, monkeypatch):
    changed, asked = set_options(desk, ray={"address": ADDRESS}), []
    monkeypatch.setattr(queries, "workspace", lambda: changed)
    monkeypatch.setattr(launchers.urllib.request, "urlopen", lambda url, timeout: asked.append(url))
    queries.free_resources.clear()
    assert "were not signed" in queries.free_resources("ray") and not asked


def test_options_do_not_count_while_the_public_key_is_away(desk):
    """Else whoever takes it away for a moment needs no signature. This account has signed in this place before."""
    open_ledger(desk.workspace).record_fact(RESUMED, desk.run, "olaf")
    changed = set_options(desk, local={"processes": 64})
    changed.layout.ledger_key.unlink()
    with pytest.raises(LedgerError):
        options_of(changed, "local")
    with pytest.raises(LedgerError):
        check_settings(changed)


def test_signed_options_are_used_and_those_of_other_launchers_do_not_matter(desk):
    signed = set_options(desk, local={"cards": 2})
    with pytest.raises(RunError, match="'local' in workspace.json were not signed as they stand"):
        options_of(signed, "local")
    digest = desk.invoke("ledger", "confirm", "--json").stdout.split('"digest": "')[1][:64]
    assert desk.invoke("ledger", "confirm", "--digest", digest).exit_code == 0
    assert options_of(signed, "local") == {"cards": 2}
    changed = set_options(desk, local={"cards": 2}, ray={"address": ADDRESS})
    assert options_of(changed, "local") == {"cards": 2}
