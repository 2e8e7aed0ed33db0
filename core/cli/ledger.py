"""`python -m core ledger`: make, confirm, show, export, accept and verify a workspace's ledger."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli.console import err, out
from core.cli.options import Json, RequestId, WorkspacePath, output_path
from core.errors import LedgerError
from core.runs.ledger import REQUEST
from core.types import Request
from core.utils.atomic_io import write_bytes, write_text
from core.utils.commands import command_line
from core.utils.serialization import sorted_json, to_json
from core.utils.text import escaped
from core.workspace import Workspace

app = typer.Typer(no_args_is_help=True, help="The signed ledger of a workspace: its runs, verifications and decisions.")
Settings = Mapping[str, Any]
MARKS = ("mark", "rows_mark")  # of a request


@dataclass(frozen=True)
class Unsigned:
    """What is in a workspace and not signed as it stands.

    Attributes:
        settings: The settings; None if they are signed.
        requests: The open requests, with fresh marks of their rows.
        gone: Ids of requests that were opened, and whose files are not there.
    """

    settings: Settings | None
    requests: Sequence[Request]
    gone: Sequence[str]

    def __bool__(self) -> bool:
        return self.settings is not None or bool(self.requests or self.gone)


Key = Annotated[Path, typer.Option(help="The public key, ledger.pub, as the signer gave it to you.")]


@app.command()
def init(root: WorkspacePath, as_json: Json = False) -> None:
    """Make the keys and the ledger, and sign settings and open requests as they stand; later runs are entered.

    Look at them before. The private key stays with your user account. Where the command was killed, it can be repeated;
    once the ledger is there, `ledger confirm` signs the requests that are left.
    """
    from core.ledger.beginning import begin, require_none, unused_keys  # loads the signing libraries
    from core.ledger.key_folder import check_key  # beside them
    from core.ledger.keys import make_keys  # loads the signing libraries
    from core.review.permissions import check_people  # loads numpy
    from core.runs.signed_settings import settings_to_sign  # loads numpy

    workspace = Workspace(root)
    layout, settings = workspace.layout, settings_to_sign(workspace)
    check_people(workspace)
    if (keys := unused_keys(layout.ledger, layout.ledger_key)) is None:
        if not workspace.keeps_ledger:  # else `make_keys` says so
            check_key(layout.ledger_key)
            require_none(layout.ledger)
        keys = make_keys(layout.ledger_key)
    begin(layout.ledger, workspace.settings.name, settings, keys)
    found = _unsigned(workspace)
    _sign(workspace, found)
    if as_json:
        print(json.dumps({"ledger": str(workspace.layout.ledger), "key": str(workspace.layout.ledger_key)}))
        return
    out.print(
        f"The ledger is {workspace.layout.ledger}. Give {workspace.layout.ledger_key} to its auditors, "
        "and keep heads elsewhere: " + command_line("ledger", "head", "--workspace", str(root), "--out", "FILE"),
        highlight=False,
        soft_wrap=True,
    )
    _show(workspace, replace(found, settings=settings))  # which the first entry holds
    if workspace.layout.run_folders() or workspace.layout.all_references.is_dir():
        out.print("Runs and references from before it are not signed, so they cannot be used: make them again.")


@app.command()
def confirm(
    root: WorkspacePath,
    digest: Annotated[str, typer.Option(help="Sign what this command showed with this digest.")] = "",
    as_json: Json = False,
) -> None:
    """Show settings and requests that are not signed as they stand, and sign them when given their digest.

    A request whose file is gone is signed as not open any more.
    """
    workspace = Workspace(root)
    if not workspace.keeps_ledger:
        raise LedgerError(f"{root} keeps no ledger, so nothing is signed: make one with `ledger init`.")
    found = _unsigned(workspace)
    shown = {"settings": found.settings, "requests": to_json(found.requests), "gone": found.gone}
    # The whole digest: of a short one, somebody finds two texts, one to be shown and one to be signed.
    own = sha256(sorted_json(shown).encode()).hexdigest()
    if digest and digest != own:
        raise LedgerError(f"Digest {digest} is not that of what would be signed now: look at it again.")
    if digest:
        _sign(workspace, found)
    if as_json:
        print(json.dumps({**shown, "digest": own, "signed": bool(digest)}))
        return
    _show(workspace, found)
    if not found:
        out.print("Settings and open requests are signed as they stand.")
    elif digest:
        out.print("Signed.")
    else:
        again = command_line("ledger", "confirm", "--workspace", str(root), "--digest", own)
        out.print(f"Not signed yet. If they are right: {again}", highlight=False, soft_wrap=True)


def _unsigned(workspace: Workspace) -> Unsigned:
    from core.runs.ledger import open_ledger  # loads numpy
    from core.runs.requests import lost_requests, unmarked_requests, with_rows_mark  # loads numpy
    from core.runs.signed_settings import settings_to_sign  # loads numpy

    settings = settings_to_sign(workspace)
    requests = with_rows_mark(workspace, unmarked_requests(workspace))
    is_signed = settings == open_ledger(workspace).settings()
    return Unsigned(None if is_signed else settings, requests, lost_requests(workspace))


def _sign(workspace: Workspace, found: Unsigned) -> None:
    from core.review.permissions import check_people  # loads numpy
    from core.runs.ledger_entries import Ledger  # loads the signing libraries
    from core.runs.requests import void_request, write_marked  # loads numpy

    if found.settings is not None:
        check_people(workspace)
        Ledger(workspace).record_settings(found.settings)
    for one in found.requests:
        write_marked(workspace, one)
    for name in found.gone:
        void_request(workspace, name)


def _show(workspace: Workspace, found: Unsigned) -> None:
    """Print all that is to be signed; what cannot be seen stands there as an escape."""
    lines = []
    if (settings := found.settings) is not None:
        lines = [f"{name}: {', '.join(roles).replace('_', ' ')}" for name, roles in settings["people"].items()]
        lines = lines or ["Nobody has a role: one person does everything."]
        others = {name: one for name, one in settings.items() if name not in ("people", "launcher", "clusters")}
        lines += [f"Runs start with {_text(settings['launcher'])}, clusters: {_text(settings['clusters'])}"]
        lines += [f"Other settings: {_text(others)}"]
    lines += [_described(one, len(workspace.interactions.covered(one))) for one in found.requests]
    lines += [f"{name}: was opened, and its file is gone; it will not be open any more." for name in found.gone]
    for line in lines:
        out.print(escaped(line), highlight=False, markup=False, soft_wrap=True)


def _described(request: Request, rows: int) -> str:
    """All fields of a request that are set, but for its marks."""
    shown = {name: value for name, value in to_json(request).items() if value and name not in ("id", *MARKS)}
    return f"{request.id}: {_text({**shown, 'rows in the data': rows})}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@app.command()
def head(
    root: WorkspacePath,
    to: Annotated[Path, typer.Option("--out", help="The file to write, best where nobody here can change it.")],
) -> None:
    """Sign the ledger's length and last entry, so that a truncated or rewritten ledger can be detected."""
    from core.ledger.chain import head_of  # loads the signing libraries
    from core.ledger.keys import keys_of  # loads the signing libraries

    workspace = Workspace(root)
    write_bytes(
        to := output_path(to, workspace), head_of(workspace.layout.ledger, keys_of(workspace.layout.ledger_key))
    )
    out.print(f"The head is {to}.", highlight=False, soft_wrap=True)


@app.command()
def accept(root: WorkspacePath) -> None:
    """Go on with an earlier copy of a workspace, such as a backup. A signed entry tells it."""
    from core.ledger.chain import accept as accept_copy  # loads the signing libraries
    from core.ledger.keys import keys_of  # loads the signing libraries

    workspace = Workspace(root)
    accept_copy(workspace.layout.ledger, keys_of(workspace.layout.ledger_key))
    out.print("The ledger goes on from here; its last entry holds length and digest of the later state.")


@app.command()
def show(root: WorkspacePath, as_json: Json = False) -> None:
    """Print all entries of the ledger in order."""
    from core.ledger.chain import entries  # loads the signing libraries
    from core.ledger.keys import read_public  # loads the signing libraries

    workspace = Workspace(root)
    found = entries(workspace.layout.ledger, read_public(workspace.layout.ledger_key))
    if as_json:
        print(json.dumps(to_json(found)))
        return
    for line in _lines(to_json(found)):
        out.print(line, highlight=False)


def _lines(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each entry, oldest first; of a request it also says whether it was opened, changed or dissolved."""
    opened: set[str] = set()
    for one in found:
        kind, content = one["kind"], one["content"]
        about = content.get("run", content.get("about", ""))
        what = ""
        if kind == REQUEST:
            what = "dissolved" if not content["value"] else "changed" if about in opened else "opened"
            opened.add(about)
        yield f"{content['number']:>4}  {content['time']}  {kind} {about} {what}".rstrip()


@app.command()
def record(
    root: WorkspacePath,
    request_id: RequestId,
    to: Annotated[Path, typer.Option("--out", help="The HTML file to write.")],
) -> None:
    """Write the ledger's entries on one request as a self-contained page; it names none of the request's users."""
    from core.ledger.chain import entries  # loads the signing libraries
    from core.ledger.keys import read_public  # loads the signing libraries
    from core.report.case_record import entries_of_request  # loads jinja2
    from core.report.case_record import render_case_record as page  # loads jinja2

    workspace = Workspace(root)
    found = entries_of_request(
        to_json(entries(workspace.layout.ledger, read_public(workspace.layout.ledger_key))), request_id
    )
    if not found:
        raise LedgerError(f"The ledger has no entry on request {request_id!r}: check the id.")
    write_text(to := output_path(to, workspace), page(request_id, found))
    out.print(f"The record is {to}.", highlight=False, soft_wrap=True)


@app.command()
def verify(
    ledger: Annotated[Path, typer.Argument(help="The ledger file; no other file of the workspace is read.")],
    key: Key,
    head_file: Annotated[Path | None, typer.Option("--head", help="An earlier head of the ledger.")] = None,
    as_json: Json = False,
) -> None:
    """Check every signature and the chain; with a head, also check that no entries are missing at the end."""
    from core.ledger.chain import verify as verify_chain  # loads the signing libraries
    from core.ledger.keys import read_public  # loads the signing libraries

    verdict = verify_chain(ledger, read_public(key), head_file)
    if as_json:
        print(json.dumps(to_json(verdict)))
    else:
        for flaw in verdict.flaws:
            err.print(flaw, style="red", highlight=False, soft_wrap=True)
        if not verdict.flaws:
            out.print(f"The ledger is whole: {verdict.entries} entries, all signed and in order.", highlight=False)
        if not verdict.head:
            out.print("Without a head, missing entries at the end cannot be detected.", highlight=False)
    if verdict.flaws:
        raise typer.Exit(1)
