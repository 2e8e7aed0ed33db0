"""Who may do what, and how a deletion is decided."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is to a deletion."""

    REQUESTER = "requester"
    OPERATOR = "operator"
    PRIVACY_OFFICER = "privacy_officer"
    PRODUCT_OWNER = "product_owner"
    AUDITOR = "auditor"


class Act(StrEnum):
    """What somebody may do; READ is everybody's who has a role."""

    READ = "read"
    OPEN = "open"
    RUN = "run"
    SUBMIT = "submit"
    COMMENT = "comment"
    DECIDE = "decide"


class CaseState(StrEnum):
    """Where a case stands. APPROVED: decided, and being carried out; it becomes CLOSED, or PENDING where that is impossible.
    VOID: another request was carried out meanwhile, and with the old adapter went the run that this one was about."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOID = "void"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's word on a case. evidence: digest of what it was given on; another one voids it."""

    person: str
    role: Role
    approve: bool
    evidence: str
    reason: str
    time: str


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote to the others; it is destroyed with the case."""

    person: str
    text: str
    time: str


@dataclass(frozen=True, slots=True)
class Case:
    """A run that was put before those who decide. number: grows with every submission; the newest one of a request counts.
    evidence: digest of what was submitted. step: how many steps of carrying out are done. message: why it went back."""

    number: int
    request: str
    run: str
    operator: str
    evidence: str
    submitted: str
    state: CaseState
    step: int = 0
    message: str = ""
    decisions: tuple[Decision, ...] = ()
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True)
class Closed:
    """What is left of a request that was carried out: nothing that names anybody of it."""

    id: str
    created: str
    closed: str
    run: str
    case: int
    people: int
    rows: int
    adapter: str
