"""Colours, shapes and icons; those of the groups are measured for colour-blind viewers; shape and size carry the same meaning."""

from dataclasses import dataclass

from core.types import Group, RunState

COLOURS = {Group.FORGET: "#D55E00", Group.RETAIN: "#0072B2", Group.SHARED: "#CC79A7", Group.OUTSIDE: "#9AA5AD"}
VIS_SHAPES = {Group.FORGET: "triangle", Group.RETAIN: "dot", Group.SHARED: "diamond", Group.OUTSIDE: "dot"}
VEGA_SHAPES = {Group.FORGET: "triangle-up", Group.RETAIN: "circle", Group.SHARED: "diamond", Group.OUTSIDE: "circle"}
MARKS = {
    Group.FORGET: ":orange[▲]",
    Group.RETAIN: ":blue[●]",
    Group.SHARED: ":violet[◆]",
    Group.OUTSIDE: ":gray[•]",
}
BADGES = {
    RunState.QUEUED: ("schedule", "gray"),
    RunState.RUNNING: ("autorenew", "blue"),
    RunState.DONE: ("check", "green"),
    RunState.FAILED: ("error", "red"),
    RunState.CANCELLED: ("block", "gray"),
    RunState.LOST: ("link_off", "red"),
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

STYLE = """<style>
.stMainBlockContainer { padding-top: 3rem; padding-bottom: 3rem; }
@media print { .stSidebar, .stAppHeader, .stDownloadButton, .stPopover { display: none !important; } }
/* What a button's label says in italics is for those who hear the page: which chart it saves. */
[class*="st-key-save_"] em, [class*="st-key-draw_"] em { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
</style>"""
