"""Results of a verification on a page: the verdict, an answer to each of three questions, and all numbers."""

import pandas as pd
import streamlit as st

from core.report.check_texts import reliability
from core.types import Check, Verdict, Verification
from dashboard import charts
from dashboard.components.exports import chart, table
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.phrases import escape
from dashboard.presenters.questions import (
    QUESTIONS,
    answer_text,
    bounds_frame,
    checks_beyond_bound,
    checks_without_number,
    failed_checks,
    headline,
    questions,
)

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


def badge(verdict: Verdict) -> str:
    """Return a verdict as a Markdown badge with an icon and a word, so that colour is not its only sign."""
    icon, colour = BADGES[verdict]
    return f":{colour}-badge[:material/{icon}: {WORDS[verdict]}]"


def verdict_word(verification: Verification | None) -> str:
    """Return the verdict as a word; a run without a verification has none yet."""
    return WORDS[verification.verdict] if verification else t("word-unverified")


def verdict(shown: Verification) -> None:
    """Draw the verdict and its sentence. Like all functions here, it takes a verification with its texts."""
    st.markdown(f"{badge(shown.verdict)} **{escape(shown.sentence)}**")


def answers(shown: Verification) -> None:
    """Draw the three questions, each with its answer, its number, its picture, and its checks folded away."""
    words = {one: str(WORDS[one]) for one in Verdict}
    for question in questions(shown):
        with st.container(border=True):
            left, right = st.columns([2, 3], gap="medium", vertical_alignment="center")
            with left:
                st.subheader(t(f"question-{question.name}"), anchor=False)
                st.markdown(f"{badge(question.answer)} {answer_text(question)}")
                if number := headline(question, shown):
                    st.caption(number)
                if failed := failed_checks(question):
                    st.caption(t("question-failed", checks=", ".join(failed)))
                if over := checks_beyond_bound(question):
                    st.caption(t("question-beyond", checks=", ".join(over)))
                if missing := checks_without_number(question):
                    st.caption(t("question-undrawn", checks=", ".join(missing)))
            with right:
                name = f"{shown.run}-{question.name}"
                chart(
                    charts.bounds(bounds_frame(question.checks, words), words, t(f"bounds-none-{question.name}")),
                    name,
                    t("bounds-alt"),
                )
            with st.expander(t("question-checks", checks=len(question.checks))):
                st.markdown("\n".join(_line(check) for check in question.checks))


def trust(shown: Verification) -> None:
    """Draw how far the verdict can be trusted: its conditions, its error rates, what was not checked, all numbers."""
    named = {code for codes in QUESTIONS.values() for code in codes}
    st.markdown("\n".join(_line(check) for check in shown.deciding if check.code not in named))
    if how_reliable := reliability(shown):
        st.markdown(escape(how_reliable))
    if shown.not_run:  # verifications of older versions do not name the attacks that are never run
        st.markdown(t("review-not-run", what="; ".join(escape(text) for text in shown.not_run.values())))
    table(_frame(shown), f"{shown.run}-checks", t("review-numbers-alt", checks=len(shown.checks)))


def _line(check: Check) -> str:
    return f"- {badge(check.verdict)} {escape(check.sentence)} ({check.id}, {escape(check.name)})"


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
