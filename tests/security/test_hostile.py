"""The report, a terminal and a new workspace meet every hostile text; pages, drawings and exports: tests/dashboard/test_hostile.py."""

import io
from dataclasses import replace

import pytest

from core.cli.console import out
from core.data.prompts import escape
from core.errors import DataError
from core.types import Item, Recommendation
from core.utils.text import visible
from tests.hostile import HOSTILE, REFUSED
from tests.report import test_build as made


def report(text: str) -> made.Page:
    """The report's page where everything that somebody wrote is `text`."""
    rows = (Recommendation("f000", text, 1.0),)
    lists = tuple(
        replace(one, user=text, original=rows, unlearned=rows, reference=rows) for one in made.EVALUATION.lists
    )
    html, _ = made.report(
        replace(made.EVALUATION, lists=lists),
        replace(made.REQUEST, users=(text,), interactions=((text, "f000"),), reason=text),
        {"f000": Item("f000", text)},
        settings=replace(made.SETTINGS, name=text, data=text, base_note=text),
    )
    return made.Page(html)


@pytest.mark.parametrize("bad", HOSTILE)
def test_no_element_and_no_attribute_of_the_report_stems_from_a_title(bad: str) -> None:
    page, plain = report(bad), report("Plain")
    assert page.tags == plain.tags
    assert page.attributes == plain.attributes
    assert " ".join(visible(bad).split()) in " ".join(page.text.split()), "not recognisable"


def test_the_list_is_long_and_nothing_in_it_is_twice() -> None:
    assert len(HOSTILE) == len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("bad", HOSTILE)
def test_a_prompt_can_hold_each(bad: str) -> None:
    assert escape(bad).isprintable() and '"' not in escape(bad)


@pytest.mark.parametrize("bad", REFUSED)
def test_what_no_prompt_can_hold_is_refused_in_one_sentence(bad: str) -> None:
    with pytest.raises(DataError, match="^Title .*: (save|give|shorten)"):
        escape(bad)


@pytest.mark.parametrize("bad", HOSTILE)
def test_a_terminal_shows_text_and_obeys_none_of_it(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(out, "_file", screen)
    out.print(f"Request req-1 is open for {bad}.", highlight=False, soft_wrap=True)
    assert screen.getvalue() == f"Request req-1 is open for {visible(bad)}.\n"
