"""Other wordings of the same questions: another instruction, other signs, other letters, another history."""

import random
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from core.data.prompts import Template, template
from core.types import Interaction, Prompt, Task

Events = tuple[Interaction, ...]
CASES: dict[str, Callable[[str], str]] = {"as it is": str, "lower": str.lower, "upper": str.upper}
HISTORIES: dict[str, Callable[[Events], Events]] = {
    "recent": lambda events: events[len(events) // 2 :],
    "shuffled": lambda events: tuple(random.Random(0).sample(events, len(events))),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """words: around titles and answers. case, history: of CASES and HISTORIES; no history: as it is."""

    words: Template
    case: str = "as it is"
    history: str = ""

    def title(self, title: str) -> str:
        return CASES[self.case](title)

    def prompts(self, prompts: Sequence[Prompt]) -> Sequence[Prompt]:
        """The same targets in the same order; where the history is another one, each in a prompt of its own."""
        if not self.history:
            return prompts
        change = HISTORIES[self.history]
        return [
            replace(one, events=(*(before := change(one.events[:-1])), one.events[-1]), first_target=len(before))
            for prompt in prompts
            for one in prompt.singles
        ]


@cache
def wordings(task: Task) -> dict[str, Wording]:
    """All wordings of a task by name, from wordings.toml."""
    with (Path(__file__).parent / "paraphrases.toml").open("rb") as file:
        return {name: _wording(given, template(task)) for name, given in tomllib.load(file)[task].items()}


def _wording(given: dict[str, str], usual: Template) -> Wording:
    how = {key: value for key, value in given.items() if key in ("case", "history")}
    return Wording(replace(usual, **{key: value for key, value in given.items() if key not in how}), **how)
