"""Paraphrases of the prompts: another instruction, punctuation, letter case or history, with the same answers."""

import random
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.templates import FILMS, Template, read_template, read_words
from core.types import Interaction, Prompt, Task

FILE = Path(__file__).with_name("paraphrases.toml")
Events = tuple[Interaction, ...]
CASES: dict[str, Callable[[str], str]] = {"as it is": str, "lower": str.lower, "upper": str.upper}
HISTORIES: dict[str, Callable[[Events], Events]] = {
    "recent": lambda events: events[len(events) // 2 :],
    "shuffled": lambda events: tuple(random.Random(0).sample(events, len(events))),
}


@dataclass(frozen=True, slots=True)
class Paraphrase:
    """One paraphrase.

    Attributes:
        words: Text around titles and answers.
        case: Letter case of titles, a key of `CASES`.
        history: Change of the interactions before the target, a key of `HISTORIES`; "" for none.
    """

    words: Template
    case: str = "as it is"
    history: str = ""

    def title(self, title: str) -> str:
        """Return a title in this paraphrase's letter case."""
        return CASES[self.case](title)

    def prompts(self, prompts: Sequence[Prompt]) -> Sequence[Prompt]:
        """Return prompts with the same targets in the same order; a changed history gives one prompt a target."""
        if not self.history:
            return prompts
        change = HISTORIES[self.history]
        return [
            replace(one, events=(*(before := change(one.events[:-1])), one.events[-1]), first_target=len(before))
            for prompt in prompts
            for one in prompt.singles
        ]


def paraphrases_of(task: Task, templates: Path = FILMS) -> dict[str, Paraphrase]:
    """Return all paraphrases of a task by name.

    Args:
        task: The task.
        templates: The templates file of the prompts.

    Raises:
        DataError: The templates file cannot be used.
    """
    own, default = read_words(FILE if templates == FILMS else templates), read_template(templates, task)
    with FILE.open("rb") as file:
        return {name: _paraphrase(values, default, own) for name, values in tomllib.load(file)[task].items()}


def _paraphrase(values: dict[str, str], default: Template, own: dict[str, str]) -> Paraphrase:
    options = {key: value for key, value in values.items() if key in ("case", "history")}
    words = {key: value.format(**own) for key, value in values.items() if key not in options}
    return Paraphrase(replace(default, **words), **options)
