"""Early stopping: with whom the forget set is compared, and what is watched."""

from dataclasses import replace

import pandas as pd
import pytest
import torch

from core.unlearning.early_stopping import SHARE, Stopper, mean_loss, training_advantage
from tests.unlearning.test_unlearn import load_prompts


def test_goal_compares_with_all_prompts_that_never_trained_the_adapter(workspace):
    model, prompts = load_prompts(workspace)
    for read in (prompts, replace(prompts, validation=()), replace(prompts, holdout=())):
        expected = SHARE * training_advantage(model, prompts.retain, [*read.holdout, *read.validation])
        assert Stopper(model, read, 0.05).goal == pytest.approx(expected)
    assert Stopper(model, prompts, 0.05).goal != Stopper(model, replace(prompts, validation=()), 0.05).goal


def test_same_answers_without_the_first_ones_show_no_advantage(workspace):
    """Answers at later places gain less from the adapter; that is not what training on them brought."""
    model, prompts = load_prompts(workspace)
    trained = [one for one in prompts.retain if len(one.answers) > 2]
    later = [replace(one, answers=one.answers[2:], labels=one.labels[2:]) for one in trained]
    assert training_advantage(model, trained, later) == pytest.approx(0, abs=1e-6)
    assert abs(mean_gain(model, trained) - mean_gain(model, later)) > 0.001


def mean_gain(model, prompts):
    """The mean over all answers, whatever their places."""
    after = mean_loss(model, prompts)
    with model.disable_adapter():
        return mean_loss(model, prompts) - after


def test_advantage_is_the_mean_over_places_as_often_as_they_are_unseen(workspace):
    """Computed a second way: prompt by prompt, with the model's own loss of one answer at a time."""
    model, prompts = load_prompts(workspace)
    trained, unseen = (
        pd.DataFrame(
            [(place, gain_of(model, one, place)) for one in part for place in range(len(one.answers))],
            columns=["place", "gain"],
        ).groupby("place")["gain"]
        for part in (prompts.retain[:20], prompts.holdout)
    )
    expected = ((trained.mean() - unseen.mean()) * unseen.size()).sum() / unseen.size().sum()
    assert training_advantage(model, prompts.retain[:20], prompts.holdout) == pytest.approx(expected, abs=1e-5)


@torch.no_grad()
def gain_of(model, prompt, answer):
    """By how much the adapter lowers the loss of one answer, by `transformers`' own loss."""
    start, stop = prompt.answers[answer]
    ids = torch.tensor([prompt.ids[:stop]])
    labels = ids.clone()
    labels[0, :start] = -100  # not asked
    with model.disable_adapter():
        before = model(input_ids=ids, labels=labels).loss
    return (before - model(input_ids=ids, labels=labels).loss).item()


def test_answers_at_a_place_that_training_never_asked_for_are_compared_with_the_nearest(workspace):
    model, prompts = load_prompts(workspace)
    first, last = (
        [replace(one, answers=(one.answers[place],), labels=(one.labels[place],)) for one in prompts.retain]
        for place in (0, -1)
    )
    assert training_advantage(model, first, last) == pytest.approx(mean_gain(model, first) - mean_gain(model, last))


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
