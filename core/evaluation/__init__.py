"""Evaluation: predictions of a model, measures with intervals, ranked lists and what-if questions."""
