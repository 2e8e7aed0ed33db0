"""A run as it works, as charts."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from core.types import Group
from dashboard.charts.encodings import DASHED, DOTTED, SOLID, lines
from dashboard.palette import COLOURS, QUIET
from dashboard.texts import Texts, t

# Only what can be compared: the same loss on different people, not the objectives of a step.
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
        "loss": "run-losses-anew",
    }
)


def losses(events: Sequence[dict]) -> alt.Chart | None:
    """The losses of the unlearning steps so far; None while there is none."""
    rows = [
        (event["step"], event[name], title)
        for event in events
        if event.get("kind") == "step"
        for name, title in LOSS_NAMES.items()
        if event.get(name) is not None
    ]
    if not rows:
        return None
    found = {title for _, _, title in rows}
    step, loss = t("run-losses-step"), t("run-losses-axis")
    return (
        alt.Chart(pd.DataFrame(rows, columns=["step", "loss", "people"]))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=30))
        .encode(
            x=alt.X("step:Q", title=step, axis=alt.Axis(grid=False, tickMinStep=1)),
            y=alt.Y("loss:Q", title=loss, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
            tooltip=[
                alt.Tooltip("people:N", title=t("run-losses-people")),
                alt.Tooltip("step:Q", title=step),
                alt.Tooltip("loss:Q", title=t("run-losses-loss"), format=".3f"),
            ],
            **lines(
                "people:N", {LOSS_NAMES[name]: look for name, look in LOSSES.items() if LOSS_NAMES[name] in found}, 2
            ),
        )
        .properties(height=300)
    )
