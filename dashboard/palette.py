"""Colours and shapes of the groups, measured for colour-blind viewers; shape and size carry the same meaning."""

from dataclasses import dataclass

from core.types import Group

COLOURS = {Group.FORGET: "#D55E00", Group.RETAIN: "#0072B2", Group.SHARED: "#CC79A7", Group.OUTSIDE: "#9AA5AD"}
VIS_SHAPES = {Group.FORGET: "triangle", Group.RETAIN: "dot", Group.SHARED: "diamond", Group.OUTSIDE: "dot"}
VEGA_SHAPES = {Group.FORGET: "triangle-up", Group.RETAIN: "circle", Group.SHARED: "diamond", Group.OUTSIDE: "circle"}
MARKS = {
    Group.FORGET: ":orange[▲]",
    Group.RETAIN: ":blue[●]",
    Group.SHARED: ":violet[◆]",
    Group.OUTSIDE: ":gray[•]",
}
QUIET = "#8A949B"
AFTER = "#2E8C81"  # the unlearned model, and what is new in it


@dataclass(frozen=True, slots=True)
class Paper:
    """Background, text and quiet colour of a drawing; the same as in .streamlit/config.toml."""

    back: str
    ink: str
    quiet: str


LIGHT = Paper("#FDFCFA", "#22303A", "#8A949B")
DARK = Paper("#12181D", "#E4E8E9", "#76828B")

# The tour's strip keeps its height from step to step, so that the page under it does not jump.
STYLE = """<style>
.stMainBlockContainer { padding-top: 3rem; padding-bottom: 3rem; }
.st-key-tour, .st-key-offer { background: color-mix(in srgb, #2E8C81 8%, transparent); flex-wrap: nowrap; }
.st-key-tour .stMarkdown { min-height: 4.8rem; }
@media (max-width: 768px) {
  .stMainBlockContainer { padding-top: 4.5rem; }
  .st-key-tour, .st-key-offer { flex-wrap: wrap; }
  .st-key-tour .stMarkdown { min-height: 8rem; }
}
@media print { .stSidebar, .stAppHeader, .stDownloadButton { display: none !important; } }
</style>"""
