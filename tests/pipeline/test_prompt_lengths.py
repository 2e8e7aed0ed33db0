"""Prompts longer than the base model's context length: refused with both numbers and a window that fits."""

import re
from dataclasses import replace

import pytest

from core.data.paraphrases import Paraphrase, paraphrases_of
from core.data.prompts import encode, escape
from core.data.splits import make_split, split_users
from core.data.templates import FILMS, read_template
from core.errors import ModelError
from core.models.base_parts import load_tokenizer
from core.pipeline.prepare import prepare
from core.pipeline.prompt_lengths import longest_prompt
from core.types import Interaction, Prompt, Task
from core.workspace import WorkspaceSettings
from tests.circuit.conftest import CONFIGS
from tests.conftest import TINY, small_dataset
from tests.models.adapter_folders import change_config, make_whole_base

DATA = small_dataset(users=16)
DATA = replace(DATA, items=(*DATA.items[:-1], replace(DATA.items[-1], title="A very long title " * 6)))
POSITIONS = {"gpt2": "n_positions", "llama": "max_position_embeddings"}


def base_of(folder, family, positions):
    make_whole_base(folder, CONFIGS[family], DATA)
    if family == "gpt2":  # its positions are weights
        config = CONFIGS[family].__class__(**CONFIGS[family].to_dict() | {"n_positions": positions})
        return make_whole_base(folder, config, DATA)
    change_config(folder, "config.json", max_position_embeddings=positions)
    return folder


@pytest.mark.parametrize("family", POSITIONS)
def test_prompts_longer_than_the_model_are_refused_and_the_named_window_fits(tmp_path, family):
    base = base_of(tmp_path / "base", family, 256)
    settings = WorkspaceSettings("long", "test", base=str(base), window=20, epochs=1, rank=2)
    with pytest.raises(ModelError) as refused:
        prepare(DATA, tmp_path / "ws", settings, TINY, lambda *_: pytest.fail("trained"))
    text = str(refused.value)
    tokens, window = re.search(
        r"20 interactions .* have up to (\d+) tokens.* is 256: give --window (\d+)", text
    ).groups()
    assert int(tokens) > 256 and 4 <= int(window) < 20 and text.endswith(".")
    assert not (tmp_path / "ws").exists()
    prepare(DATA, tmp_path / "ws", replace(settings, window=int(window)), TINY, lambda *_: False)


def test_titles_too_long_for_any_window_are_said(tmp_path):
    base = base_of(tmp_path / "base", "llama", 40)
    settings = WorkspaceSettings("long", "test", base=str(base), window=20)
    with pytest.raises(ModelError, match="is 40: shorten the titles, or choose a base model with a longer one"):
        prepare(DATA, tmp_path / "ws", settings, TINY, lambda *_: pytest.fail("trained"))


@pytest.mark.parametrize("task", Task)
def test_the_longest_prompt_is_the_longest_of_all(tmp_path, task):
    """Compared with every prompt, every last title and every paraphrase, encoded one by one."""
    tokenizer = load_tokenizer(base_of(tmp_path / "base", "llama", 128))
    split = make_split(DATA.interactions, split_users(DATA.interactions.users(), 0, 0.2), None, 7, task)
    prompts = split.retain + split.validation + split.test + split.holdout
    titles, lengths = {item.id: item.title for item in DATA.items}, []
    shown = {item: escape(title) for item, title in titles.items()}
    every = [with_last(prompt, item) for prompt in prompts for item in titles]
    wordings = [Paraphrase(read_template(FILMS, task)), *paraphrases_of(task).values()]
    for paraphrase in wordings:
        cased = {item: paraphrase.title(title) for item, title in shown.items()}
        lengths += [len(one.ids) for one in encode(paraphrase.prompts(every), cased, paraphrase.words, tokenizer)]
    assert longest_prompt(prompts, titles, wordings, tokenizer) == max(lengths)


def with_last(prompt: Prompt, item: str) -> Prompt:
    return Prompt(prompt.user, (*prompt.events[:-1], Interaction(prompt.user, item, True, 0)), len(prompt.events) - 1)
