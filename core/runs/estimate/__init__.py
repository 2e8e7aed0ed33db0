"""Estimates of a run's time and memory before it is launched: token counts times measured cost per token."""
