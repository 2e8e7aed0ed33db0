"""Small multiples: the modules of one circuit at their places in the model, small enough to stand beside another's."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from core.types import Circuit, Group, ModuleGroup
from dashboard.charts.encodings import Chart, groups_scale
from dashboard.presenters.circuit_scene import grid_size, spot
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, module_title
from dashboard.presenters.theme import COLOURS, QUIET

HEIGHT, WIDTH = 240, 440  # pixels; the width is that of half a page, which mark sizes are made for
SHAPES = {Group.FORGET: "triangle-up", Group.RETAIN: "circle", Group.SHARED: "diamond", Group.OUTSIDE: "circle"}


def members(circuit: Circuit, groups: Sequence[ModuleGroup]) -> Chart:
    """Draw one circuit: layers go up, heads go across, MLPs stand at the right.

    Args:
        circuit: The circuit; its modules have the colour and shape of their group, a larger mark has more effect.
        groups: Group of each module.
    """
    layers, heads = grid_size(circuit)
    data = _frame(circuit, groups, heads)
    pitch = min(HEIGHT / layers, WIDTH / (heads + 1))
    base = alt.Chart(data).encode(x=_heads(heads), y=_layers(layers), tooltip=_tooltip())
    outside = base.transform_filter("!datum.member").mark_circle(color=QUIET, opacity=0.45, size=min(14, pitch**2 / 4))
    inside = base.transform_filter("datum.member").mark_point(filled=True, opacity=1)
    sizes = alt.Scale(
        type="linear", domain=[0, data["strength"].max()], range=[(0.25 * pitch) ** 2, (0.8 * pitch) ** 2]
    )
    return alt.layer(
        outside,
        inside.encode(
            color=alt.Color("group:N", scale=groups_scale(COLOURS), legend=None),
            shape=alt.Shape("group:N", scale=groups_scale(SHAPES), legend=None),
            size=alt.Size("strength:Q", scale=sizes, legend=None),
        ),
    ).properties(height=HEIGHT)


def _frame(circuit: Circuit, groups: Sequence[ModuleGroup], heads: int) -> pd.DataFrame:
    group, inside = {row.module: GROUP_NAMES[row.group] for row in groups}, set(circuit.members)
    rows = [
        (*spot(name, heads), module_title(name), group[name], name in inside, abs(score))
        for name, score in zip(circuit.modules, circuit.scores, strict=True)
    ]
    return pd.DataFrame(rows, columns=["column", "layer", "module", "group", "member", "strength"])


def _heads(heads: int) -> alt.X:
    """The axis of heads, with the MLPs as its last place."""
    every = max(1, heads // 8)
    name = f'datum.value == {heads} ? "{t("module-mlp-short")}" : datum.value'
    axis = alt.Axis(values=[*range(0, heads, every), heads], labelExpr=name, grid=False, domain=False, ticks=False)
    scale = alt.Scale(domain=[-0.6, heads + 0.6], nice=False)
    return alt.X("column:Q", title=t("circuit-multiples-heads"), scale=scale, axis=axis)


def _layers(layers: int) -> alt.Y:
    every = max(1, layers // 8)
    axis = alt.Axis(values=list(range(0, layers, every)), format="d", domain=False, ticks=False)
    scale = alt.Scale(domain=[-0.6, layers - 0.4], nice=False)
    return alt.Y("layer:Q", title=t("circuit-multiples-layers"), scale=scale, axis=axis)


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("module:N", title=t("circuit-places-module")),
        alt.Tooltip("group:N", title=t("circuit-multiples-group")),
        alt.Tooltip("strength:Q", title=t("circuit-places-strength"), format=".3f"),
    ]
