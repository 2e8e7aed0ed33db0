"""The record of one request as one self-contained HTML file, from the ledger alone: what is left to file once all else is gone.

Pure. Entries are as `python -m core ledger show --json` prints them: {"kind", "subjects", "content"}.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from core.report.build import environment
from core.report.summary import count, date
from core.types import Verdict, Verification
from core.utils.serialization import from_json

Entry = Mapping[str, Any]
SURE = {
    Verdict.PASS: "the unlearned adapter in its place passed every check of whether it has forgotten",
    Verdict.INCONCLUSIVE: "whether the unlearned adapter in its place has forgotten was not proven, and it was approved all the same",
    Verdict.FAIL: "the unlearned adapter in its place had failed a check",
    None: "whether the unlearned adapter in its place has forgotten was not checked",
}


def about(entries: Sequence[Entry], request_id: str, runs: Collection[str] = ()) -> list[Entry]:
    """The entries on a request, oldest first. runs: of the request, as far as they are still known."""
    own = {*runs, *(one["content"]["run"] for one in entries if _request(one["content"]) == request_id)}
    return [one for one in entries if one["content"].get("run") in own]


def record(request_id: str, entries: Sequence[Entry]) -> str:
    """The page, of the entries on this request, at least one. What is shown of several runs is that of the last one decided on."""
    run = _decided(entries)
    kinds = {kind: [one for one in entries if one["kind"] == kind] for kind in ("run", "decision", "destruction")}
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
            runs=kinds["run"],
            decisions=decisions,
            four_eyes=all(one["content"]["four_eyes"] for one in kinds["decision"]),
            gone=gone["content"] if gone else None,
            adapter=gone["subjects"]["adapter"] if gone else "",
            found=found[-1] if found else None,
            entries=entries,
        )
    )


def _decided(entries: Sequence[Entry]) -> str | None:
    """The run that was carried out, else the one that was decided on last, else the last one there was."""
    for kind in ("destruction", "decision", "run"):
        if found := [one["content"]["run"] for one in entries if one["kind"] == kind]:
            return found[-1]
    return None


def _request(content: Mapping[str, Any]) -> str | None:
    """The request that an entry is about: by its id, or as a run has it."""
    request = content.get("request")
    return request.get("id") if isinstance(request, Mapping) else request


def _headline(gone: Entry | None, decisions: Sequence[Mapping[str, Any]], found: Verification | None) -> str:
    """What is known, and no more: that data and adapters were destroyed, and how sure it is that the new adapter forgot."""
    if gone:
        people, rows = len(gone["content"]["people"]), len(gone["content"]["rows"])
        whose = f"of {count(people, 'person', 'people')}" if people else "that was chosen"
        when = date(gone["content"]["closed"])
        sure = SURE[found.verdict if found else None]
        return f"On {when}, the data {whose} ({count(rows, 'row')}) and the adapter that had learned from it were destroyed; {sure}."
    if decisions and not decisions[-1]["approve"]:
        return "The last run for this request was rejected, and did not go into service."
    return "The deletion is not decided yet."
