"""Calls from pages into core: the only package of the dashboard that uses core's services."""
