"""Benchmark: what a method of ours is worth beside rivals and controls: a sentence, two charts and a table."""

import streamlit as st

from core.bench.rows import Row
from core.bench.statistics import CRITERIA, OURS, Standing, standing, worlds
from dashboard import benchmark, charts, engine, state
from dashboard.components import exports
from dashboard.components.text import lead
from dashboard.texts import Texts, t
from dashboard.words import escape

TASKS = Texts({"click": "benchmark-task-click", "next_item": "benchmark-task-next-item"})
KINDS = Texts(
    {
        "random": "benchmark-kind-random",
        "heavy": "benchmark-kind-heavy",
        "single": "benchmark-kind-single",
        "genre": "benchmark-kind-genre",
    }
)
CRITERION = Texts({"residual": "benchmark-by-residual", "gap": "benchmark-by-gap"})
AXIS = Texts({"residual": "benchmark-axis-residual", "gap": "benchmark-axis-gap"})
DRAWN = ("uniform", "graddiff", "npo", "e2urec", "pcgrad")
THREE = st.column_config.NumberColumn(format="%.3f")
SECONDS = st.column_config.NumberColumn(format="%.1f")
PERCENT = st.column_config.NumberColumn(format="percent")


def choices(found: dict[str, list[Row]]) -> tuple[list[Row], str, Standing]:
    """Which data are shown, by what they are judged, and which method of ours stands in the middle."""
    left, middle, right = st.columns(3)
    with left:
        world = state.pick(t("benchmark-world"), "world", list(found), next(iter(found)))
    with middle:
        criterion = state.pick(t("benchmark-by"), "by", list(CRITERIA), "residual", CRITERION.__getitem__) or "residual"
    rows = found[world or next(iter(found))]
    stands = {name: one for name in OURS if (one := standing(rows, name, CRITERIA[criterion]))}
    with right:
        name = state.pick(t("benchmark-ours"), "ours", list(stands), next(iter(stands)), benchmark.title)
    return rows, criterion, stands[name or next(iter(stands))]


def told(rows: list[Row], found: Standing) -> str:
    """What the circuit is worth, and how sure one can be."""
    method, controls = benchmark.title(found.method), ", ".join(benchmark.title(name) for name in found.as_good)
    worth = (
        t("benchmark-controls-fail", method=method, controls=controls)
        if found.as_good
        else t("benchmark-controls-hold", method=method)
    )
    low, high = benchmark.floor(rows)  # of the residual, by whatever methods are judged
    return f"{worth}\n\n{t('benchmark-floor', floor=t('range', low=f'{low:.2f}', high=f'{high:.2f}'))}"


def figures(rows: list[Row]) -> None:
    """All figures, to read and to save."""
    st.subheader(t("benchmark-table"), anchor=False)
    frame = benchmark.figures(rows)
    _, *numbers, seconds, circuit, moved = frame.columns
    config = dict.fromkeys(numbers, THREE) | {seconds: SECONDS, circuit: SECONDS, moved: PERCENT}
    exports.table(frame, "benchmark", t("benchmark-table-alt"), config)
    st.caption(t("benchmark-table-note"))


def shown(world: tuple[str, str, str]) -> str:
    data, task, kind = world
    return t("benchmark-world-option", data=data, task=TASKS.get(task, task), kind=KINDS.get(kind, kind))


measured = {
    shown(world): rows for world, rows in worlds(engine.benchmark()) if any(standing(rows, name) for name in OURS)
}
if not measured:
    lead(t("benchmark-none"), t("benchmark-none-note"))
    st.stop()
place = st.container()
rows, criterion, found = choices(measured)
value, measure = CRITERIA[criterion], AXIS[criterion]
method = benchmark.title(found.method)
counts = {"ahead": len(found.ahead), "behind": len(found.behind)}
with place:
    seeds = len({row.seed for row in rows})
    lead(
        t("benchmark-lead", method=method, rivals=len((*found.ahead, *found.behind, *found.even)), **counts),
        t("benchmark-note", data=escape(rows[0].data), seeds=seeds),
    )
st.markdown(told(rows, found))

left, right = st.columns(2, gap="large")
with left:
    st.subheader(t("benchmark-pareto"), anchor=False)
    others = [
        name for name in dict.fromkeys(row.method for row in rows) if name not in (*OURS, "original", "reference")
    ]
    drawn = st.multiselect(
        t("benchmark-pareto-shown"), others, [name for name in DRAWN if name in others], benchmark.title, key="drawn"
    )
    ours = [name for name in OURS if any(row.method == name for row in rows)]
    points = benchmark.ways(rows, [*ours, *drawn], value)
    floor, start = benchmark.floor(rows, value), benchmark.start(rows, value)
    exports.chart(
        charts.pareto(points, floor, start, len(ours), measure), "pareto", t("benchmark-pareto-alt"), key="pareto"
    )
    st.caption(t("benchmark-pareto-note"))
with right:
    st.subheader(t("benchmark-differences"), anchor=False)
    chart = charts.differences(
        benchmark.differences(rows, found.method, value), t("benchmark-differences-x", measure=measure)
    )
    exports.chart(chart, "differences", t("benchmark-differences-alt", method=method), key="differences")
    st.caption(t("benchmark-differences-note", method=method))
figures(rows)
