"""Evaluation: predictions of a model, metrics with intervals, ranked lists and what-if questions."""
