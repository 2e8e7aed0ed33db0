"""Benchmark: what a method of ours is worth beside rivals and controls: a sentence, two charts and a table."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.benchmark.results import Row
from core.benchmark.statistics import CRITERIA, OURS, Standing, standing, worlds
from dashboard import charts
from dashboard.components import exports
from dashboard.components.text import lead
from dashboard.presenters import benchmark
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.phrases import escape
from dashboard.services import queries
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
THREE = st.column_config.NumberColumn(format="%.3f")
SECONDS = st.column_config.NumberColumn(format="%.1f")
PERCENT = st.column_config.NumberColumn(format="percent")


def choices(rows: list[Row], by: DeltaGenerator, who: DeltaGenerator) -> tuple[str, Standing]:
    """By what the methods are judged, and which method of ours stands in the middle."""
    with by:
        criterion = state.pick(t("benchmark-by"), "by", list(CRITERIA), "residual", CRITERION.__getitem__) or "residual"
    stands = {name: one for name in OURS if (one := standing(rows, name, CRITERIA[criterion]))}
    with who:
        name = state.pick(t("benchmark-ours"), "ours", list(stands), next(iter(stands)), benchmark.title)
    return criterion, stands[name or next(iter(stands))]


def told(rows: list[Row], found: Standing) -> str:
    """What the circuit is worth, and how sure one can be."""
    method, controls = benchmark.title(found.method), ", ".join(benchmark.title(name) for name in found.as_good)
    if not found.controls:
        worth = t("benchmark-controls-none", method=method)
    elif found.as_good:
        worth = t("benchmark-controls-fail", method=method, controls=controls)
    else:
        worth = t("benchmark-controls-hold", method=method, controls=", ".join(map(benchmark.title, found.controls)))
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


def comparison(rows: list[Row], criterion: str, found: Standing, place: DeltaGenerator) -> None:
    """One request in each scene: a sentence at `place`, two charts and a table."""
    method = benchmark.title(found.method)
    counts = {"ahead": len(found.ahead), "behind": len(found.behind)}
    with place:
        rivals = len((*found.ahead, *found.behind, *found.even))
        lead(
            t("benchmark-lead", method=method, rivals=rivals, **counts),
            t("benchmark-note", data=escape(rows[0].data), seeds=seeds(rows)),
        )
    st.markdown(told(rows, found))
    left, right = st.columns(2, gap="large")
    with left:
        fronts(rows, criterion)
    with right:
        differences(rows, criterion, found)
    figures(rows)


def fronts(rows: list[Row], criterion: str) -> None:
    """Each method's way, ours and those that are chosen."""
    st.subheader(t("benchmark-pareto"), anchor=False)
    value, methods = CRITERIA[criterion], dict.fromkeys(row.method for row in rows)
    others = [name for name in methods if name not in (*OURS, "original", "reference")]
    default = [name for name in DRAWN if name in others]
    drawn = st.multiselect(t("benchmark-pareto-shown"), others, default, benchmark.title, key="drawn")
    ours = [name for name in OURS if name in methods]
    points = benchmark.ways(rows, [*ours, *drawn], value)
    floor, start = benchmark.floor(rows, value), benchmark.start(rows, value)
    chart = charts.pareto(points, floor, start, len(ours), AXIS[criterion])
    exports.chart(chart, "pareto", t("benchmark-pareto-alt"), key="pareto")
    st.caption(t("benchmark-pareto-note"))


def differences(rows: list[Row], criterion: str, found: Standing) -> None:
    """Who is ahead of whom."""
    st.subheader(t("benchmark-differences"), anchor=False)
    method, title = benchmark.title(found.method), t("benchmark-differences-x", measure=AXIS[criterion])
    chart = charts.differences(benchmark.differences(rows, found.method, CRITERIA[criterion]), title)
    exports.chart(chart, "differences", t("benchmark-differences-alt", method=method), key="differences")
    st.caption(t("benchmark-differences-note", method=method))


def in_a_row(rows: list[Row], name: str, place: DeltaGenerator) -> None:
    """People who ask one after the other: a sentence on `name` at `place`, a chart a measure, a table."""
    data, method = benchmark.in_a_row(rows), benchmark.title(name)
    last = benchmark.after(data, data["served"].max())
    had = benchmark.after(data, 0)
    gap, utility = t("benchmark-column-gap"), t("benchmark-column-utility")
    with place:
        lead(
            t(
                "benchmark-row-lead" if last[gap][method] > 0 else "benchmark-row-lead-below",
                count=int(data["served"].max()),
                method=method,
                left=f"{abs(last[gap][method]):.3f}",
                had=f"{had[gap][method]:.3f}",
            ),
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
            exports.chart(charts.in_a_row(own, measure), f"row_{measure}", alt, key=f"row_{measure}")
    st.caption(t("benchmark-row-read"))
    st.subheader(t("benchmark-row-table"), anchor=False)
    exports.table(last.reset_index(), "benchmark", t("benchmark-row-table"), dict.fromkeys(last.columns, THREE))


def seeds(rows: list[Row]) -> int:
    return len({row.seed for row in rows})


measured = {
    shown(world): rows for world, rows in worlds(queries.benchmark()) if any(row.method in OURS for row in rows)
}
if not measured:
    lead(t("benchmark-none"), t("benchmark-none-note"))
    st.stop()
place = st.container()
left, middle, right = st.columns(3)
with left:
    world = state.pick(t("benchmark-world"), "world", list(measured), next(iter(measured)))
rows = measured[world or next(iter(measured))]
if rows[0].kind == "row":
    ours = [name for name in OURS if any(row.method == name for row in rows)]
    with middle:
        chosen = state.pick(t("benchmark-ours"), "ours", ours, ours[0], benchmark.title)
    in_a_row(rows, chosen or ours[0], place)
else:
    comparison(rows, *choices(rows, middle, right), place)
