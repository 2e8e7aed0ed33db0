"""Benchmark page: one of our methods against other methods and controls, as a sentence, two charts and a table."""

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.benchmark.results import Result
from core.benchmark.statistics import CRITERIA, CURE_METHODS, Standing, standing, worlds
from core.utils.commands import command_line
from dashboard import charts
from dashboard.components import exports
from dashboard.components.text import lead
from dashboard.presenters import benchmark
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.phrases import escape
from dashboard.services import benchmark_results
from dashboard.session import state

TASKS = Texts({"click": "benchmark-task-click", "next_item": "benchmark-task-next-item"})
KINDS = Texts(
    {
        "random": "benchmark-kind-random",
        "heavy": "benchmark-kind-heavy",
        "single": "benchmark-kind-single",
        "genre": "benchmark-kind-genre",
        "row": "benchmark-kind-row",
    }
)
CRITERION = Texts({"residual": "benchmark-by-residual", "gap": "benchmark-by-gap"})
AXIS = Texts({"residual": "benchmark-axis-residual", "gap": "benchmark-axis-gap"})
DRAWN = ("uniform", "graddiff", "npo", "e2urec", "pcgrad")
NAME = st.column_config.TextColumn(width="medium")
THREE = st.column_config.NumberColumn(format="%.3f")
SECONDS = st.column_config.NumberColumn(format="%.1f")
PERCENT = st.column_config.NumberColumn(format="percent")


def choices(rows: list[Result], left: DeltaGenerator, right: DeltaGenerator) -> tuple[str, Standing]:
    """Let the user choose the criterion and our method; return the criterion and the method's standing."""
    with left:
        criterion = state.pick(t("benchmark-by"), "by", list(CRITERIA), "residual", CRITERION.__getitem__) or "residual"
    standings = {name: result for name in CURE_METHODS if (result := standing(rows, name, CRITERIA[criterion]))}
    with right:
        name = state.pick(t("benchmark-ours"), "ours", list(standings), next(iter(standings)), benchmark.title)
    return criterion, standings[name or next(iter(standings))]


def caveats(rows: list[Result], result: Standing) -> str:
    """Describe the value of the circuit and the limit of the measurement."""
    method, controls = benchmark.title(result.method), ", ".join(benchmark.title(name) for name in result.as_good)
    if not result.controls:
        worth = t("benchmark-controls-none", method=method)
    elif result.as_good:
        worth = t("benchmark-controls-fail", method=method, controls=controls)
    else:
        worth = t("benchmark-controls-hold", method=method, controls=", ".join(map(benchmark.title, result.controls)))
    low, high = benchmark.floor(rows)  # of the residual, whatever the criterion
    return f"{worth}\n\n{t('benchmark-floor', floor=t('range', low=f'{low:.2f}', high=f'{high:.2f}'))}"


def figures(rows: list[Result]) -> None:
    """Show the table of all figures."""
    st.subheader(t("benchmark-table"), anchor=False)
    frame = benchmark.figures(rows)
    method, *numbers, seconds, circuit, moved = frame.columns
    config = {method: NAME} | dict.fromkeys(numbers, THREE) | {seconds: SECONDS, circuit: SECONDS, moved: PERCENT}
    exports.table(frame, "benchmark", t("benchmark-table-alt"), config)
    st.caption(t("benchmark-table-note", command=command_line("bench")))


def world_label(world: tuple[str, str, str]) -> str:
    """Name a scenario by its data, task and kind of request."""
    data, task, kind = world
    return t("benchmark-world-option", data=data, task=TASKS.get(task, task), kind=KINDS.get(kind, kind))


def comparison(rows: list[Result], criterion: str, result: Standing, placeholder: DeltaGenerator) -> None:
    """Show a scenario with one request: a sentence at `placeholder`, two charts and a table."""
    method = benchmark.title(result.method)
    counts = {"ahead": len(result.ahead), "behind": len(result.behind)}
    counts |= {"matched": len(result.as_good), "controls": len(result.controls)}
    random = "yes" if any(name.endswith("_random") for name in result.as_good) else "no"
    with placeholder:
        rivals = len((*result.ahead, *result.behind, *result.even))
        lead(
            t("benchmark-lead", method=method, rivals=rivals, random=random, **counts),
            t("benchmark-note", data=escape(rows[0].data), seeds=seeds(rows)),
        )
    st.markdown(caveats(rows, result))
    drawn = methods_drawn(rows)
    left, right = st.columns(2, gap="large")
    with left:
        fronts(rows, criterion, drawn)
    with right:
        differences(rows, criterion, result)
    figures(rows)


def methods_drawn(rows: list[Result]) -> list[str]:
    """Let the user choose the other methods in the left chart, across the page so that their names fit."""
    methods = dict.fromkeys(row.method for row in rows)
    others = [name for name in methods if name not in (*CURE_METHODS, "original", "reference")]
    default = [name for name in DRAWN if name in others]
    return st.multiselect(t("benchmark-pareto-shown"), others, default, benchmark.title, key="drawn")


def fronts(rows: list[Result], criterion: str, drawn: list[str]) -> None:
    """Draw forgetting against quality of our methods and of those that the user chose."""
    st.subheader(t("benchmark-pareto"), anchor=False)
    value = CRITERIA[criterion]
    ours = [name for name in CURE_METHODS if any(row.method == name for row in rows)]
    points = benchmark.tradeoffs(rows, [*ours, *drawn], value)
    floor, start = benchmark.floor(rows, value), benchmark.start(rows, value)
    chart = charts.pareto(points, floor, start, len(ours), AXIS[criterion])
    exports.chart(chart, "pareto", t("benchmark-pareto-alt"), key="pareto")
    st.caption(t("benchmark-pareto-note"))


def differences(rows: list[Result], criterion: str, result: Standing) -> None:
    """Draw the differences between our method and the others."""
    st.subheader(t("benchmark-differences"), anchor=False)
    method, title = benchmark.title(result.method), t("benchmark-differences-x", measure=AXIS[criterion])
    chart = charts.differences(benchmark.differences(rows, result.method, CRITERIA[criterion]), title)
    exports.chart(chart, "differences", t("benchmark-differences-alt", method=method), key="differences")
    st.caption(t("benchmark-differences-note", method=method))


def sequential(rows: list[Result], name: str, placeholder: DeltaGenerator) -> None:
    """Show a scenario with sequential requests: a sentence on `name` at `placeholder`, a chart per measure, a table."""
    data, method = benchmark.sequential(rows), benchmark.title(name)
    served = int(data["served"].max())
    last = benchmark.after(data, served)
    utility = t("benchmark-column-utility")
    with placeholder:
        lead(
            sequential_lead(method, served, benchmark.after(data, 0), last),
            t(
                "benchmark-row-note",
                utility=f"{last[utility][method]:+.3f}",
                data=escape(rows[0].data),
                seeds=seeds(rows),
            ),
        )
    for column, (measure, own) in zip(st.columns(2, gap="large") * 2, data.groupby("measure", sort=False), strict=True):
        with column:
            alt = t("benchmark-row-alt", measure=measure)
            exports.chart(charts.sequential(own, measure), f"row_{measure}", alt, key=f"row_{measure}")
    st.caption(t("benchmark-row-read"))
    st.subheader(t("benchmark-row-table"), anchor=False)
    exports.table(last.reset_index(), "benchmark", t("benchmark-row-table"), dict.fromkeys(last.columns, THREE))


def sequential_lead(method: str, served: int, first: pd.DataFrame, last: pd.DataFrame) -> str:
    """Compare the model after the last request with the retrained references, in one sentence."""
    gap = t("benchmark-column-gap")
    left = round(float(last[gap][method]), 3)
    had = f"{first[gap][method]:+.3f}"
    if not left:
        return t("benchmark-row-lead-equal", count=served, method=method, had=had)
    name = "benchmark-row-lead" if left > 0 else "benchmark-row-lead-below"
    return t(name, count=served, method=method, left=f"{abs(left):.3f}", had=had)


def seeds(rows: list[Result]) -> int:
    """Count the seeds, one adapter each."""
    return len({row.seed for row in rows})


measured = {
    world_label(world): rows
    for world, rows in worlds(benchmark_results.results())
    if any(row.method in CURE_METHODS for row in rows)
}
if not measured:
    lead(t("benchmark-none"), t("benchmark-none-note", command=command_line("bench", "--quick")))
    st.stop()
placeholder = st.container()
world = state.pick(t("benchmark-world"), "world", list(measured), next(iter(measured)))  # in its own row: long names
left, right = st.columns(2)
rows = measured[world or next(iter(measured))]
if rows[0].kind == "row":
    ours = [name for name in CURE_METHODS if any(row.method == name for row in rows)]
    with left:
        chosen = state.pick(t("benchmark-ours"), "ours", ours, ours[0], benchmark.title)
    sequential(rows, chosen or ours[0], placeholder)
else:
    comparison(rows, *choices(rows, left, right), placeholder)
