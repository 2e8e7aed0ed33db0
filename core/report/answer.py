"""The answer to the person who asked for erasure: what was received and done, the verdict, and what is out of reach.

It is built from ledger entries alone, as the record is, in words for somebody outside of the company. It names nobody
and shows no data. Brackets mark what the company has to add, such as its name. Pure functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.report.build import environment
from core.report.case_record import Entry, served_run
from core.report.check_texts import ENGLISH
from core.report.localization import Locale, locale, text_id
from core.report.numbers import date
from core.report.verdict_texts import WORDS, verdict_values
from core.types import Verdict, Verification
from core.utils.serialization import from_json


@dataclass(frozen=True, slots=True)
class Answer:
    """A letter.

    Attributes:
        subject: What it is about.
        paragraphs: Its paragraphs.
    """

    subject: str
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The letter as plain text."""
        return "\n\n".join((self.subject, *self.paragraphs)) + "\n"

    @property
    def page(self) -> str:
        """The letter as a page to print."""
        return environment().get_template("answer.html").render(answer=self)


def make_answer(request: str, received: str, due: str, entries: Sequence[Entry], texts: Locale | None = None) -> Answer:
    """Write the answer.

    Args:
        request: Id of the request.
        received: When it was received, ISO 8601.
        due: By when it is to be answered, ISO 8601; "" where that is not known.
        entries: The ledger's entries on the request, oldest first.
        texts: The locale; by default English or the translation in use.
    """
    texts = texts or locale(ENGLISH)
    gone = next((one["content"] for one in reversed(entries) if one["kind"] == "destruction"), None)
    paragraphs = [texts.text("answer-greeting"), texts.text("answer-received", request=request, date=date(received))]
    if gone:
        paragraphs.append(texts.text("answer-done", date=date(gone["closed"]), rows=len(gone["rows"])))
        paragraphs += _verdict(entries, texts)
        paragraphs += [texts.text("answer-out-of-reach"), texts.text("answer-record")]
    elif due:
        paragraphs.append(texts.text("answer-open", due=date(due)))
    paragraphs += [texts.text("answer-complaint"), texts.text("answer-signature")]
    return Answer(texts.text("answer-subject", request=request), tuple(paragraphs))


def _verdict(entries: Sequence[Entry], texts: Locale) -> list[str]:
    """What the tests of the model in service found, in one paragraph."""
    run = served_run(entries)
    found = [one["content"] for one in entries if one["content"].get("run") == run and "checks" in one["content"]]
    if not found:
        return []
    verification = from_json(Verification, found[-1])
    is_share = verification.verdict is Verdict.PASS and verification.details.get("at_least") is not None
    name = "pass-share" if is_share else WORDS.get(verification.verdict, verification.verdict.value)
    return [texts.text(text_id("answer-verdict", name), **verdict_values(verification, texts))]
