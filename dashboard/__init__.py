"""The Streamlit dashboard. Read before any of it, and so before torch, however the dashboard was started."""

from core.utils.torch_threads import reserve_one_core

reserve_one_core()
