"""What was checked of a run, check by check: the sentence first, the numbers for whoever wants them."""

import pandas as pd
import streamlit as st

from core.types import Check, Verdict, Verification
from dashboard.components.exports import table
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.phrases import escape

BADGES = {Verdict.PASS: ("check", "green"), Verdict.FAIL: ("error", "red"), Verdict.INCONCLUSIVE: ("help", "gray")}
WORDS = Texts(
    {Verdict.PASS: "verdict-pass", Verdict.FAIL: "verdict-fail", Verdict.INCONCLUSIVE: "verdict-inconclusive"}
)
SENTENCES = Texts(
    {
        Verdict.PASS: "verdict-pass-means",
        Verdict.FAIL: "verdict-fail-means",
        Verdict.INCONCLUSIVE: "verdict-inconclusive-means",
    }
)
WORST_FIRST = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def badge(verdict: Verdict) -> str:
    """A verdict as Markdown: its colour is not all that tells it."""
    icon, colour = BADGES[verdict]
    return f":{colour}-badge[:material/{icon}: {WORDS[verdict]}]"


def checks(found: Verification) -> None:
    """The verdict of all together, what stands against it first, and the numbers folded away."""
    st.markdown(f"{badge(found.verdict)} **{SENTENCES[found.verdict]}**")
    for verdict in WORST_FIRST:
        rows = [one for one in found.checks if one.verdict is verdict]
        if not rows:
            continue
        told = "\n".join(f"- {escape(one.sentence)} ({one.id}, {escape(one.name)})" for one in rows)
        if verdict is Verdict.PASS:
            with st.expander(t("review-passed", checks=len(rows)), icon=":material/check:"):
                st.markdown(told)
        else:
            st.markdown(f"{badge(verdict)} {t('review-of', count=len(rows), all=len(found.checks))}\n{told}")
    if found.not_run:  # older verifications do not name the attacks that are never run
        st.caption(t("review-not-run", what="; ".join(escape(why) for why in found.not_run.values())))
    with st.expander(t("review-numbers")):
        table(_frame(found.checks), f"{found.run}-checks", t("review-numbers-alt", checks=len(found.checks)))


def _frame(found: tuple[Check, ...]) -> pd.DataFrame:
    rows = [
        (one.id, one.name, str(WORDS[one.verdict]), one.value.value, one.value.low, one.value.high, one.value.n,
         _bounds(one), one.rows_needed, one.source)
        for one in found
    ]  # fmt: skip
    names = ("check", "name", "verdict", "value", "low", "high", "n", "bounds", "needed", "source")
    return pd.DataFrame(rows, columns=[t(f"review-column-{name}") for name in names])


def _bounds(check: Check) -> str:
    low, high = (("" if end is None else f"{end:.3g}") for end in (check.low, check.high))
    return f"{low} – {high}" if low or high else ""
