"""Foreign HTML in a frame that cannot reach the application: an inner frame without its origin."""

from html import escape

import streamlit as st

from dashboard.presenters.circuit_html import POLICY


def sandboxed(html: str, height: int, alt: str) -> None:
    """Show `html` so that it can neither touch this page nor the network, and runs no script.

    Streamlit's frames share the application's origin, so the document stands in an inner frame that has none.
    """
    policy = POLICY.replace("script-src 'unsafe-inline'; ", "")
    st.iframe(
        f'<!doctype html><html lang="en"><title>CURE Lens</title><meta http-equiv="Content-Security-Policy" content="{policy}">'
        "<style>html,body{margin:0;height:100%;overflow:hidden}iframe{border:0;width:100%;height:100%;display:block}</style>"
        f'<iframe sandbox="" title="{escape(alt)}" srcdoc="{escape(html)}"></iframe>',
        height=height,
        alt=alt,
    )
