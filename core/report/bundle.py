"""Final report of a run: its HTML with the results of the verification and an interactive circuit. Pure functions."""

from html import escape

from core.report.build import CSP_STATIC, HEADLINE, SECTIONS_MARKER, environment
from core.report.check_texts import attack_texts, next_steps, reliability, render
from core.types import Verification
from core.utils.text import visible

# A frame without its own address inherits the page's policy: its inline scripts may run, and nothing may be fetched.
CSP_SCRIPTS = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def add_sections(report: str, found: Verification | None, circuit: str = "") -> str:
    """Return the report with further sections.

    Args:
        report: HTML of the run's report.
        found: The verification, if there is one.
        circuit: HTML page of the circuit, which needs no network. It runs in a sandboxed frame that has no access
            to the report.
    """
    checks = ""
    if found:
        shown = render(found)
        section = environment().get_template("verification_section.html")
        checks = section.render(
            found=shown, steps=next_steps(found), attacks=attack_texts(found), reliability=reliability(found)
        )
        report = _with_headline(report, shown.sentence)
    if circuit:
        report = report.replace(CSP_STATIC, CSP_SCRIPTS, 1)
    return report.replace(SECTIONS_MARKER, checks + _frame(circuit), 1)


def _with_headline(report: str, verdict: str) -> str:
    """Put the verdict in the place of the headline that the run wrote; reports of version 0.1.0 keep theirs."""
    start, end = HEADLINE
    before, found, rest = report.partition(start)
    return before + start + escape(visible(verdict)) + end + rest.partition(end)[2] if found else report


def _frame(circuit: str) -> str:
    if not circuit:
        return ""
    return (
        "<h2>The circuit, interactive</h2>\n"
        f'<iframe sandbox="allow-scripts" title="The circuit" srcdoc="{escape(circuit)}" '
        'style="width: 100%; height: 56rem; border: 1px solid var(--line)"></iframe>\n'
    )
