"""Charts of the unlearning steps of a run: losses, and the conflict of the gradients."""

from collections.abc import Sequence
from typing import Any, cast

import altair as alt
import pandas as pd

from core.types import Group
from dashboard.charts.encodings import DASHED, DOTTED, SOLID, Chart, lines
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.phrases import GROUP_NAMES
from dashboard.presenters.theme import AFTER, COLOURS, QUIET

# Comparable values only: one loss on different users, not the objectives of a step.
LOSSES = {
    "forget_nll": (COLOURS[Group.FORGET], SOLID),
    "validation_loss": (COLOURS[Group.RETAIN], DOTTED),
    "holdout_loss": (QUIET, DASHED),
    "loss": (COLOURS[Group.RETAIN], SOLID),
}
LOSS_NAMES = Texts(
    {
        "forget_nll": "run-losses-forget",
        "validation_loss": "run-losses-validation",
        "holdout_loss": "run-losses-holdout",
        "loss": "run-losses-retraining",
    }
)


def losses(events: Sequence[dict[str, Any]]) -> alt.Chart | None:
    """Draw the losses of the unlearning steps so far; return None before the first step."""
    rows = [
        (event["step"], event[name], title)
        for event in events
        if event.get("kind") == "step"
        for name, title in LOSS_NAMES.items()
        if event.get(name) is not None
    ]
    if not rows:
        return None
    present = {title for _, _, title in rows}
    looks = {LOSS_NAMES[name]: look for name, look in LOSSES.items() if LOSS_NAMES[name] in present}
    step, loss = t("run-losses-step"), t("run-losses-axis")
    chart = (
        alt.Chart(pd.DataFrame(rows, columns=["step", "loss", "set"]))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=30))
        .encode(
            x=alt.X("step:Q", title=step, axis=alt.Axis(grid=False, tickMinStep=1)),
            y=alt.Y("loss:Q", title=loss, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
            tooltip=[
                alt.Tooltip("set:N", title=t("run-losses-set")),
                alt.Tooltip("step:Q", title=step),
                alt.Tooltip("loss:Q", title=t("run-losses-loss"), format=".3f"),
            ],
            **lines("set:N", looks, 2),
        )
        .properties(height=300)
    )
    return cast(alt.Chart, chart)


# The cosine of the forget and retain gradients, and of the step taken and the retain gradient.
CONFLICTS = {"cosine": DASHED, "step": SOLID}
CONFLICT_NAMES = Texts({"cosine": "run-conflict-gradients", "step": "run-conflict-step"})
WINDOW = 7  # steps of the running mean


def conflict(events: Sequence[dict[str, Any]]) -> Chart | None:
    """Draw, for each group, how far the gradients agree and how far the step agrees with the retain gradient.

    Args:
        events: Events of a run.

    Returns:
        One chart per group, or None if the run's method records no cosines.
    """
    rows = [
        (event["step"], GROUP_NAMES[group], CONFLICT_NAMES[kind], event[f"{kind}_{group}"])
        for event in events
        if event.get("kind") == "step"
        for group in (Group.FORGET, Group.SHARED, Group.RETAIN)
        for kind in CONFLICTS
        if f"{kind}_{group}" in event
    ]
    if not rows:
        return None
    data = pd.DataFrame(rows, columns=["step", "group", "kind", "cosine"])
    data["smooth"] = data.groupby(["group", "kind"])["cosine"].transform(
        lambda own: own.rolling(WINDOW, 1, True).mean()
    )
    present = [GROUP_NAMES[group] for group in (Group.FORGET, Group.SHARED, Group.RETAIN)]
    present = [name for name in present if name in set(data["group"])]
    base = alt.Chart(data).encode(
        x=alt.X("step:Q", title=t("run-losses-step"), axis=alt.Axis(grid=False, tickMinStep=1))
    )
    names = {CONFLICT_NAMES[kind]: (QUIET if kind == "cosine" else AFTER, dash) for kind, dash in CONFLICTS.items()}
    line = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("smooth:Q", title=t("run-conflict-axis"), scale=alt.Scale(domain=[-1, 1]), axis=alt.Axis(tickCount=5)),
        tooltip=[
            alt.Tooltip("group:N", title=t("run-conflict-group")),
            alt.Tooltip("kind:N", title=t("run-conflict-which")),
            alt.Tooltip("step:Q", title=t("run-losses-step")),
            alt.Tooltip("cosine:Q", title=t("run-conflict-cosine"), format=".2f"),
        ],
        **lines("kind:N", names, 1),
    )
    zero = base.mark_rule(color=QUIET, opacity=0.5, aria=False).encode(
        x=alt.XValue(0), x2=alt.X2Value("width"), y=alt.YDatum(0)
    )
    header = alt.Header(title=None, labelFontWeight="bold")
    return (
        alt.layer(zero, line)
        .properties(height=170, width=220)
        .facet(alt.Facet("group:N", sort=present, header=header), columns=len(present))
    )
