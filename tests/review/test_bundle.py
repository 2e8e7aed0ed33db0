"""Bundles: the verdict that anybody computes again is the signed one, to the digit, and what was changed is named."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
import rfc8785
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import DamagedError, LedgerError, RunError
from core.ledger.keys import make_keys
from core.ledger.statement import opened, signed
from core.review.forgotten_data import forgotten_data_of
from core.review.leak_scan import find_leaks
from core.runs.bundle import Bundle, export_bundle, pack, read_bundle
from core.runs.handle import open_run
from core.runs.ledger import open_ledger
from core.runs.recompute import recompute
from core.runs.verify import verify_run
from core.utils.serialization import to_json
from core.verification.plain_arrays import from_plain, to_plain
from core.verification.verdict_inputs import MODEL, RULES, from_parts, judge, to_parts, without_ids


@pytest.fixture
def bundle(desk) -> Bundle:
    return export_bundle(open_run(desk.workspace, desk.run))


def test_verdict_that_is_computed_again_is_the_signed_one(desk, bundle):
    found = recompute(bundle, desk.workspace.layout.ledger_key.read_bytes())
    signed_one = open_ledger(desk.workspace).verification(desk.run)
    assert found.faults == () and found.signed and found.verification.verdict is signed_one.verdict
    values = [(one.code, to_json(one.value), one.low, one.high) for one in found.verification.checks]
    assert values == [(one.code, to_json(one.value), one.low, one.high) for one in signed_one.checks]
    assert to_json(found.verification.advantages) == to_json(signed_one.advantages)


def test_bundle_names_nobody_and_no_title(desk, bundle):
    text = json.dumps(bundle.parts)
    workspace = desk.workspace
    people = {one.user for one in workspace.interactions}
    assert people and not any(f'"{one}"' in text for one in people)
    assert not any(one.id in text or one.title in text for one in workspace.items.values())


def test_parts_are_read_back_to_the_bit(bundle):
    inputs = from_parts(bundle.parts)
    assert to_parts(inputs) == bundle.parts
    assert to_parts(replace(inputs, evidence=without_ids(inputs.evidence))) == bundle.parts
    assert to_json(judge(inputs)) == to_json(judge(from_parts(json.loads(json.dumps(bundle.parts)))))


@pytest.mark.parametrize(
    "values",
    [
        np.array([0.1, np.nan, np.inf, -np.inf, 1e-40], np.float32),
        np.array([[1.5, -0.0]]),
        np.array([True, False]),
        np.array(["p1", "p02"]),
        np.empty(0, str),
        np.array([[3], [4]]),
    ],
    ids=lambda one: str(one.dtype),
)
def test_arrays_are_read_back_to_the_bit(values):
    read = from_plain(np.ndarray, json.loads(json.dumps(to_plain(values))))
    assert read.shape == values.shape and read.tobytes() == values.tobytes()
    assert read.dtype == values.dtype or values.dtype.kind == "U"


def changed(bundle: Bundle, change) -> Bundle:
    parts = json.loads(json.dumps(bundle.parts))
    change(parts)
    return replace(bundle, parts=parts)


def flip(parts, path, change):
    """Change the value at a path of keys."""
    *outer, last = path
    for name in outer:
        parts = parts[name]
    parts[last] = change(parts[last])


LOSSES = ("outputs", "forget", "losses", "values")
TAMPERED = {
    "a loss": (lambda parts: flip(parts, (MODEL, *LOSSES, 0), lambda one: one + 1e-9), MODEL),
    "a label": (lambda parts: flip(parts, ("original", "outputs", "test", "labels", "values", 0), lambda one: not one), "original"),
    "a probability of a reference": (
        lambda parts: flip(parts, ("reference 2", "outputs", "holdout", "probabilities", "values", 3), lambda one: 1 - one),
        "reference 2",
    ),
    "a reference is taken out": (lambda parts: parts.pop("reference 2"), "reference 2"),
    "a reference is added": (lambda parts: parts.update({"reference 3": parts["reference 1"]}), "reference 3"),
    "two models are exchanged": (lambda parts: parts.update({MODEL: parts["original"]}), MODEL),
    "a margin": (lambda parts: flip(parts, (RULES, "evidence", "thresholds", "trace_nats"), lambda _: 9.0), RULES),
    "a check of files": (lambda parts: flip(parts, (RULES, "exact", 0, "verdict"), lambda _: "pass "), RULES),
    "a retraining": (lambda parts: flip(parts, (RULES, "retrained"), lambda one: not one), RULES),
    "the drift": (lambda parts: flip(parts, (RULES, "drift", "test_auc_fall"), lambda _: -1.0), RULES),
    "the attempt": (lambda parts: flip(parts, (RULES, "evidence", "attempt"), lambda one: one + 1), RULES),
    "the rules are gone": (lambda parts: parts.pop(RULES), RULES),
}  # fmt: skip


@pytest.mark.parametrize(("change", "part"), TAMPERED.values(), ids=TAMPERED)
def test_part_that_was_changed_is_named(bundle, change, part):
    found = recompute(changed(bundle, change))
    assert any(fault.startswith(f"Part '{part}' ") for fault in found.faults) and found.verification is None


def test_entry_that_was_changed_or_is_another_is_named(desk, bundle, tmp_path):
    public = desk.workspace.layout.ledger_key
    other = make_keys(tmp_path / "other.pub")
    entry = opened(bundle.entry.encode(), open_ledger(desk.workspace).keys.signer.public_key)
    forged = replace(entry, content={**entry.content, "verdict": "pass"})
    honest, payload_of_forged = json.loads(bundle.entry), json.loads(signed(forged, other))["payload"]
    lines = {
        "was changed after it was signed": rfc8785.dumps({**honest, "payload": payload_of_forged}).decode(),
        "is signed with another key": signed(forged, other).decode(),
        "cannot be read": bundle.entry[:-9],
    }
    for fault, line in lines.items():
        found = recompute(replace(bundle, entry=line), public.read_bytes())
        assert fault in found.faults[0] and found.verification is None and not found.signed
    run = next(one for one in open_ledger(desk.workspace).statements() if one.kind == "run")
    line = signed(run, open_ledger(desk.workspace).keys).decode()
    assert "is of kind 'run' and names no bundle" in recompute(replace(bundle, entry=line)).faults[0]


def test_verdict_that_was_signed_and_does_not_follow_is_named(desk, bundle):
    """Whoever holds the key can sign what they like; the numbers contradict it."""
    ledger = open_ledger(desk.workspace)
    entry = opened(bundle.entry.encode(), ledger.keys.signer.public_key)
    checks = [dict(one) for one in entry.content["checks"]]
    checks[0]["value"] = {**checks[0]["value"], "value": 0.125}
    forged = replace(entry, content={**entry.content, "verdict": "pass", "checks": checks})
    found = recompute(replace(bundle, entry=signed(forged, ledger.keys).decode()))
    text = "\n".join(found.faults)
    assert "checks.0.value.value is" in text and "0.125 was signed" in text and "2 values differ" in text
    assert "verdict is" in text and "It was signed by version" in text


def test_bundle_of_another_run_s_verification_is_not_exported(desk):
    run = open_run(desk.workspace, desk.run)
    first = run.layout.bundle.read_bytes()
    run.write_bundle(pack(changed(read_bundle(run.layout.bundle), lambda parts: parts.pop("reference 2"))))
    with pytest.raises(RunError, match="has no bundle that its last verification signed: verify it again"):
        export_bundle(run)
    assert "bundle.json" in desk.invoke("doctor").output.replace("\n", "")
    run.layout.bundle.unlink()
    with pytest.raises(RunError, match="verify it again"):
        export_bundle(run)
    verify_run(run, "cpu")
    assert run.layout.bundle.read_bytes() == first, "the same verification has another bundle"


def test_without_a_ledger_nobody_vouches_for_a_bundle(desk):
    desk.workspace.layout.ledger_key.unlink()
    with pytest.raises(LedgerError):
        export_bundle(open_run(desk.workspace, desk.run))


@pytest.mark.parametrize(
    "content", [b"", b"text", gzip.compress(b"{}"), gzip.compress(b"[" * 100_000), gzip.compress(b"{}")[:-4]]
)
def test_file_that_is_no_bundle_is_named(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DamagedError, match="file is (no whole bundle|damaged)"):
        read_bundle(tmp_path / "file")


def test_commands(desk, tmp_path):
    out = tmp_path / "verdict.json.gz"
    assert desk.invoke("bundle", "--run", desk.run, "--out", str(out)).exit_code == 0
    shown = CliRunner().invoke(app, ["recompute", str(out), "--key", str(desk.workspace.layout.ledger_key)])
    assert shown.exit_code == 0 and "computed again and are, to the last digit" in shown.output.replace("\n", " ")
    as_json = json.loads(CliRunner().invoke(app, ["recompute", str(out), "--json"]).stdout)
    assert as_json["faults"] == [] and as_json["verification"]["verdict"]
    out.write_bytes(pack(changed(read_bundle(out), TAMPERED["a loss"][0])))
    refused = CliRunner().invoke(app, ["recompute", str(out)])
    assert refused.exit_code == 1 and f"Part '{MODEL}' was changed" in refused.output.replace("\n", " ")


def test_search_for_traces_reads_the_bundle_of_a_run(desk):
    """Else nobody could ever call a workspace clean again in which a later run was verified."""
    run = open_run(desk.workspace, desk.run)
    request, workspace = desk.workspace.request(desk.request), desk.workspace
    forgotten = forgotten_data_of(request, workspace.interactions.covered(request), workspace.items)
    found = find_leaks(workspace.root, forgotten)
    name = workspace.layout.name(run.layout.bundle)
    assert run.layout.bundle.is_file() and name not in found.unread and name not in found.shows
