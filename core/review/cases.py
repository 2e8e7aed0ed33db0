"""Cases in review.sqlite: submissions, comments and decisions.

Each change is one transaction that reads the current case. Deleted content is overwritten in the file.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from core.errors import DamagedError, ReviewError
from core.types import Case, CaseState, Comment
from core.utils.clock import utc_now
from core.utils.listing import Listing
from core.utils.serialization import parse_json, to_json
from core.utils.sqlite import Database
from core.workspace import Workspace

# The last index guarantees that one case is carried out at a time, since a workspace has one adapter in use.
SCHEMA = """
CREATE TABLE IF NOT EXISTS cases (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_pending ON cases (request) WHERE state IN ('pending', 'approved');
CREATE UNIQUE INDEX IF NOT EXISTS one_carried_out ON cases (state) WHERE state = 'approved';
"""
COLUMNS = "number, request, state, body"
UPDATE = "UPDATE cases SET state = ?, body = ? WHERE number = ?"


class Cases(Database):
    """All cases of one workspace. Every call may raise WorkspaceError."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace.layout.review, SCHEMA, "DELETE")

    def all(self) -> Listing[Case]:
        """All cases that can be read, in the order of their submission."""
        return self._select("TRUE")

    def of(self, request_id: str) -> Case | None:
        """The newest case of a request."""
        return next(iter(self._select("request = ?", request_id).whole()[::-1]), None)

    def newest(self) -> dict[str, Case]:
        """The newest case of each request, as far as it can be read, by the request's id."""
        return {case.request: case for case in self.all()}

    def approved(self) -> Case | None:
        """The case that is being carried out, or was interrupted while it was."""
        return next(iter(self._select("state = 'approved'").whole()), None)

    def submit(
        self, request_id: str, run_id: str, operator: str, evidence: str, sign: Callable[[Case], None] = lambda _: None
    ) -> Case:
        """Open a case.

        Args:
            request_id: The request.
            run_id: The run.
            operator: Who submits it.
            evidence: Digest of the evidence.
            sign: Signs the case; nothing is kept where it raises.

        Raises:
            ReviewError: The request has a case that waits for decisions, or the run was rejected.
        """
        with self.changing() as database:
            for one in self._select("request = ?", request_id).whole():
                if one.state in (CaseState.PENDING, CaseState.APPROVED):
                    raise ReviewError(f"Request {request_id!r} is under review already: wait for the decision.")
                if one.state is CaseState.REJECTED and one.run == run_id:
                    raise ReviewError(f"Run {run_id!r} was rejected, and its adapter is destroyed: launch a new one.")
            found = Case(0, request_id, run_id, operator, evidence, utc_now(), CaseState.PENDING)
            row = database.execute(
                "INSERT INTO cases (request, state, body) VALUES (?, ?, ?)", (request_id, found.state, _text(found))
            )
            found = replace(found, number=int(row.lastrowid or 0))
            sign(found)
            return found

    def comment(self, known: Case, person: str, text: str) -> Case:
        """Add a comment.

        Raises:
            ReviewError: The case is decided: the comment would outlive it.
        """

        def commented(case: Case) -> Case:
            if case.state is not CaseState.PENDING:
                raise ReviewError(f"Request {case.request!r} is {case.state}: it takes no more comments.")
            return replace(case, comments=(*case.comments, Comment(person, text, utc_now())))

        return self.change(known.number, commented, known)

    def record_step(self, number: int, step: int) -> Case:
        """Record how many steps of carrying out are done."""
        return self.change(number, lambda case: replace(case, step=step))

    def reopen(
        self, number: int, message: str, known: Case | None = None, sign: Callable[[Case], None] = lambda _: None
    ) -> Case:
        """Set a case back to pending: it has to be decided again. See `change` for `known` and `submit` for `sign`."""

        def reopened(case: Case) -> Case:
            sign(case)
            return replace(case, state=CaseState.PENDING, step=0, message=message, decisions=())

        return self.change(number, reopened, known)

    def close(self, number: int) -> Case:
        """Close a case after it was carried out.

        Comments and reasons of all cases are deleted, since they may name forgotten users. Pending cases of other
        requests become void: their runs are gone. What no row shows, such as text in unused pages, goes too.
        """
        with self.changing() as database:
            self._wipe(database)
        with self.opened() as database:
            database.execute("VACUUM")
        return self.change(number, lambda case: replace(case, state=CaseState.CLOSED))

    @contextmanager
    def as_closed(self) -> Iterator[sqlite3.Connection]:
        """Yield a copy in memory of what `close` leaves of the file."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
            copy.row_factory = sqlite3.Row
            with self.opened() as database:
                database.backup(copy)
                self.check_objects(copy)
                self._wipe(copy)
                copy.execute("VACUUM")
            yield copy

    def _wipe(self, database: sqlite3.Connection) -> None:
        """Delete comments, reasons and messages, and void pending cases. Raises DamagedError."""
        for row in database.execute(f"SELECT {COLUMNS} FROM cases").fetchall():
            case = _wiped(self._case(row))
            database.execute(UPDATE, (case.state, _text(case), case.number))

    def change(self, number: int, change: Callable[[Case], Case], known: Case | None = None) -> Case:
        """Replace a case by `change(case)` in one transaction; nothing happens where it raises.

        Args:
            number: The case.
            change: Makes the new case of the present one.
            known: The case that a person acts on.

        Raises:
            DamagedError: The case is gone, or is about another request or run than the known one.
        """
        with self.changing() as database:
            found = next(iter(self._select("number = ?", str(number)).whole()), None)
            if found is None or (known and (found.request, found.run) != (known.request, known.run)):
                raise DamagedError(f"{self.path} no longer holds case {number} as it was: restore it.")
            found = change(found)
            database.execute(UPDATE, (found.state, _text(found), number))
        return found

    def _select(self, where: str, *values: str) -> Listing[Case]:
        if not self.path.is_file():
            return Listing()
        with self.opened() as database:
            rows = database.execute(f"SELECT {COLUMNS} FROM cases WHERE {where} ORDER BY number", values).fetchall()
        return Listing.read(rows, self._case)

    def _case(self, row: sqlite3.Row) -> Case:
        """The case of a row. Raises DamagedError."""
        number, request, state, body = row
        case = parse_json(body, Case, f"Case {number} in {self.path}")
        # Cases are found by the columns, and the body is what is signed. A case is stored before it has a number.
        if (request, state) != (case.request, case.state) or case.number not in (0, number):
            raise DamagedError(f"Case {number} in {self.path} is damaged (its columns say something else): restore it.")
        return replace(case, number=number)


def _wiped(case: Case) -> Case:
    decisions = tuple(replace(one, reason="") for one in case.decisions)
    state = CaseState.VOID if case.state is CaseState.PENDING else case.state
    return replace(case, state=state, message="", comments=(), decisions=decisions)


def _text(case: Case) -> str:
    return json.dumps(to_json(case))
