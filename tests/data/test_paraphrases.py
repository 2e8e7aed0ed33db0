"""Paraphrased prompts: they keep the targets, their order and the answers."""

import pytest

from core.data.paraphrases import paraphrases_of
from core.data.prompts import render
from core.data.templates import FILMS, read_template
from core.types import Interaction, Prompt, Task

EVENTS = tuple(Interaction("u", str(number), number % 3 > 0, number) for number in range(9))
PROMPTS = [Prompt("u", EVENTS), Prompt("u", EVENTS[:5], 4)]
TITLES = {str(number): f"The Bell of {number}" for number in range(9)}


@pytest.mark.parametrize("task", Task)
def test_eight_paraphrases_give_different_texts(task):
    found = paraphrases_of(task)
    texts = {tuple(rendered_texts(one)) for one in found.values()}
    assert len(texts) == len(found) >= 8
    assert tuple(render(prompt, TITLES, read_template(FILMS, task)).text for prompt in PROMPTS) not in texts


@pytest.mark.parametrize("task, name", [(task, name) for task in Task for name in paraphrases_of(task)])
def test_paraphrase_keeps_targets_and_answers(task, name):
    paraphrase = paraphrases_of(task)[name]
    prompts = paraphrase.prompts(PROMPTS)
    assert [event for one in prompts for event in one.targets] == [event for one in PROMPTS for event in one.targets]
    assert (paraphrase.words.yes, paraphrase.words.no) == (
        read_template(FILMS, task).yes,
        read_template(FILMS, task).no,
    )
    assert all(set(one.events) <= set(EVENTS) and len(set(one.events)) == len(one.events) for one in prompts)


def rendered_texts(paraphrase):
    titles = {item: paraphrase.title(title) for item, title in TITLES.items()}
    return [render(prompt, titles, paraphrase.words).text for prompt in paraphrase.prompts(PROMPTS)]
