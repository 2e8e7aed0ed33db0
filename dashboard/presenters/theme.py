"""Colours, shapes and icons of groups, run states and charts.

The group colours are measured for colour-blind viewers; shape and size always carry the same meaning as colour.
"""

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
# Colour and shape of the runs of a comparison, in order; the first two are the pair that is easiest to tell apart.
RUN_MARKS = (
    ("#0072B2", "circle"),
    ("#D55E00", "triangle-up"),
    ("#2E8C81", "diamond"),
    ("#8E44AD", "square"),
    ("#B8860B", "triangle-down"),
    ("#788389", "cross"),
)
QUIET = "#788389"  # grey text of charts, equally legible in the dark and the light theme
SUPPORTS, OPPOSES = ("#1F7A70", "#4CC0B0"), ("#8F5A1E", "#E0A35C")  # lines that support or oppose; light, dark theme
AFTER = "#2E8C81"  # the unlearned model and its new titles


@dataclass(frozen=True, slots=True)
class Paper:
    """Colours of a drawing, equal to those in dashboard/.streamlit/config.toml.

    Attributes:
        back: Background.
        ink: Text.
        quiet: Axes and secondary text.
    """

    back: str
    ink: str
    quiet: str


LIGHT = Paper("#FDFCFA", "#22303A", "#69747B")
DARK = Paper("#12181D", "#E4E8E9", "#8A949B")

# Streamlit's captions, primary buttons and selected tags have too little contrast (WCAG 1.4.3).
# The tour's strip stays above the page and keeps its height from step to step, so that nothing jumps; what gets the
# focus is scrolled below it. components/tour.js marks the object of a step as `data-toured`.
STYLE = """<style>
.stMainBlockContainer { padding-top: 3rem; padding-bottom: 3rem; }
@media (min-width: 769px) and (max-width: 1350px) { .stMainBlockContainer { padding-left: 2rem; padding-right: 2rem; } }
.st-key-offer, .st-key-played { background: color-mix(in srgb, #2E8C81 8%, transparent); }
.st-key-tour, .st-key-offer { flex-wrap: nowrap; }
.st-key-tour { background: color-mix(in srgb, #2E8C81 12%, light-dark(#FDFCFA, #12181D)); }
.st-key-tour::before { content: ""; position: absolute; inset: auto -1px 100%; height: 3.75rem;
  background: light-dark(#FDFCFA, #12181D); }
.st-key-tour .stMarkdown { min-height: 4.8rem; }
[data-testid=stLayoutWrapper]:has(> .st-key-tour) { position: sticky; top: 3.75rem; z-index: 99; }
[data-testid=stMain]:has(.st-key-tour) { scroll-padding-top: 13rem; }
@media (max-width: 1400px) { .st-key-tour .stMarkdown { min-height: 6.6rem; } }
[data-toured] { outline: 3px solid #2E8C81; outline-offset: 5px; border-radius: 0.5rem; }
@media (max-width: 768px) {
  .stMainBlockContainer { padding-top: 4.5rem; }
  .st-key-tour, .st-key-offer { flex-wrap: wrap; }
  .st-key-tour .stMarkdown { min-height: 8.2rem; font-size: 0.875rem; }
  .st-key-tour { padding: 0.6rem; gap: 0.4rem; }
  [data-testid=stMain]:has(.st-key-tour) { scroll-padding-top: 17rem; }
}
button[kind=primary]:not(:disabled), [data-testid=stMultiSelect] [data-tag] {
  background: #28796F; border-color: #28796F;
}
button[kind=primary]:hover:not(:disabled) { background: #1F6B63; border-color: #1F6B63; }
/* Streamlit gives a focused link the colour of the open page's link, and these buttons no mark. */
.stApp a:focus-visible, [data-testid=stButtonGroup] button:focus-visible {
  outline: 2px solid #2E8C81; outline-offset: 1px;
}
[data-testid=stCaptionContainer] { opacity: 0.8; }
[data-testid=stCaptionContainer] code { font-size: inherit; }
@media print { .stSidebar, .stAppHeader, .stDownloadButton, .stPopover { display: none !important; } }
/* Streamlit darkens the button of an open popover, which hides it in the dark theme. */
.stPopover button[aria-expanded="true"] { color: inherit; }
/* Italics in the label of a save button are for screen readers only: the name of the chart. */
[class*="st-key-save_"] em, [class*="st-key-draw_"] em { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
</style>"""
