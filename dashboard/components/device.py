"""Choice of the device on which a job computes."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.presenters.i18n import Texts, t

DEVICES = Texts({"auto": "run-form-device-auto", "cpu": "run-form-device-cpu", "cuda": "run-form-device-cuda"})


def device_choice(place: DeltaGenerator, key: str, help: str) -> str:
    """Draw the choice in `place`; return "auto", "cpu" or "cuda"."""
    with place:
        chosen = st.segmented_control(
            t("run-form-device"),
            list(DEVICES),
            default="auto",
            required=True,
            format_func=DEVICES.__getitem__,
            key=key,
            help=help,
        )
    return chosen or "auto"
