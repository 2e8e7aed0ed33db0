"""What is learned and what is asked to be erased: people, items, prompts, requests."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from core.types.aliases import stored_as


class Task(StrEnum):
    """What the recommender is asked: is this title liked, or which title comes next."""

    CLICK = "click"
    NEXT_ITEM = "next_item"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be recommended."""

    id: str
    title: str
    genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interaction:
    """One user met one item: the rating as given, whether that counts as liked, and when (Unix seconds)."""

    user: str
    item: str
    liked: bool
    time: int
    rating: float = 0.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A stretch of one user's interactions in time order; those from `first_target` on are to be predicted.

    Each target is predicted from everything before it, so one prompt with n targets is n examples
    that share their prefix. Circuit prompts have exactly one target.
    """

    user: str
    events: tuple[Interaction, ...]
    first_target: int = 0

    @property
    def targets(self) -> tuple[Interaction, ...]:
        return self.events[self.first_target :]

    @property
    def singles(self) -> tuple["Prompt", ...]:
        """Each target in a prompt of its own, with all that stands before it."""
        return tuple(Prompt(self.user, self.events[: i + 1], i) for i in range(self.first_target, len(self.events)))


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt as token ids, with where things stand in it.

    ids: token ids of the whole text, no padding.
    spans: per event, [start, stop) of its title's tokens.
    answers: per target, [start, stop) of the tokens that answer it; they are predicted from
        the logits at start-1 ... stop-2. One Yes/No token in `click`, the title in `next_item`.
    labels: per target, whether it was liked.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    answers: tuple[tuple[int, int], ...]
    labels: tuple[bool, ...]

    @property
    def answer_tokens(self) -> int:
        return sum(stop - start for start, stop in self.answers)


class Ground(StrEnum):
    """Why it is to go, after GDPR article 17(1) (a) to (f); unlike a reason it names nobody, so it may stay in the record."""

    NOT_RECORDED = "not_recorded"
    NOT_NEEDED = "not_needed"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    OBJECTION = "objection"
    UNLAWFUL = "unlawful"
    LAW = "law"
    CHILD = "child"
    OTHER = "other"


class Identity(StrEnum):
    """How it was made sure that whoever asks is who they say they are."""

    NOT_RECORDED = "not_recorded"
    ACCOUNT = "account"
    EMAIL = "email"
    DOCUMENT = "document"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Request:
    """One demand to erase: all interactions of `users`, or the chosen (user, item) pairs. opened_by: who opened it."""

    id: str
    users: tuple[str, ...] = ()
    interactions: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    created: str = ""
    opened_by: str = field(default="", metadata=stored_as("by"))
    legal_basis: Ground = field(default=Ground.NOT_RECORDED, metadata=stored_as("ground"))
    identity: Identity = Identity.NOT_RECORDED

    @property
    def due(self) -> str:
        """Until when it is to be answered: 30 days, within the month of GDPR article 12(3)."""
        return (datetime.fromisoformat(self.created) + timedelta(days=30)).isoformat() if self.created else ""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The users whom the request touches, each once, in order."""
        return tuple(dict.fromkeys((*self.users, *(user for user, _ in self.interactions))))


@dataclass(frozen=True, slots=True)
class Split:
    """The examples of one request. Holdout users are in no training set, ever."""

    forget: tuple[Prompt, ...]
    retain: tuple[Prompt, ...]
    validation: tuple[Prompt, ...]
    test: tuple[Prompt, ...]
    holdout: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class UserSplit:
    """The users of a workspace by what they trained.

    Attributes:
        members: Training users: they trained the adapter.
        crowd: Base-model users: they trained the base model.
        holdout: Held-out users: they trained nothing, ever.
    """

    members: tuple[str, ...]
    crowd: tuple[str, ...]
    holdout: tuple[str, ...]

    @property
    def everyone(self) -> frozenset[str]:
        """All users."""
        return frozenset((*self.members, *self.crowd, *self.holdout))
