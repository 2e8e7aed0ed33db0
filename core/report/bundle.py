"""The report as it is handed on at the end: with what was verified, and with the circuit to move about in. Pure."""

from html import escape

from core.report.build import environment
from core.types import Verification

MORE = "<!-- more -->"
STILL = "default-src 'none'; style-src 'unsafe-inline'"
# A frame without an address of its own takes over the page's policy: scripts that stand in it may run, nothing may be fetched.
MOVING = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"


def whole(report: str, found: Verification | None, circuit: str = "") -> str:
    """found: what was verified, if it was. circuit: a page of its own, which needs no network; it runs in a frame that reaches
    neither the report nor anything else.
    """
    checks = environment().get_template("verification_section.html").render(found=found) if found else ""
    if circuit:
        report = report.replace(STILL, MOVING, 1)
    return report.replace(MORE, checks + _frame(circuit), 1)


def _frame(circuit: str) -> str:
    if not circuit:
        return ""
    return (
        "<h2>The circuit, to look into</h2>\n"
        f'<iframe sandbox="allow-scripts" title="The circuit" srcdoc="{escape(circuit)}" '
        'style="width: 100%; height: 36rem; border: 1px solid var(--line)"></iframe>\n'
    )
