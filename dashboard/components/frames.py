"""Untrusted HTML in a sandboxed frame that cannot reach the application or the network."""

from html import escape

import streamlit as st

from dashboard.presenters.circuit_html import POLICY


def sandboxed(html: str, height: int, alt: str) -> None:
    """Show an HTML document without scripts, network access or access to this page.

    Streamlit's frames share the application's origin, so the document is inside an inner frame without an origin.

    Args:
        html: The document.
        height: Height in pixels.
        alt: Title of the frame.
    """
    policy = POLICY.replace("script-src 'unsafe-inline'; ", "")
    st.iframe(
        '<!doctype html><html lang="en"><title>CURE Lens</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<style>html,body{margin:0;height:100%;overflow:hidden}"
        "iframe{border:0;width:100%;height:100%;display:block}</style>"
        f'<iframe sandbox="" title="{escape(alt)}" srcdoc="{escape(html)}"></iframe>',
        height=height,
        alt=alt,
    )
