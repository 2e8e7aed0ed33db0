"""The files of a run, and of what it worked on, whose digests its entry in the ledger holds."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from core.errors import RunError
from core.models.hub import fingerprint, resolve
from core.pipeline.question import tokenizer_files
from core.runs.handle import RunHandle
from core.runs.ledger import OVERLAP, NullLedger, RunLedger, last_fact
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_file, sorted_json
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout, RunLayout

TRAINING_INPUTS = "training inputs"  # name of the mark of what a retraining learned from
SPECIFICATION = "specification"
# Results that not each method makes: name in the ledger, and property of RunLayout. One that is missing is signed as
# missing, so that none can be put there later.
OPTIONAL_RESULTS = {
    "circuit": "scores",
    "circuit of the forget set": "forget",
    "circuit of the retain set": "retain",
    "direct effects": "direct_effects",
    "groups": "groups",
    "memory contrast": "memory",
    "outcome": "outcome",
}
RESULTS = {  # all that a worker writes into the run's folder, beside the adapter, its events and its log
    **OPTIONAL_RESULTS,
    "report": "report_numbers",
    "report page": "report",
    "reviewer's page": "reviewer_report",
    "evaluation": "evaluation",
}
# What an adapter works with. Entries of earlier versions hold no digest of all files of the tokenizer together.
MODEL = ("base", "tokenizer", "tokenizer files", "prompt template")
DIGEST_OF_MISSING = hashlib.sha256(b"").hexdigest()


def digest_of_file(name: str, path: Path) -> str:
    """SHA-256 of a file of a run, as an entry holds it: DIGEST_OF_MISSING for an optional result that was not made."""
    return DIGEST_OF_MISSING if name in OPTIONAL_RESULTS and not path.is_file() else sha256_of_file(path)


def digests_of(files: Mapping[str, Path]) -> dict[str, str]:
    """SHA-256 of files by their names in the ledger, without those that are missing and have to be there."""
    named = {name: path for name, path in files.items() if path.is_file() or name in OPTIONAL_RESULTS}
    return {name: digest_of_file(name, path) for name, path in named.items()}


def model_digests(workspace: Workspace) -> dict[str, str]:
    """SHA-256 of what an adapter works with, by names in the ledger: MODEL, as it lies there now.

    Raises:
        ModelError: The base model is not on this machine.
    """
    base = resolve(workspace.base, workspace.settings.base_revision)
    tokenizer = sorted_json({path.name: sha256_of_file(path) for path in tokenizer_files(base)})
    return {
        "base": fingerprint(base).removeprefix("sha256:"),
        "tokenizer files": hashlib.sha256(tokenizer.encode()).hexdigest(),
        **digests_of(files_of_prompts(workspace, base)),
    }


def changed_model(workspace: Workspace, signed: Mapping[str, str]) -> list[str]:
    """Names of what an adapter works with that is not as some digests say; what they do not name is not compared.

    Raises:
        ModelError: The base model is not on this machine.
    """
    named = [name for name in MODEL if name in signed]
    present = model_digests(workspace) if named else {}
    return [name for name in named if present.get(name) != signed[name]]


def result_name(path: Path) -> str:
    """The name in the ledger of a result of a run, or of its specification."""
    layout = RunLayout(path.parent)
    names = {getattr(layout, own): name for name, own in {**RESULTS, SPECIFICATION: "spec"}.items()}
    return names[path]


def read_signed(path: Path, ledger: RunLedger) -> bytes:
    """Read a result of a run, or its specification, which is the one that its worker signed.

    Entries of earlier versions hold fewer files. Where no ledger is kept, nothing is signed.

    Raises:
        RunError: It is not, or the run has no entry.
        WorkspaceError: It is missing.
        LedgerError: The ledger is damaged.
    """
    content = read_file(path)
    if isinstance(ledger, NullLedger):
        return content
    signed, digest = ledger.run_subjects(path.parent.name), hashlib.sha256(content).hexdigest()
    if not signed or signed.get(result_name(path), digest) != digest:
        raise RunError(f"{path} is not what the worker of its run signed: restore it, or choose another run.")
    return content


def overlap_is_signed(run: RunHandle, ledger: RunLedger) -> bool:
    """Whether the comparison of all lists is the last one that was computed; where none was, none may lie there."""
    file = run.layout.overlap
    return signed_overlap(run, ledger)[0] == (sha256_of_file(file) if file.is_file() else "")


def signed_overlap(run: RunHandle, ledger: RunLedger) -> tuple[str, str]:
    """SHA-256 of the last comparison of all lists, and the mark of what was asked for it; "" where none is known."""
    digest, question, _ = _overlap(last_fact(ledger, OVERLAP, run.id) or "")
    return digest, question


def comparers(run: RunHandle, ledger: RunLedger) -> set[str]:
    """Who had all lists of a run compared, each time; "" where an entry does not tell."""
    return {_overlap(value)[2] for _, value in ledger.facts(OVERLAP, run.id)}


def overlap_fact(digest: str, question: str, person: str) -> str:
    """The value of the fact that all lists were compared: digest of the result, mark of what was asked, and by whom."""
    return f"{digest} {question} {person}".rstrip()


def _overlap(value: str) -> tuple[str, str, str]:
    """What `overlap_fact` joined; earlier versions entered no person, and before that no mark."""
    digest, question, person = [*value.split(" ", 2), "", ""][:3]
    return digest, question, person


def adapter_subjects(digests: Mapping[str, str]) -> dict[str, str]:
    """Digests of an unlearned adapter, given by "weights" and "config", by their names in the ledger."""
    return {"adapter after": digests["weights"], "adapter config": digests["config"]}


def original_subjects(digests: Mapping[str, str]) -> dict[str, str]:
    """Digests of the adapter before the run, given by "weights" and "config", by their names in the ledger."""
    return {"adapter before": digests["weights"], "adapter before, config": digests["config"]}


def files_of_prompts(workspace: Workspace, base: Path) -> dict[str, Path]:
    """The files that decide how prompts are written, by their names in the ledger."""
    return {"tokenizer": base / "tokenizer.json", "prompt template": workspace.templates}


def files_of_run(workspace: Workspace, run: RunHandle, base: Path) -> dict[str, Path]:
    """The files that an entry about a run is about, by their names in the ledger.

    Args:
        workspace: The workspace.
        run: The run.
        base: Folder of the base model, of whose files only the tokenizer is named: its weights have a fingerprint.
    """
    return {
        **judged_files(workspace.adapter, run.layout),
        **files_of_prompts(workspace, base),
    }


def judged_files(adapter: Path, layout: RunLayout) -> dict[str, Path]:
    """The adapter that a run began with and all that it made, but its events, by their names in the ledger."""
    return {
        "adapter before": AdapterLayout(adapter).weights,
        "adapter before, config": AdapterLayout(adapter).config,
        "adapter after": layout.weights,
        "adapter config": layout.adapter_config,
        **{name: getattr(layout, own) for name, own in RESULTS.items()},
        SPECIFICATION: layout.spec,
    }
