"""Data of the recommender and of deletion requests: items, interactions, prompts, requests and splits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from core.types.aliases import stored_as
from core.types.times import IsoTime


class Task(StrEnum):
    """What the recommender predicts.

    Attributes:
        CLICK: Whether the user likes a given title (Yes or No).
        NEXT_ITEM: Which title the user likes next.
    """

    CLICK = "click"
    NEXT_ITEM = "next_item"


@dataclass(frozen=True, slots=True)
class Item:
    """An item that can be recommended.

    Attributes:
        id: Id of the item.
        title: Title as in the data file; `core.data.prompts.escape` makes it safe for a prompt.
        genres: Its genres.
    """

    id: str
    title: str
    genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interaction:
    """One user's rating of one item.

    Attributes:
        user: Id of the user.
        item: Id of the item.
        liked: Whether the rating counts as liked (`core.data.labels`).
        time: When, in Unix seconds.
        rating: The rating as in the data file.
    """

    user: str
    item: str
    liked: bool
    time: int
    rating: float = 0.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """Consecutive interactions of one user, of which the last ones are predicted.

    Each target is predicted from everything before it. A prompt with n targets is therefore n examples that share
    their prefix. Prompts for circuits have exactly one target.

    Attributes:
        user: Id of the user.
        events: The interactions, in time order.
        first_target: Index of the first target; it and all later interactions are targets.
    """

    user: str
    events: tuple[Interaction, ...]
    first_target: int = 0

    @property
    def targets(self) -> tuple[Interaction, ...]:
        """The interactions to predict."""
        return self.events[self.first_target :]

    @property
    def singles(self) -> tuple["Prompt", ...]:
        """One prompt for each target, with all interactions before it."""
        return tuple(Prompt(self.user, self.events[: i + 1], i) for i in range(self.first_target, len(self.events)))


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt as token ids, with the positions of titles and answers.

    Attributes:
        ids: Token ids of the whole text, without padding.
        spans: For each interaction, [start, stop) of its title's tokens.
        answers: For each target, [start, stop) of its answer's tokens: one Yes/No token in `click`, the title in
            `next_item`. The logits at start - 1 to stop - 2 predict them.
        labels: For each target, whether it was liked.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    answers: tuple[tuple[int, int], ...]
    labels: tuple[bool, ...]

    @property
    def answer_tokens(self) -> int:
        """The number of tokens in all answers."""
        return sum(stop - start for start, stop in self.answers)


class LegalBasis(StrEnum):
    """Legal basis of a request: GDPR article 17(1), points (a) to (f).

    Unlike the request's reason it names nobody, so it may stay in the ledger.
    """

    NOT_RECORDED = "not_recorded"
    NOT_NEEDED = "not_needed"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    OBJECTION = "objection"
    UNLAWFUL = "unlawful"
    LAW = "law"
    CHILD = "child"
    OTHER = "other"


class Identity(StrEnum):
    """How the identity of the person who made a request was checked."""

    NOT_RECORDED = "not_recorded"
    ACCOUNT = "account"
    EMAIL = "email"
    DOCUMENT = "document"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Request:
    """A deletion request: all interactions of some users, or chosen interactions. A batch is one for several requests.

    Attributes:
        id: Id of the request.
        users: Users all of whose interactions are to be forgotten.
        interactions: Interactions to be forgotten, as (user, item).
        reason: Free text; it is destroyed when the request is carried out.
        created: When the request was opened, ISO 8601 in UTC.
        opened_by: Who opened it.
        legal_basis: Its legal basis.
        identity: How the person's identity was checked.
        members: Ids of the requests that a batch carries out together; empty for a single request.
        deadline: Earliest due date of the members, ISO 8601; "" for a single request.
        rows_mark: HMAC under the ledger's secret of all rows of its subjects, as they were when it was signed; ""
            without a ledger and in requests of version 0.2.0 and earlier.
        mark: HMAC of all the rest under the ledger's secret; "" without a ledger.
    """

    id: str
    users: tuple[str, ...] = ()
    interactions: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    created: IsoTime = ""
    opened_by: str = field(default="", metadata=stored_as("by"))
    legal_basis: LegalBasis = field(default=LegalBasis.NOT_RECORDED, metadata=stored_as("ground"))
    identity: Identity = Identity.NOT_RECORDED
    members: tuple[str, ...] = ()
    deadline: str = ""
    rows_mark: str = ""
    mark: str = ""

    @property
    def due(self) -> str:
        """Deadline for the answer: 30 days, within the month of GDPR article 12(3); of a batch, its first member's."""
        if self.deadline:
            return self.deadline
        return (datetime.fromisoformat(self.created) + timedelta(days=30)).isoformat() if self.created else ""

    @property
    def subjects(self) -> tuple[str, ...]:
        """Every user with an interaction in the request, each once, in order."""
        return tuple(dict.fromkeys((*self.users, *(user for user, _ in self.interactions))))

    @classmethod
    def union(cls, request_id: str, requests: Sequence["Request"]) -> "Request":
        """A request for all that some requests cover, each user and each interaction once."""
        users = tuple(dict.fromkeys(user for one in requests for user in one.users))
        pairs = dict.fromkeys(pair for one in requests for pair in one.interactions if pair[0] not in users)
        return cls(request_id, users, tuple(pairs))

    @property
    def covers(self) -> Callable[[Interaction], bool]:
        """The test whether an interaction is to be forgotten. It holds sets, so get it once for many interactions."""
        users, pairs = set(self.users), set(self.interactions)
        return lambda event: event.user in users or (event.user, event.item) in pairs


@dataclass(frozen=True, slots=True)
class Split:
    """The examples of one request.

    Attributes:
        forget: Training examples that are to be forgotten.
        retain: All other training examples of training users.
        validation: Later interactions of training users, for early stopping.
        test: The last interactions of training users, for evaluation.
        holdout: Examples of held-out users, who are in no training set.
    """

    forget: tuple[Prompt, ...]
    retain: tuple[Prompt, ...]
    validation: tuple[Prompt, ...]
    test: tuple[Prompt, ...]
    holdout: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class UserSplit:
    """The role of each user.

    Attributes:
        training_users: Training users, whose interactions train the adapter.
        base_users: Base-model users, whose interactions train the base model.
        held_out_users: Held-out users, whose interactions train nothing.
    """

    training_users: tuple[str, ...] = field(metadata=stored_as("members"))
    base_users: tuple[str, ...] = field(metadata=stored_as("crowd"))
    held_out_users: tuple[str, ...] = field(metadata=stored_as("holdout"))

    @property
    def everyone(self) -> frozenset[str]:
        """All users."""
        return frozenset((*self.training_users, *self.base_users, *self.held_out_users))
