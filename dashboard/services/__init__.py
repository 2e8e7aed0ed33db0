"""Calls from pages into core: the only package of the dashboard that reads or writes a workspace and starts work."""
