"""The circuit explorer as one stand-alone HTML page: the script and the data of the page Circuit, without the network.

A content security policy blocks all requests, and the data stands in the page as JSON without "<", so that no name
reaches the page as HTML.
"""

import json
from typing import Any

from dashboard.presenters.theme import LIGHT

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
ENTRY = "export default function ({"  # a component's script begins with it
# What Streamlit sets on its pages.
STYLE = f""":root {{ color-scheme: light; --st-font: sans-serif; --st-text-color: {LIGHT.ink};
  --st-background-color: {LIGHT.back}; --st-secondary-background-color: #F1EFE9; --st-border-color: #D8D5CC;
  --st-primary-color: #28796F; --st-base-radius: 0.5rem; }}
body {{ margin: 0; padding: 1rem; background: {LIGHT.back}; }}
"""


def page(data: dict[str, Any], script: str, style: str) -> str:
    """Put a component into an HTML page.

    Args:
        data: What the component draws.
        script: Its script.
        style: Its style sheet.

    Returns:
        The HTML document.
    """
    run = f"{script.replace(ENTRY, 'const draw = function ({', 1)}\n"
    run += f"draw({{data: {embedded(data)}, setStateValue: () => null, parentElement: document.body}});"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>CURE Lens</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<style>{STYLE}{style.replace(':host', ':root')}</style></head>"
        f'<body><div class="explorer"></div><script type="module">{run}</script></body></html>'
    )


def embedded(value: Any) -> str:
    """Return a value as JSON for a script inside a page; without "<", nothing in it ends the script."""
    return json.dumps(value).replace("<", "\\u003c")
