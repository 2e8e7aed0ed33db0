"""Review of deletions: roles, permitted actions, cases and decisions."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.types.aliases import stored_as
from core.types.checks import Verdict
from core.types.times import IsoTime

# Steps of a deletion in order; core.review.execution has the functions.
EXECUTION_STEPS = ("seal", "publish", "purge", "check", "sign_destruction", "destroy")


class Role(StrEnum):
    """Role of a person in the handling of deletion requests; `core.review.permissions` says what each may do."""

    REQUESTER = "requester"
    OPERATOR = "operator"
    PRIVACY_OFFICER = "privacy_officer"
    PRODUCT_OWNER = "product_owner"
    AUDITOR = "auditor"


class Action(StrEnum):
    """An action that needs a permission; every role may READ."""

    READ = "read"
    OPEN = "open"
    RUN = "run"
    SUBMIT = "submit"
    COMMENT = "comment"
    DECIDE = "decide"


class CaseState(StrEnum):
    """State of a case.

    Attributes:
        PENDING: Submitted and not decided.
        APPROVED: Approved and being carried out; next is CLOSED, or PENDING if it is withdrawn or cannot be
            carried out.
        REJECTED: Rejected.
        VOID: Another request was carried out meanwhile, which removed the adapter that this case's run started from.
        CLOSED: Carried out.
    """

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOID = "void"
    CLOSED = "closed"


class RequestState(StrEnum):
    """Where a deletion request stands; `core.review.request_state` finds it.

    Attributes:
        NEW: It has no run.
        RUNNING: A run for it waits or is at work.
        STOPPED: It has runs, but none of them finished.
        UNVERIFIED: A run finished and is not verified.
        VERIFIED: A run is verified and may be submitted for a decision.
        FAILED: The run failed its verification, so it cannot be approved.
        IN_BATCH: A batch carries it out, together with others.
        PENDING: A run is submitted and waits for decisions.
        APPROVED: It is approved and being carried out, or was interrupted while it was.
        REJECTED: Its last run was rejected, and there is no newer one.
        VOID: Another request was carried out meanwhile, which removed its runs.
        CLOSED: It is carried out.
    """

    NEW = "new"
    RUNNING = "running"
    STOPPED = "stopped"
    UNVERIFIED = "unverified"
    VERIFIED = "verified"
    FAILED = "failed"
    IN_BATCH = "in_batch"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOID = "void"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """Where a request stands, and by which run.

    Attributes:
        state: The state.
        run: Id of the run that the state is about; "" without one. A carried-out or rejected run may be destroyed.
        verdict: Verdict of that run; None without a verification.
        batch: Id of the batch that carries the request out; "" outside of batches.
    """

    state: RequestState
    run: str = ""
    verdict: Verdict | None = None
    batch: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One reviewer's vote on a case.

    Attributes:
        person: The reviewer.
        role: The role in which the reviewer decides.
        approve: True approves, False rejects.
        evidence: Digest of the evidence that the reviewer saw; the decision is void if the evidence changes.
        reason: Free text.
        time: When, ISO 8601 in UTC, to the microsecond: with person and case it names one decision.
    """

    person: str
    role: Role
    approve: bool
    evidence: str
    reason: str
    time: IsoTime


@dataclass(frozen=True, slots=True)
class Comment:
    """A message to the other reviewers of a case; it is destroyed with the case.

    Attributes:
        person: The author.
        text: The message.
        time: When, ISO 8601 in UTC.
    """

    person: str
    text: str
    time: IsoTime


@dataclass(frozen=True, slots=True)
class Case:
    """A run that was submitted for review.

    Attributes:
        number: Number of the submission; the highest one of a request is the current case.
        request: Id of the request.
        run: Id of the run.
        operator: Who submitted it.
        evidence: Digest of the submitted evidence.
        submitted: When, ISO 8601 in UTC.
        state: State of the case.
        step: How many steps of the deletion are done.
        message: Why the case was returned; "" if it was not.
        decisions: All votes.
        comments: All comments.
    """

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
class ClosedRequest:
    """The record that remains of a request after its deletion; it names no user.

    Attributes:
        id: Id of the request.
        created: When the request was opened, ISO 8601 in UTC.
        closed: When the deletion was done, ISO 8601 in UTC.
        run: Id of the run.
        case: Number of the case.
        users: How many users the request covered.
        rows: How many interactions were deleted.
        adapter: SHA-256 of the weights that are served now.
        batch: Id of the batch with which it was carried out; "" for a request of its own.
        together: How many requests were carried out together.
        test_auc_fall: Test AUC of the adapter before minus that of the adapter after; None where it is not known.
        retrained: Whether the adapter was trained again without the data, that is, verified EXACT.
    """

    id: str
    created: IsoTime
    closed: IsoTime
    run: str
    case: int
    users: int = field(metadata=stored_as("people"))
    rows: int
    adapter: str
    batch: str = ""
    together: int = 1
    test_auc_fall: float | None = None
    retrained: bool = False


@dataclass(frozen=True, slots=True)
class Drift:
    """What deletions did to the test AUC since the first adapter or the last retraining.

    Attributes:
        deletions: How many adapters were replaced; a batch counts once.
        test_auc_fall: Sum of the known falls of the test AUC; negative where it rose.
        unknown: How many of the deletions have no known fall.
        retrained: Whether it is counted from a retraining.
    """

    deletions: int
    test_auc_fall: float
    unknown: int
    retrained: bool
