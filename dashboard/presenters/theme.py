"""Colours, shapes and icons; those of the groups are measured for colour-blind viewers; shape and size carry the same meaning."""

from dataclasses import dataclass

from core.types import Group, RunState

COLOURS = {Group.FORGET: "#D55E00", Group.RETAIN: "#0072B2", Group.SHARED: "#CC79A7", Group.OUTSIDE: "#9AA5AD"}
VIS_SHAPES = {Group.FORGET: "triangle", Group.RETAIN: "dot", Group.SHARED: "diamond", Group.OUTSIDE: "dot"}
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
QUIET = "#788389"  # grey text of charts, as legible on dark as on light
AFTER = "#2E8C81"  # the unlearned model, and what is new in it


@dataclass(frozen=True, slots=True)
class Paper:
    """Background, text and quiet colour of a drawing; the same as in dashboard/.streamlit/config.toml."""

    back: str
    ink: str
    quiet: str


LIGHT = Paper("#FDFCFA", "#22303A", "#69747B")
DARK = Paper("#12181D", "#E4E8E9", "#8A949B")

# Captions, and white on primary buttons and chosen tags, are too pale as Streamlit draws them (WCAG 1.4.3).
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
button[kind=primary]:not(:disabled), [data-testid=stMultiSelect] [data-tag] { background: #28796F; border-color: #28796F; }
button[kind=primary]:hover:not(:disabled) { background: #1F6B63; border-color: #1F6B63; }
[data-testid=stCaptionContainer] { opacity: 0.8; }
[data-testid=stCaptionContainer] code { font-size: inherit; }
@media print { .stSidebar, .stAppHeader, .stDownloadButton, .stPopover { display: none !important; } }
/* Streamlit darkens the opened button, which in the dark theme hides it. */
.stPopover button[aria-expanded="true"] { color: inherit; }
/* What a button's label says in italics is for those who hear the page: which chart it saves. */
[class*="st-key-save_"] em, [class*="st-key-draw_"] em { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
</style>"""
