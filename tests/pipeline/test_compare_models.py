"""Comparison of models: only one reference at a time is in memory."""

import weakref

from core.pipeline import compare_models, kept_answers
from core.pipeline.context import load_adapter, make_context
from core.pipeline.kept_answers import NOTHING_KEPT


def test_reference_is_freed_before_the_next_one_is_loaded(workspace, monkeypatch):
    request = workspace.requests()[0]
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    context, loaded, alive = make_context(workspace, request, recommender.tokenizer), [], []

    def load(*arguments):
        alive.append([number for number, model in enumerate(loaded) if model() is not None])
        found = load_adapter(*arguments)
        loaded.append(weakref.ref(found.model))
        return found

    monkeypatch.setattr(kept_answers, "load_adapter", load)
    shares, references = [], []
    found = compare_models.compare_models(
        recommender,
        compare_models.evaluate_model(recommender, context, lists=True),
        context,
        "cpu",
        NOTHING_KEPT,
        lambda _: references.append(len(shares)),
        shares.append,
    )
    assert alive == [[], []]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert [shares[before - 1] for before in references] == [1 / 3, 2 / 3]  # what was done when a reference came
    assert len(found.references) == 2
