"""Rows of the page Compare: one question each, with one cell for each run."""

import math
from collections.abc import Callable, Sequence
from itertools import combinations

import streamlit as st

from core.report.numbers import percent, percent_ends
from core.types import Group, Interval
from dashboard.components.evidence import badge
from dashboard.components.text import link
from dashboard.presenters.advantages import MEASURE_NAMES
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, code, duration, escape
from dashboard.presenters.run_comparison import RunFacts
from dashboard.presenters.theme import MARKS

Facts = Sequence[RunFacts]


def _cells(facts: Facts, draw: Callable[[RunFacts], None]) -> None:
    """Draw one cell for each run, with its name, so that a phone can stack them."""
    for column, one in zip(st.columns(len(facts), gap="medium", border=True), facts, strict=True):
        with column:
            st.caption(code(one.run))
            draw(one)


def verdict(facts: Facts) -> None:
    """Draw each run's verdict with its sentence, its method and its request."""
    st.subheader(t("compare-verdict"), anchor=False)

    def cell(one: RunFacts) -> None:
        if one.verdict is None:
            st.markdown(t("compare-unverified"))
        else:
            st.markdown(f"{badge(one.verdict)} {escape(one.sentence)}")
        st.caption(t("compare-request", request=code(one.request)))
        link("run", t("compare-open-run"), run=one.run)

    _cells(facts, cell)


def forgotten(facts: Facts, measure: str) -> None:
    """Draw the share forgotten with its interval, and what is shown at least."""
    st.subheader(t("compare-forgotten"), anchor=False, help=t("compare-forgotten-help"))

    def cell(one: RunFacts) -> None:
        share = (one.shares or {}).get(measure)
        if share is None or one.share(measure) != share:
            st.markdown(t("compare-forgotten-exact" if one.share(measure) else "compare-forgotten-unknown"))
        else:
            low, high = percent_ends(share)
            st.markdown(t("compare-forgotten-value", value=percent(share.value), low=low, high=high))
        if one.at_least is not None and one.confidence is not None:
            least, sure = math.floor(100 * one.at_least), f"{100 * one.confidence:g}"
            st.caption(t("compare-forgotten-at-least", confidence=sure, share=least))

    _cells(facts, cell)
    st.caption(t("compare-forgotten-measure", measure=MEASURE_NAMES[measure]))


def quality(facts: Facts) -> None:
    """Draw the fall of the test AUC with its interval, and what is allowed."""
    st.subheader(t("compare-quality"), anchor=False, help=t("compare-quality-help"))

    def cell(one: RunFacts) -> None:
        if one.fall is None:
            st.markdown(t("not-measured"))
        elif not math.isfinite(one.fall.low + one.fall.high):
            st.markdown(t("compare-quality-unknown", fall=f"{one.fall.value:.3f}"))
        else:
            st.markdown(t("compare-quality-value", fall=f"{one.fall.value:.3f}", **_ends(one.fall)))
        if one.margin is not None:
            st.caption(t("compare-quality-bound", margin=f"{one.margin:g}"))

    _cells(facts, cell)


def membership(facts: Facts) -> None:
    """Draw what a membership attack gains beyond retrained references."""
    st.subheader(t("compare-membership"), anchor=False, help=t("compare-membership-help"))

    def cell(one: RunFacts) -> None:
        if one.membership is None or not math.isfinite(one.membership.value):
            st.markdown(t("compare-membership-unknown"))
        else:
            found = one.membership
            st.markdown(t("compare-membership-value", value=f"{found.value:+.3f}", **_ends(found)))

    _cells(facts, cell)


def _ends(found: Interval) -> dict[str, str]:
    return {"low": f"{found.low:.3f}", "high": f"{found.high:.3f}"}


def circuits(facts: Facts) -> None:
    """Draw the modules of each group, and how much the circuits of each two runs overlap."""
    st.subheader(t("compare-circuits"), anchor=False, help=t("compare-circuits-help"))

    def cell(one: RunFacts) -> None:
        if not one.modules:
            st.markdown(t("compare-circuits-none"))
            return
        rows = (
            t("compare-circuits-group", mark=MARKS[one_group], group=GROUP_NAMES[one_group], modules=counted)
            for one_group in Group
            for counted in [one.modules.get(one_group, 0)]
        )
        st.markdown("  \n".join(rows))

    _cells(facts, cell)
    pairs = [_overlap(*pair) for pair in combinations([one for one in facts if one.circuit], 2)]
    st.markdown("\n".join(f"- {pair}" for pair in pairs) or t("compare-overlap-none"))


def _overlap(first: RunFacts, second: RunFacts) -> str:
    both, either = first.circuit & second.circuit, first.circuit | second.circuit
    share = f"{len(both) / len(either):.0%}"
    names = {"first": code(first.run), "second": code(second.run)}
    return t("compare-overlap", both=len(both), all=len(either), share=share, **names)


def cost(facts: Facts) -> None:
    """Draw time, steps, device and method of each run."""
    st.subheader(t("compare-cost"), anchor=False)

    def cell(one: RunFacts) -> None:
        if one.seconds is None:
            st.markdown(t("compare-cost-unknown"))
        else:
            device = one.device.upper() or t("duration-unknown")
            st.markdown(t("compare-cost-value", time=duration(one.seconds), steps=one.steps or 0, device=device))
        st.caption(escape(one.method))

    _cells(facts, cell)
