"""Early stopping: with whom the forget set is compared, and what is watched."""

from dataclasses import replace

import pytest

from core.unlearning.early_stopping import SHARE, Stopper, training_advantage
from tests.unlearning.test_unlearn import load_prompts


def test_goal_compares_with_all_prompts_that_never_trained_the_adapter(workspace):
    model, prompts = load_prompts(workspace)
    for read in (prompts, replace(prompts, validation=()), replace(prompts, holdout=())):
        expected = SHARE * training_advantage(model, prompts.retain, [*read.holdout, *read.validation])
        assert Stopper(model, read, 0.05).goal == pytest.approx(expected)
    assert Stopper(model, prompts, 0.05).goal != Stopper(model, replace(prompts, validation=()), 0.05).goal


def test_retained_prompts_are_watched_where_no_validation_prompts_are(workspace):
    model, prompts = load_prompts(workspace)
    watched = Stopper(model, replace(prompts, validation=()), 0.05).sets["validation"]
    assert watched and set(watched) <= set(prompts.retain)


def test_adapter_that_training_gave_no_advantage_has_nothing_to_forget(workspace):
    model, prompts = load_prompts(workspace)
    swapped = replace(prompts, retain=prompts.validation, validation=prompts.retain, holdout=())
    stopper = Stopper(model, swapped, 0.05)
    stopper.check()
    assert stopper.goal < 0 and stopper.reason.startswith("training gave no measurable advantage")


def test_without_unseen_prompts_nothing_counts_as_forgotten(workspace):
    model, prompts = load_prompts(workspace)
    stopper = Stopper(model, replace(prompts, holdout=(), validation=()), 0.05)
    stopper.check()
    assert stopper.reason == ""
