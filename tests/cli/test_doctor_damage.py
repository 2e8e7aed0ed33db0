"""`doctor` names every file of a workspace that is missing, damaged, linked or another one, and lists go on."""

import gc
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.cli.finding import Finding
from core.cli.workspace_checks import check_workspace
from core.data.interaction_files import open_interactions, write_interactions
from core.errors import CureLensError, DamagedError
from core.review.cases import Cases
from core.review.request_state import request_statuses
from core.runs.handle import runs, store_of
from core.runs.rows_needed import rows_needed
from core.types import ClosedRequest
from core.utils.serialization import write_json
from core.workspace import Workspace
from core.workspace.layout import WorkspaceLayout
from core.workspace.run_layout import RunLayout
from core.workspace.visits import record_visit

DEMO = Path(__file__).parents[2] / "assets/demo"
WORLDS = ("demo", "demo-smollm2")
RUN, REQUEST, REFERENCE = "runs/run-demo", "requests/req-one.json", "references/req-one/seed-101"
MODEL = ("adapter_config.json", "adapter_model.safetensors")
SIGNED = (
    "workspace.json", "manifest.json", "ledger.jsonl", "ledger.pub", REQUEST, "data/items.jsonl",
    "data/interactions.jsonl", "data/roles.json", "base/config.json", "base/generation_config.json",
    "base/model.safetensors", "base/tokenizer.json", "base/tokenizer_config.json",
    *(f"{folder}/{name}" for folder in ("adapter", REFERENCE, f"{RUN}/adapter") for name in MODEL),
    *(f"{RUN}/{name}" for name in (
        "spec.json", "status.json", "events.jsonl", "forget.json", "retain.json", "circuit.safetensors", "toward.json",
        "groups.json", "outcome.json", "evaluation.json", "report.html", "reviewer.html", "report.json",
        "verification.json", "overlap.json", "overlap-status.json",
    )), "runs/run-forgotten/memory.json",
)  # fmt: skip
# Files of a workspace with neither a ledger nor a manifest; of the others nothing says that they must be there.
OWN = (
    "data/interactions.parquet", "data/items.jsonl", "data/roles.json", REQUEST, "base/config.json",
    "base/model.safetensors", "base/tokenizer.json", "runs/store.sqlite",
    *(name for name in SIGNED if name.startswith((RUN, "adapter", "references"))),
)  # fmt: skip
OPTIONAL = ("toward.json", "verification.json", "overlap.json", "overlap-status.json", "tokenizer.json")


def half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def link(path: Path) -> None:
    path.rename(elsewhere := path.with_name("elsewhere"))
    path.symlink_to(elsewhere)


def foreign(path: Path) -> None:
    """The content of another file, of the same kind where there is one."""
    others = (one for one in sorted(DEMO.rglob(f"*{path.suffix}")) if one.read_bytes() != path.read_bytes())
    same = (one for one in sorted(DEMO.rglob(path.name)) if one.read_bytes() != path.read_bytes())
    path.write_bytes(next(same, next(others, DEMO / "workspace.json")).read_bytes())


def garbage(path: Path) -> None:
    path.write_bytes(b"\x00\xff{garbage\n" * 9)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "half": half,
    "garbage": garbage,
    "empty": lambda path: path.write_bytes(b""),
    "link": link,
    "foreign": foreign,
}
NAMELESS = ("status.json", "overlap.json", "overlap-status.json")  # nothing in them says whose they are
EACH = None if os.environ.get("CURE_LENS_DAMAGES") else 1  # of the damages, which the files take in turns


def cases(names: Sequence[str], left_out: Callable[[str, str], bool]) -> list[tuple[str, str]]:
    """Each file with its damages."""
    found: list[tuple[str, str]] = []
    for number, name in enumerate(names):
        turn = [[*DAMAGES][(5 * number + place) % len(DAMAGES)] for place in range(len(DAMAGES))]
        found += [(name, damage) for damage in turn if not left_out(name, damage)][:EACH]
    return found


@pytest.fixture(autouse=True)
def cpu_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    root = shutil.copytree(DEMO, tmp_path / "world")
    root.chmod(0o700)
    return root


@pytest.fixture
def own(world: Path) -> Path:
    """A workspace without ledger and manifest, with Parquet, a store, a closed request, a case and a visit."""
    layout = WorkspaceLayout(world)
    lines = layout.interactions
    write_interactions(lines.with_suffix(".parquet"), open_interactions(lines))
    for path in (lines, layout.manifest, layout.ledger, layout.ledger_key):
        path.unlink()
    workspace = Workspace(world)
    for name in ("run-demo", "run-broken"):
        store_of(workspace).add(name, name, externally_queued=False)
        RunLayout(layout.runs / name).job.write_text("1")
    gc.collect()  # closes the store's own connection, so that its journal can be removed
    with closing(sqlite3.connect(layout.store)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("UPDATE runs SET state = 'done', status = ?", (json.dumps({"state": "done"}),))
        database.commit()
    write_json(layout.settings, replace(workspace.settings, data="own"))
    record_visit(workspace, "petra", "2026-01-01T00:00:00+00:00")
    return world


def problems(root: Path) -> list[Finding]:
    return [one for one in check_workspace(Workspace(root)) if not one.ok]


def use_lists(root: Path) -> None:
    """Call whatever lists something; it may refuse in one sentence, and nothing else."""
    calls: tuple[Callable[[Workspace], object], ...] = (
        lambda place: place.requests(),
        lambda place: place.closed(),
        lambda place: [run.status for run in runs(place)],
        request_statuses,
        lambda place: Cases(place).all(),
        lambda place: store_of(place).all(),
        lambda place: rows_needed(place, place.requests()[:1]),
        lambda place: [run.events() for run in runs(place)],
        lambda place: record_visit(place, "petra", "2026-02-01T00:00:00+00:00"),
    )
    for call in calls:
        try:
            call(Workspace(root))
        except CureLensError as error:
            assert str(error).count("\n") == 0


@pytest.mark.parametrize("name", WORLDS)
def test_an_intact_world_has_no_problem(name: str, tmp_path: Path) -> None:
    root = shutil.copytree(DEMO.with_name(name), tmp_path / "world")
    root.chmod(0o700)
    assert problems(root) == []


def test_an_intact_workspace_has_no_problem(own: Path) -> None:
    assert problems(own) == []


@pytest.mark.parametrize(
    ("name", "damage"),
    cases(SIGNED, lambda name, damage: name.endswith(NAMELESS) and damage in ("foreign", "missing")),
)
def test_each_damaged_file_of_a_signed_world_is_named(world: Path, name: str, damage: str) -> None:
    DAMAGES[damage](world / name)
    check(world, name)


@pytest.mark.parametrize(
    ("name", "damage"),
    cases(OWN, lambda name, damage: damage == "foreign" or (damage == "missing" and name.endswith(OPTIONAL))),
)
def test_each_damaged_file_of_an_unsigned_workspace_is_named(own: Path, name: str, damage: str) -> None:
    DAMAGES[damage](own / name)
    check(own, name)


def check(root: Path, name: str) -> None:
    if not (root / "workspace.json").is_file():
        with pytest.raises(CureLensError, match="workspace.json"):
            Workspace(root)
        return
    found = [f"{one.name} {one.detail}" for one in problems(root)]
    run = "/".join(Path(name).parts[:2])  # a run that is lost is named by its id
    named = (name, str(Path(name).parent) if "/" in name else name, f"run {Path(run).name}")
    assert any(part in text for text in found for part in named), found
    use_lists(root)


def test_lists_go_on_and_name_the_damaged_entry(own: Path) -> None:
    layout = WorkspaceLayout(own)
    for path in (layout.request("req-genre"), layout.run("run-broken").spec):
        path.write_text("[]")
    write_json(
        layout.closed("req-gone"), ClosedRequest("req-gone", "", "2026-01-01T00:00:00Z", "run-x", 1, 1, 1, "0" * 64)
    )
    layout.closed("req-other").write_text("7")
    with closing(sqlite3.connect(layout.store)) as database:
        database.execute("UPDATE runs SET status = '{\"state\": 7}' WHERE id = 'run-demo'")
        database.commit()
    workspace = Workspace(own)
    found, opened, closed = runs(workspace), workspace.requests(), workspace.closed()
    assert {run.id for run in found} == {"run-forgotten", "run-retrained"}
    assert sorted("store.sqlite" in one or "run-broken/spec.json" in one for one in found.damaged) == [True, True]
    assert {one.id for one in opened} == {"req-one", "req-demo"} and "req-genre.json is damaged" in opened.damaged[0]
    assert [one.id for one in closed] == ["req-gone"] and "req-other.json is damaged" in closed.damaged[0]
    for listed in (found, opened, closed):
        with pytest.raises(CureLensError, match="damaged"):
            listed.whole()
    assert request_statuses(workspace).keys() == {"req-one", "req-demo", "req-gone"}


def test_an_event_without_its_kind_is_named(own: Path) -> None:
    run = runs(Workspace(own))[0]
    for line in ('{"seconds": 1}', "[]", "7", '{"kind": "step", "seconds": 1}', "{"):
        run.layout.events.write_text(f"{line}\n")
        with pytest.raises(DamagedError, match="events.jsonl, line 1, is damaged"):
            run.events()


@pytest.mark.parametrize("people", [{"olaf": "operator"}, {"olaf": ["boss"]}, ["olaf"], {"olaf": [7]}])
def test_people_of_a_wrong_type_are_named(own: Path, people: object) -> None:
    settings = WorkspaceLayout(own).settings
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"people": people}))
    assert any("workspace.json" in one.detail for one in problems(own))
    use_lists(own)


def test_a_damaged_visit_counts_as_a_first_one(own: Path) -> None:
    (visit,) = WorkspaceLayout(own).visits.iterdir()
    for content in ("[]", '{"now": "yesterday"}', '{"now": "2026-01-01"}'):
        visit.write_text(content)
        assert any(visit.name in one.name for one in problems(own))
        assert record_visit(Workspace(own), "petra", "2026-02-01T00:00:00+00:00") == ""


def test_a_case_that_cannot_be_read_is_named_and_decides_nothing(own: Path) -> None:
    workspace = Workspace(own)
    Cases(workspace).submit("req-one", "run-demo", "olaf", "0" * 64)
    Cases(workspace).submit("req-genre", "run-broken", "olaf", "0" * 64)
    with closing(sqlite3.connect(workspace.layout.review)) as database:
        database.execute("UPDATE cases SET body = '[]' WHERE request = 'req-one'")
        database.commit()
    assert [one.request for one in Cases(workspace).all()] == ["req-genre"]
    with pytest.raises(DamagedError, match="Case 1 in .*review.sqlite is damaged"):
        Cases(workspace).of("req-one")
    assert any("review.sqlite" in one.detail for one in problems(own))


def test_a_file_that_nothing_reads_is_no_problem(own: Path) -> None:
    (own / "notes.txt").write_text("call Petra")
    assert problems(own) == []
    assert any("notes.txt" in one.detail for one in check_workspace(Workspace(own)))


def test_a_cut_ledger_is_named_by_the_file_whose_entry_it_lost(world: Path) -> None:
    ledger = WorkspaceLayout(world).ledger
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:-1]))
    assert [one.name for one in problems(world)] == ["runs/run-demo/overlap.json"]


def test_a_damaged_spec_hides_no_other_file_of_its_run(own: Path) -> None:
    run = WorkspaceLayout(own).run("run-demo")
    run.spec.write_text("[]")
    run.outcome.write_text("7")
    assert {one.name for one in problems(own)} == {"runs/run-demo/spec.json", "runs/run-demo/outcome.json"}


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
@pytest.mark.parametrize("name", ["data/templates.toml", "runs/run-demo/job.txt"])
def test_what_stands_in_place_of_a_file_is_named(own: Path, make: Callable[[Path], None], name: str) -> None:
    """Without the templates, prompts would be those about films, and nobody would be told."""
    (own / name).unlink(missing_ok=True)
    make(own / name)
    assert any(one.name == name for one in problems(own))
