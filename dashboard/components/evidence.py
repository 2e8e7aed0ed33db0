"""Results of a verification on a page: a sentence for each check, and a table of numbers."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.report.check_texts import next_steps, reliability, render
from core.types import Check, Verdict, Verification
from dashboard.components.exports import table
from dashboard.components.text import link
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.phrases import escape

BADGES = {
    Verdict.PASS: ("check", "green"),
    Verdict.EXACT: ("verified", "green"),
    Verdict.NO_TRACE: ("check", "green"),
    Verdict.FAIL: ("error", "red"),
    Verdict.INCONCLUSIVE: ("help", "gray"),
}
WORDS = Texts(
    {
        Verdict.PASS: "word-pass",
        Verdict.EXACT: "word-exact",
        Verdict.NO_TRACE: "word-no-trace",
        Verdict.FAIL: "word-fail",
        Verdict.INCONCLUSIVE: "word-inconclusive",
    }
)
WORST_FIRST = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def badge(verdict: Verdict) -> str:
    """Return a verdict as a Markdown badge with an icon and a word, so that colour is not its only sign."""
    icon, colour = BADGES[verdict]
    return f":{colour}-badge[:material/{icon}: {WORDS[verdict]}]"


def verdict_word(verification: Verification | None) -> str:
    """Return the verdict as a word; a run without a verification has none yet."""
    return WORDS[verification.verdict] if verification else t("word-unverified")


def checks(verification: Verification, request: str) -> None:
    """Draw the verdict, the next steps, the checks that decide with the worst first, and all numbers in an expander.

    Args:
        verification: The verification of a run.
        request: Id of the run's request.
    """
    shown = render(verification)
    st.markdown(f"{badge(shown.verdict)} **{escape(shown.sentence)}**")
    if steps := next_steps(verification):
        st.markdown(f"{t('review-next')}\n" + "\n".join(f"1. {escape(step)}" for step in steps))
    if {"retrain", "retrain_drift"} & {*verification.next_steps}:
        link("run", t("review-retrain"), "play_circle", request=request, method="retrain")
    for verdict in WORST_FIRST:
        if rows := [check for check in shown.deciding if check.verdict is verdict]:
            _group(verdict, rows, len(shown.deciding))
    if how_reliable := reliability(verification):
        st.caption(escape(how_reliable))
    if shown.not_run:  # verifications of older versions do not name the attacks that are never run
        st.caption(t("review-not-run", what="; ".join(escape(text) for text in shown.not_run.values())))
    with st.expander(t("review-numbers")):
        table(_frame(shown), f"{shown.run}-checks", t("review-numbers-alt", checks=len(shown.checks)))


def _group(verdict: Verdict, rows: Sequence[Check], total: int) -> None:
    """Draw the checks of one verdict; passed checks are folded away."""
    sentences = "\n".join(f"- {escape(check.sentence)} ({check.id}, {escape(check.name)})" for check in rows)
    if verdict is Verdict.PASS:
        with st.expander(t("review-passed", checks=len(rows)), icon=":material/check:"):
            st.markdown(sentences)
    else:
        st.markdown(f"{badge(verdict)} {t('review-of', count=len(rows), all=total)}\n{sentences}")


def _frame(shown: Verification) -> pd.DataFrame:
    rows = [
        (one.id, one.name, _word(one, shown), one.value.value, one.value.low, one.value.high, one.value.n,
         _bounds(one), one.rows_needed, one.source)
        for one in shown.checks
    ]  # fmt: skip
    names = ("check", "name", "verdict", "value", "low", "high", "n", "bounds", "needed", "source")
    return pd.DataFrame(rows, columns=[t(f"review-column-{name}") for name in names])


def _word(check: Check, shown: Verification) -> str:
    """The verdict of a check; a description has none."""
    return str(WORDS[check.verdict]) if check in shown.deciding else t("word-measured")


def _bounds(check: Check) -> str:
    low, high = (("" if end is None else f"{end:.3g}") for end in (check.low, check.high))
    return f"{low} – {high}" if low or high else ""
