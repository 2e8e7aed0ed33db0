"""The Streamlit dashboard. Read before any of it, and so before torch, however the dashboard was started."""

from core.threads import leave_a_core_free

leave_a_core_free()
