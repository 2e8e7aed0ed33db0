"""Carrying out what was decided: in steps that may each be broken off anywhere and done again.

Everything that is to go is sealed first, so that until the last step but one all of it can be put back; what cannot be undone
comes last. A case that breaks off is gone on with by `settle`; it ends carried out, or pending with everything as it was.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from core.errors import CureLensError, ReviewError
from core.review import ledger_entries
from core.review.cases import Cases
from core.review.evidence_digest import check_ready, evidence_of
from core.review.leak_scan import copies, known, rows_of, traces
from core.review.vault import Vault
from core.runs.run_folder import run_folder, runs, store_of
from core.types import Case, CaseState, Closed, Interaction, Request, RunState, UserSplit
from core.utils.atomic_io import write_bytes
from core.utils.clock import utc_now
from core.utils.hashing import sha256_of_file
from core.utils.serialization import from_json, write_json, write_json_lines
from core.workspace import Workspace
from core.workspace.layout import WEIGHTS, is_inside_workspace
from core.workspace.locks import alone, undisturbed

COMMENTS = ("review.sqlite",)  # which go when nothing can go back any more


@dataclass(frozen=True)
class Outbox:
    """One approved case. Its workspace is read anew by each step, as the step before changed it."""

    root: Path
    case: Case

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root)

    @property
    def vault(self) -> Vault:
        """Of this very case: a request may have had others."""
        return Vault(self.root / "sealed" / f"{self.case.request}-{self.case.number}", self.workspace.ledger_key)

    @property
    def adapter(self) -> str:
        """Where the approved adapter is served from."""
        return f"adapter-{self.case.run}"

    @property
    def part(self) -> Path:
        """Where it is before it is whole."""
        return self.root / f".{self.adapter}.part"

    def approved(self) -> Iterator[tuple[str, bytes]]:
        """The files of the approved adapter as they were sealed, by their names in its folder."""
        folder = f"runs/{self.case.run}/adapter/"
        for name in self.vault.names():
            if name.startswith(folder):
                yield name.removeprefix(folder), self.vault.read(name)


def settle(workspace: Workspace) -> Case | None:
    """Enter decisions into the ledger, throw away what was rejected, and carry out what was approved; the case, if there was one.

    Raises RecordError where nothing can be entered, ReviewError where a case waits or went back, WorkspaceError.
    """
    with alone(workspace.root):
        found = Cases(workspace).all()  # as of now: what is decided meanwhile is the next one's to enter and carry out
        if not found:
            return None
        ledger_entries.enter_decisions(workspace, found)
        _discard(workspace, {case.run for case in found if case.state is CaseState.REJECTED})
        for case in found:
            if case.state is not CaseState.APPROVED:
                Outbox(workspace.root, case).vault.destroy()  # left by a crash after everything was put back
        approved = next((case for case in found if case.state is CaseState.APPROVED), None)
        return approved and _when_quiet(workspace, approved)


def _when_quiet(workspace: Workspace, case: Case) -> Case:
    """Carry out while nothing else is at work. Raises WorkspaceError, ReviewError where it has to wait, still approved."""
    with undisturbed(workspace.root):
        if not case.step and store_of(workspace.root).entries(RunState.QUEUED, RunState.RUNNING):
            raise ReviewError("A run waits or is at work on the adapter that is to go: stop it, or let it end.")
        return carry_out(workspace, case)


def carry_out(workspace: Workspace, case: Case) -> Case:
    """The steps that are left. Raises ReviewError where it cannot be done; all is as before then."""
    cases, outbox = Cases(workspace), Outbox(workspace.root, case)
    for number, step in enumerate(STEPS[case.step :], case.step + 1):
        try:
            step(outbox)
        except Exception as error:  # whatever it is: a half state is worse
            if number == len(STEPS) or _is_signed(workspace, case):
                raise  # the ledger says so for good: from here it only goes on
            cases.step(case.number, 0)  # killed from here on, it begins anew with what is sealed
            put_back(outbox)
            cases.back(case.number, str(error))
            outbox.vault.destroy()
            raise ReviewError(
                f"The approval of {case.request} was taken back and nothing was destroyed: {error}"
            ) from error
        cases.step(case.number, number)
    return cases.close(case.number)


# ------------------------------------------------------------ the steps


def seal(outbox: Outbox) -> None:
    """Encrypt everything that goes or changes; where that is done already, nothing happens."""
    place = outbox.workspace
    if outbox.vault.sealed:
        return
    served, folders = outbox.root / place.settings.adapter, _folders(outbox.root)
    if served not in folders or not all(is_inside_workspace(path, outbox.root) for path in folders):
        raise ReviewError(
            f"Adapter {place.settings.adapter!r}, or something of a run, lies outside of the workspace or under a name that is not "
            "adapter...: move it there, as what lies elsewhere cannot be destroyed."
        )
    folder = run_folder(place, outbox.case.run)
    if evidence_of(place, folder) != outbox.case.evidence:
        raise ReviewError("The run was changed since it was approved.")
    check_ready(folder)
    outbox.vault.seal(outbox.root, sorted(_going(place)))


def publish(outbox: Outbox) -> None:
    """Put the approved adapter where it is served from."""
    target = outbox.root / outbox.adapter
    for folder in (outbox.part, target):
        shutil.rmtree(folder, ignore_errors=True)
    for name, content in outbox.approved():
        write_bytes(outbox.part / name, content)
    outbox.part.rename(target)
    write_json(outbox.root / "workspace.json", replace(outbox.workspace.settings, adapter=outbox.adapter))


def purge(outbox: Outbox) -> None:
    """Take the forgotten rows out of the data, and everything away that was made of the old adapter or shows people's lists."""
    root, request = outbox.root, _request(outbox)
    place, users = Workspace(root), set(request.users)
    gone = set(map(id, rows_of(place.interactions, request)))
    write_json_lines(root / "data/interactions.jsonl", [one for one in place.interactions if id(one) not in gone])
    write_json(root / "data/roles.json", _without(place.user_split, users))
    for other in place.requests():
        _shrink(root, other, request)
    for folder in _going_folders(outbox):
        shutil.rmtree(folder, ignore_errors=True)
    for path in _leftovers(root):
        path.unlink()
    write_json(root / "closed" / f"{request.id}.json", _closed(outbox, request))


def check(outbox: Outbox) -> None:
    """The adapter served is the one approved, and nothing of what was forgotten is found. Raises ReviewError."""
    served = outbox.root / outbox.adapter
    if any((served / name).read_bytes() != content for name, content in outbox.approved()):
        raise ReviewError("The adapter that is served is not the one that was approved.")
    if left := _going_folders(outbox):
        raise ReviewError(f"{', '.join(map(str, left))} could not be taken away: check who owns it.")
    if found := copies(outbox.root, _weights(outbox)):
        raise ReviewError(f"A copy of weights that are to go is {', '.join(found)}: take it away.")
    if found := traces(outbox.root, known(_request(outbox), _rows(outbox), outbox.workspace.items), but=COMMENTS):
        raise ReviewError(f"Something that was to be forgotten is still in {', '.join(found)}: take it away.")


def enter(outbox: Outbox) -> None:
    """Sign what is destroyed now."""
    place = outbox.workspace
    closed = next(one for one in place.closed() if one.id == outbox.case.request)
    ledger_entries.enter_destruction(place, outbox.case, closed, _request(outbox), _rows(outbox), _weights(outbox))


def destroy(outbox: Outbox) -> None:
    """Nobody can put it back from here on."""
    outbox.vault.destroy()


STEPS: tuple[Callable[[Outbox], None], ...] = (seal, publish, purge, check, enter, destroy)


def put_back(outbox: Outbox) -> None:
    """Everything as it was before the first step."""
    vault, root = outbox.vault, outbox.root
    if not vault.sealed:
        return
    for folder in (outbox.part, root / outbox.adapter):
        shutil.rmtree(folder, ignore_errors=True)
    (root / "closed" / f"{outbox.case.request}.json").unlink(missing_ok=True)
    vault.restore(root)


# ------------------------------------------------------------ what they need


def _is_signed(workspace: Workspace, case: Case) -> bool:
    """Whether the ledger says that it was carried out; one that cannot be read took no entry."""
    try:
        return ledger_entries.is_destroyed(workspace, case)
    except CureLensError:
        return False


def _discard(workspace: Workspace, rejected: set[str]) -> None:
    """The candidates of rejected cases; the adapter in use was never touched."""
    for folder in runs(workspace):
        if folder.id in rejected:
            folder.discard()


def _going(place: Workspace) -> Iterator[Path]:
    """Files that are taken away or written anew."""
    yield from (place.root / name for name in ("workspace.json", "data/interactions.jsonl", "data/roles.json"))
    for folder in (place.root / "requests", *_folders(place.root)):
        yield from (path for path in folder.rglob("*") if path.is_file())


def _folders(root: Path) -> list[Path]:
    """Adapters, references, and runs: all began at the adapter in use, and show lists of people."""
    return [path for name in ("adapter*", "references", "runs/*") for path in root.glob(name) if path.is_dir()]


def _going_folders(outbox: Outbox) -> list[Path]:
    """All of them but the one that is served now."""
    return [path for path in _folders(outbox.root) if path.name != outbox.adapter]


def _leftovers(root: Path) -> Iterator[Path]:
    """What a write that was killed left of a file that goes or changes (files.write_bytes)."""
    for folder in (root, root / "data", root / "requests", root / "closed"):
        yield from folder.glob(".*.json*.????????")


def _without(roles: UserSplit, users: set[str]) -> UserSplit:
    members = tuple(user for user in roles.members if user not in users)
    return replace(roles, members=members)


def _shrink(root: Path, other: Request, gone: Request) -> None:
    """A request less what is forgotten; taken away where nothing is left of it."""
    users = tuple(user for user in other.users if user not in gone.users)
    pairs = tuple(pair for pair in other.interactions if pair[0] not in gone.users and pair not in gone.interactions)
    path = root / "requests" / f"{other.id}.json"
    if other.id == gone.id or not (users or pairs):
        path.unlink(missing_ok=True)
    elif (users, pairs) != (other.users, other.interactions):
        write_json(path, replace(other, users=users, interactions=pairs))


def _closed(outbox: Outbox, request: Request) -> Closed:
    case, served = outbox.case, sha256_of_file(outbox.root / outbox.adapter / WEIGHTS)
    return Closed(
        request.id, request.created, utc_now(), case.run, case.number, len(request.subjects), len(_rows(outbox)), served
    )


def _request(outbox: Outbox) -> Request:
    """As it was sealed: the file itself may be gone by now."""
    return from_json(Request, json.loads(outbox.vault.read(f"requests/{outbox.case.request}.json")))


def _weights(outbox: Outbox) -> dict[str, int]:
    """The sizes of all weights that go and may know of the forgotten, by their SHA-256."""
    names, never = outbox.vault.names(), _never_knew(outbox)
    going = (name for name in names if name.endswith(".safetensors") and not name.startswith(never))
    found = {sha256(content).hexdigest(): len(content) for content in map(outbox.vault.read, going)}
    found.pop(sha256_of_file(outbox.root / outbox.adapter / WEIGHTS), None)  # the approved one stays
    return found


def _never_knew(outbox: Outbox) -> tuple[str, ...]:
    """Folders of references without these people: trained anew for what is left of their requests, they are the same."""
    sealed = (name for name in outbox.vault.names() if name.startswith("requests/") and name.endswith(".json"))
    gone = set(_request(outbox).users)
    others = (from_json(Request, json.loads(outbox.vault.read(name))) for name in sealed)
    return tuple(f"references/{one.id}/" for one in others if gone and gone <= set(one.users))


def _rows(outbox: Outbox) -> list[Interaction]:
    """What the request takes out of the data as they were sealed."""
    lines = outbox.vault.read("data/interactions.jsonl").decode("utf-8").splitlines()
    return rows_of((from_json(Interaction, json.loads(line)) for line in lines), _request(outbox))
