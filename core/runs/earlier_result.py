"""Circuits and groups of an earlier attempt at a run: a resumed run reads back only what a worker wrote."""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path

from core.grouping.assign import GroupingResult
from core.runs.artifacts import RunArtifacts
from core.runs.events import RESULT
from core.runs.ledger import RunLedger
from core.types import Circuit, ModuleGroup
from core.utils.serialization import parse_json, read_file
from core.workspace.run_layout import RunLayout

log = logging.getLogger("core")


def earlier_result(run: RunArtifacts, ledger: RunLedger) -> GroupingResult | None:
    """The circuits and groups of an earlier attempt; None where a worker wrote none."""
    return parsed(run.layout, marked_files(run, ledger))


def marked_files(run: RunArtifacts, ledger: RunLedger) -> dict[Path, bytes]:
    """All files with circuits and groups of an earlier attempt; none where one is not there, or no worker wrote it."""
    layout = run.layout
    files = (layout.forget, layout.retain, layout.groups, layout.scores, layout.direct_effects)
    if not all(map(Path.is_file, files)):
        return {}
    read = {file: read_file(file) for file in files}  # once: what is checked is what is used, and what is signed
    marks = {event["file"]: event["mark"] for event in run.events() if event["kind"] == RESULT}
    if any(marks.get(file.name) != mark_of(run, file, content, ledger) for file, content in read.items()):
        log.warning("circuits or groups of an earlier attempt have no valid mark: they are computed again")
        return {}
    return read


def parsed(layout: RunLayout, files: Mapping[Path, bytes]) -> GroupingResult | None:
    """The circuits and groups in `marked_files`; None where there are none."""
    if not files:
        return None
    forget, retain = (parse_json(files[file], Circuit, file) for file in (layout.forget, layout.retain))
    groups: tuple[ModuleGroup, ...] = parse_json(files[layout.groups], tuple[ModuleGroup, ...], layout.groups)
    return GroupingResult((forget, retain), groups) if groups else None


def mark_of(run: RunArtifacts, path: Path, content: bytes, ledger: RunLedger) -> str:
    """The mark of a result of a run."""
    return ledger.mark(run.id, path.name, hashlib.sha256(content).hexdigest())
