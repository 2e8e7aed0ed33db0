"""Whether a base model's tokenizer can write the titles: with tokens that the model has, and few titles alike."""

from collections import Counter
from collections.abc import Sequence

from core.data.prompts import escape, tokenize
from core.data.templates import Template
from core.errors import ModelError
from core.models.base_parts import load_config
from core.pipeline.given_models import GivenModels
from core.types import Item

MOST_ALIKE = 0.05  # of the titles may have the tokens of another; a tokenizer of lower case makes a few of them


def check_title_tokens(given: GivenModels, items: Sequence[Item], words: Template) -> None:
    """Require tokens that a base model has for the titles, and that they tell nearly all titles apart.

    Args:
        given: The base model and its tokenizer.
        items: The catalogue.
        words: The template of the prompts.

    Raises:
        ModelError: A token has no embedding, or too many titles are written with the same tokens.
    """
    titles = [escape(item.title) for item in items]
    lines = [words.before + title + words.after + words.yes for title in titles]
    instruction, *written = (tuple(ids) for ids, _ in tokenize([words.instruction, *lines], given.tokenizer))
    rows = load_config(given.base).vocab_size
    if (largest := max(map(max, filter(None, [instruction, *written])), default=0)) >= rows:
        token = given.tokenizer.convert_ids_to_tokens(largest)
        raise ModelError(
            f"Base model {given.base} has embeddings of {rows:,} tokens, and its tokenizer writes token {largest:,} "
            f"({token!r}): restore the tokenizer that belongs to its weights."
        )
    counts = Counter(written)
    alike = sum(count for count in counts.values() if count > 1)
    if alike > MOST_ALIKE * len(titles):
        most = counts.most_common(1)[0][0]
        first, second, *_ = (title for title, ids in zip(titles, written, strict=True) if ids == most)
        raise ModelError(
            f"The tokenizer of base model {given.base} writes {alike:,} of {len(titles):,} titles like another one, "
            f"such as {first!r} and {second!r}: choose a base model whose tokenizer knows their letters."
        )
