"""Paraphrases: the same targets in the same order, with the same answers."""

import pytest

from core.data.paraphrases import wordings
from core.data.prompts import render, template
from core.types import Interaction, Prompt, Task

EVENTS = tuple(Interaction("u", str(place), place % 3 > 0, place) for place in range(9))
PROMPTS = [Prompt("u", EVENTS), Prompt("u", EVENTS[:5], 4)]
TITLES = {str(place): f"The Bell of {place}" for place in range(9)}


@pytest.mark.parametrize("task", Task)
def test_there_are_eight_and_each_differs(task):
    found = wordings(task)
    texts = {tuple(said(one)) for one in found.values()}
    assert len(texts) == len(found) >= 8
    assert tuple(render(prompt, TITLES, template(task)).text for prompt in PROMPTS) not in texts


@pytest.mark.parametrize("task, name", [(task, name) for task in Task for name in wordings(task)])
def test_targets_and_answers_stay(task, name):
    wording = wordings(task)[name]
    prompts = wording.prompts(PROMPTS)
    assert [event for one in prompts for event in one.targets] == [event for one in PROMPTS for event in one.targets]
    assert (wording.words.yes, wording.words.no) == (template(task).yes, template(task).no)
    assert all(set(one.events) <= set(EVENTS) and len(set(one.events)) == len(one.events) for one in prompts)


def said(wording):
    titles = {item: wording.title(title) for item, title in TITLES.items()}
    return [render(prompt, titles, wording.words).text for prompt in wording.prompts(PROMPTS)]
