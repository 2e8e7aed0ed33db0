"""The answer to the person: true of the ledger, in plain words, with nobody's data in it."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.review import execution
from core.types import Verdict
from core.workspace import Workspace


def written(desk) -> str:
    shown = desk.invoke("answer", "--request", desk.request)
    assert shown.exit_code == 0, shown.output
    return shown.output


def test_open_request_is_acknowledged_with_its_due_date(desk):
    request = desk.workspace.request(desk.request)
    text = written(desk)
    assert "\n\nDear [name],\n\n" in text
    assert f"Its reference is {desk.request}" in text and "You will have our answer by" in text
    assert "removed your data" not in text and "complain to a data protection authority" in text
    assert not any(user in text for user in request.subjects)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.INCONCLUSIVE, "had no clear result"),
        (Verdict.PASS, "It passed."),
        (Verdict.EXACT, "trained again without your data"),
        (Verdict.NO_TRACE, "Not even the earlier model showed a trace"),
    ],
)
def test_carried_out_request_is_answered_by_its_verdict(desk, tmp_path, verdict, said):
    request = desk.workspace.request(desk.request)
    rows = len({(one.user, one.item) for one in desk.workspace.interactions.covered(request)})
    desk.judge(verdict, details={})
    desk.approve()
    execution.execute_decisions(desk.workspace)
    desk = replace(desk, workspace=Workspace(desk.workspace.root))
    text = " ".join(written(desk).split())
    assert said in text and f"({rows} rows)" in text and "out of this system's reach" in text
    assert "answer by" not in text and not any(name in text for name in ("petra", "owen", "olaf", *request.subjects))
    page = tmp_path / "answer.html"
    assert (
        CliRunner()
        .invoke(app, ["answer", "-w", str(desk.workspace.root), "-r", desk.request, "--out", str(page)])
        .exit_code
        == 0
    )
    assert said in page.read_text() and "default-src 'none'" in page.read_text()


def test_request_that_is_not_known_is_named(desk):
    assert "req-none" in str(desk.invoke("answer", "--request", "req-none").exception)
