"""Record of one request: self-contained HTML, built from ledger entries alone.

It remains after runs and data are deleted. Pure functions. Entries have the form in which
`cure-lens ledger show --json` prints them: {"kind", "subjects", "content"}.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from core.report.build import environment
from core.report.check_texts import attack_texts, reliability, render
from core.report.numbers import count, date
from core.types import Verification
from core.utils.serialization import from_json

Entry = Mapping[str, Any]
NOT_VERIFIED = "Not verified."


def entries_of_request(entries: Sequence[Entry], request_id: str, runs: Collection[str] = ()) -> list[Entry]:
    """Return the entries on a request, oldest first.

    Args:
        entries: All entries of the ledger.
        request_id: Id of the request.
        runs: Ids of runs for the request that are still known otherwise.
    """
    about = [one["content"] for one in entries if _request(one["content"]) == request_id]
    own, batched = ({*runs, *(one["run"] for one in about)}, {one["run"] for one in about if "batch" in one})

    def belongs(content: Mapping[str, Any]) -> bool:
        run = content.get("run", content.get("about"))
        if run in batched and "about" not in content:  # the entries of the batch itself are about all of its members
            return _request(content) == request_id
        return run in own and "batch" not in content

    return [one for one in entries if belongs(one["content"])]


def render_case_record(request_id: str, entries: Sequence[Entry]) -> str:
    """Return the page.

    Args:
        request_id: Id of the request.
        entries: The entries on this request, at least one. Of several runs the page shows the last one with a decision.
    """
    run = served_run(entries)
    names = ("run", "decision", "withdrawal", "destruction")
    kinds = {kind: [one for one in entries if one["kind"] == kind] for kind in names}
    decisions = [{**one["content"]["decision"], "run": one["content"]["run"]} for one in kinds["decision"]]
    gone = kinds["destruction"][-1] if kinds["destruction"] else None
    own = [one["content"] for one in entries if one["content"].get("run") == run]
    found = [from_json(Verification, one) for one in own if "checks" in one]
    asked = [one["request"] for one in own if isinstance(one.get("request"), Mapping)]
    return (
        environment()
        .get_template("record.html")
        .render(
            request=request_id,
            headline=_headline(gone, decisions, found[-1] if found else None),
            asked=asked[-1] if asked else None,
            batch=next((one["batch"] for one in own if "batch" in one), None),
            runs=kinds["run"],
            decisions=decisions,
            withdrawals=[one["content"] for one in kinds["withdrawal"]],
            four_eyes=all(one["content"]["four_eyes"] for one in kinds["decision"]),
            gone=gone["content"] if gone else None,
            adapter=gone["subjects"]["adapter"] if gone else "",
            found=render(found[-1]) if found else None,
            steps=(),
            attacks=attack_texts(found[-1]) if found else {},
            reliability=reliability(found[-1]) if found else "",
            entries=entries,
        )
    )


def served_run(entries: Sequence[Entry]) -> str | None:
    """The run that went into service, else the last one with a decision, else the last one; None without any."""
    for kind in ("destruction", "decision", "run"):
        if runs := [str(one["content"]["run"]) for one in entries if one["kind"] == kind]:
            return runs[-1]
    return None


def _request(content: Mapping[str, Any]) -> str | None:
    """Id of the request that an entry is about; entries of runs have a whole request."""
    request = content.get("request")
    id = request.get("id") if isinstance(request, Mapping) else request
    return None if id is None else str(id)


def _headline(gone: Entry | None, decisions: Sequence[Mapping[str, Any]], found: Verification | None) -> str:
    """State that data and adapters were destroyed, and how certain it is that the new adapter has forgotten."""
    if gone:
        people, rows = len(gone["content"]["people"]), len(gone["content"]["rows"])
        whose = f"of {count(people, 'user')}" if people else "that was chosen"
        when, certainty = date(gone["content"]["closed"]), render(found).sentence if found else NOT_VERIFIED
        data = f"the data {whose} ({count(rows, 'row')}) and the adapter that had learned from it were destroyed"
        return f"On {when}, {data}. The adapter that replaces it: {certainty[:1].lower()}{certainty[1:]}"
    if decisions and not decisions[-1]["approve"]:
        return "The last run for this request was rejected and did not go into service."
    return "There is no decision on this deletion yet."
