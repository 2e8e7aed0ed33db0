"""Every page on a finished run of the demo: title, controls, results and error messages."""

import json
import math
import shutil
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import RunError
from core.grouping.regroup import regroup_run
from core.report.bundle import add_sections
from core.report.case_record import render_case_record
from core.report.check_texts import render
from core.runs.bundle import Bundle, pack
from core.runs.handle import RunHandle, runs
from core.runs.launchers import LAUNCHERS, Launcher
from core.runs.ledger import CANCELLED, RESUMED, open_ledger
from core.runs.process_identity import this_worker
from core.runs.requests import open_request
from core.types import Closeness, Group, GroupEdit, GroupMove, MemoryContrast, Part, RunState, RunStatus
from core.types.circuit import CERTAIN
from core.utils.serialization import to_json, write_json
from core.workspace import Workspace
from dashboard.presenters import advantages, phrases
from dashboard.presenters.i18n import t
from dashboard.services import commands, models, queries
from tests.dashboard.conftest import open_page

PAGES = (
    "overview",
    "request",
    "circuit",
    "what_if",
    "groups",
    "run",
    "before_after",
    "compare",
    "review",
    "report",
    "benchmark",
)

NEVER = lambda job, options: False  # noqa: E731 - whether a job has ended


def text_of(app: AppTest) -> str:
    """All texts of a page, plain or Markdown."""
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "text",
        "info",
        "warning",
        "success",
        "error",
        "code",
    )
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


def finished_run(demo: Path) -> RunHandle:
    """The demo's run with circuits, which the fixture `page` shows."""
    return RunHandle(demo / "runs/run-demo")


@pytest.mark.parametrize("name", PAGES)
def test_page_has_one_title_and_claims_no_compliance(page, name: str) -> None:
    app = page(name)
    assert len(app.title) == 1 and app.title[0].value[-1] in ".?"
    assert "complian" not in text_of(app).lower()


def test_overview_says_what_waits_and_shows_the_finished_run(page, demo: Path) -> None:
    app = page("overview")
    assert app.title[0].value == "3 requests are open: 2 wait for review and one needs a run."
    assert f"{len(Workspace(demo).user_split.training_users)} users" in text_of(app)
    assert finished_run(demo).id in text_of(app) and "Verification finished, to be reviewed" in text_of(app)


def test_run_with_memory_contrast_shows_it_instead_of_a_circuit(page, demo: Path) -> None:
    own = finished_run(demo).path
    for name in ("forget.json", "retain.json", "groups.json"):
        (own / name).unlink()
    modules = [("a0.h0", 0.3, 0.0, 0.1), ("a0.h1", 0.3, 0.2, 0.05), ("m0", 0.1, 0.1, 0.05), ("m1", 0.0, 0.0, 0.1)]
    found = [MemoryContrast(name, forget, holdout, noise, noise) for name, forget, holdout, noise in modules]
    write_json(own / "memory.json", found)
    app = page("circuit")
    assert app.title[0].value.startswith("2 of 4 modules of the model remember")
    frame = app.dataframe[0].value
    assert (
        list(frame["Group"]) == ["forget", "shared", "retain", "outside"]
        and frame["Difference"].is_monotonic_decreasing
    )


@pytest.mark.parametrize("name", ["circuit", "what_if", "groups"])
def test_page_without_a_circuit_leads_to_a_run_that_has_one_or_to_its_launch(page, demo: Path, name: str) -> None:
    def target() -> tuple[str, str]:
        found = next(one.proto for one in page(name, run="run-forgotten").main if one.type == "page_link")
        return found.page.rpartition("/")[2], found.query_string

    assert target() == (name, "run=run-demo")
    (finished_run(demo).path / "groups.json").unlink()
    assert target() == ("run", "request=req-demo&method=cure_merge_circuit")


def test_circuit_page_counts_modules_of_the_forget_group(page, demo: Path) -> None:
    groups = finished_run(demo).groups or ()
    app = page("circuit")
    own = sum(row.group is Group.FORGET and row.membership_probability >= CERTAIN for row in groups)
    assert f"{own or 'None'} of" in app.title[0].value and str(len(groups)) in app.title[0].value
    assert len(app.dataframe[0].value) == len(groups)


def test_circuit_page_draws_the_retain_circuit(page) -> None:
    app = page("circuit")
    assert not app.selectbox(key="pick_set").set_value("retain").run().exception


def test_circuit_page_shows_details_of_the_module_in_the_address(page, demo: Path) -> None:
    run = finished_run(demo)
    named = {name for name, one in run.direct_effects.items() if one.raised and one.lowered}
    row = next(row for row in run.groups if row.group is not Group.OUTSIDE and row.module in named)
    shown = text_of(page("circuit", module=row.module))
    toward = run.direct_effects[row.module]
    assert f"{row.forget:.1%} for the forget set" in shown
    assert (
        f"{row.membership_probability:.0%} of the bootstrap samples" in shown
        and "The run changed its weights by" in shown
    )
    assert phrases.escape(toward.raised[0].title) in shown and phrases.escape(toward.lowered[0].title) in shown
    outside = next(row for row in run.groups if row.group is Group.OUTSIDE)
    assert "unchanged, bit for bit" in text_of(page("circuit", module=outside.module))


def test_unknown_module_in_the_address_selects_none(page) -> None:
    assert "Select a module or a connection" in [heading.value for heading in page("circuit", module="a9.h9").subheader]


def test_circuit_page_compares_the_circuits_of_two_runs(page, demo: Path) -> None:
    run = finished_run(demo)
    shutil.copytree(run.path, run.path.with_name("run-other"))
    other = RunHandle(run.path.with_name("run-other"))
    other.write_spec(replace(run.spec, id="run-other"))
    forget = run.circuits[0]
    write_json(other.layout.forget, replace(forget, members=forget.members[2:]))
    shown = text_of(page("circuit", run=run.id, other="run-other"))
    assert (
        f"{len(forget.members) - 2} modules are in both circuits, 2 only in this run's, 0 only in the other run's"
        in shown
    )


def test_circuit_page_shows_certainty_and_reads_of_modules(page) -> None:
    app = page("circuit")
    assert "share" in text_of(app) and "less certain group" in text_of(app)
    assert "What the modules read" in [heading.value for heading in app.subheader]
    assert app.dataframe[0].value["Certainty"].between(0, 1).all()


def test_before_after_page_shows_three_lists_for_any_user(page, demo: Path) -> None:
    app = page("before_after")
    users = app.selectbox(key="pick_person").options
    assert len(users) == len(Workspace(demo).user_split.training_users) and "forgotten user" in users[0]
    for user in (users[1], users[-1]):
        app.selectbox(key="pick_person").set_value(user.split(" ")[0]).run()
        assert not app.exception
        assert [len(frame.value) for frame in app.dataframe[:3]] == [10, 10, 10]
    app.selectbox(key="pick_length").set_value("20").run()
    assert [len(frame.value) for frame in app.dataframe[:3]] == [20, 20, 20]


def test_before_after_page_shows_what_is_forgotten_first_and_folds_the_residual(page, demo: Path) -> None:
    run = RunHandle(demo / "runs/run-forgotten")
    app = page("before_after", run=run.id)
    assert app.title[0].value == render(run.verification).sentence
    assert app.subheader[0].value == "What the model knows about the forgotten data"
    shares = [advantages.share_forgotten(one) for one in run.verification.advantages]
    assert len(shares) == 3 and all(share in text_of(app) for share in shares)
    assert "90% intervals" in text_of(app)
    (folded,) = [one for one in app.expander if one.label.startswith("Details: the distance")]
    assert not folded.proto.expanded and "Residual" in folded.markdown[0].value
    assert "Noise floor:" in folded.caption[-1].value


def test_page_is_drawn_as_main_and_other_tests_have_their_own(page) -> None:
    """Whatever ran before; see `own_main`."""
    before = sys.modules["__main__"]
    page("overview")
    drawn = sys.modules["__main__"]
    assert "dashboard" in str(drawn.__file__) and "dashboard" not in str(getattr(before, "__file__", ""))


def test_run_that_trained_again_says_so_on_its_pages(page) -> None:
    text = text_of(page("before_after", run="run-retrained"))
    assert "Forgotten: **100%**: it was trained again" in text and "too uncertain" not in text and "118" not in text
    text = text_of(page("run", run="run-retrained"))
    assert "on the retain set alone" in text and t("run-losses-note") not in text
    assert "Last step 2,000 of at most 2,000" in text
    assert t("run-losses-note") in text_of(page("run")) and "trained again" not in text_of(page("before_after"))


def test_before_after_page_uses_the_level_of_a_further_attempt(page, demo: Path) -> None:
    run = RunHandle(demo / "runs/run-forgotten")
    wider = run.verification.details | {"confidence": 0.975}
    run.write_verification(replace(run.verification, details=wider))
    assert "95% intervals" in text_of(page("before_after", run=run.id))


def test_run_without_references_has_nothing_to_compare_with(page, demo: Path) -> None:
    run = RunHandle(demo / "runs/run-forgotten")
    nothing = Closeness(math.nan, math.nan, math.nan)
    changes = {"references": (), "floor": (), "advantages": (), "closeness": nothing, "closeness_original": nothing}
    write_json(run.layout.evaluation, replace(run.evaluation, **changes))
    run.layout.verification.unlink()
    app = page("before_after", run=run.id)
    assert "did not measure what the model knows" in text_of(app)
    assert not [one for one in app.expander if one.label.startswith("Details: the distance")]


def test_pages_show_the_newest_run_that_passes(demo: Path) -> None:
    found = queries.runs()
    next(iter(found.values())).layout.verification.unlink()
    ids = [run.id for run in found.values() if run.verification and run.verification.verdict.passes]
    assert ids and next(iter(found)) not in ids  # the newest run does not pass
    for name in ("overview", "before_after", "report"):
        app = open_page(name)
        assert app.selectbox(key="pick_run").value == ids[0] and f"`{ids[0]}`" in text_of(app)
    for name in ids:
        found[name].layout.verification.unlink()
    assert queries.default_run(queries.runs()) == next(iter(found))


def test_address_that_names_a_run_shows_it(demo: Path) -> None:
    assert queries.default_run(queries.runs()) != "run-demo"
    app = open_page("before_after", {"run": "run-demo"})
    assert app.title[0].value == render(finished_run(demo).verification).sentence


def test_review_page_shows_the_default_run_of_each_request_or_the_one_in_the_address(demo: Path) -> None:
    own = {name: run for name, run in queries.runs().items() if run.spec.request == "req-one"}
    default, others = queries.default_run(own), {name for name in own if name != queries.default_run(own)}
    assert f"Run `{default}`" in text_of(open_page("review", {"request": "req-one"}))
    for name in others:
        assert f"Run `{name}`" in text_of(open_page("review", {"request": "req-one", "run": name}))
    other = next(run.id for run in queries.runs().values() if run.id not in own)  # of another request
    assert f"Run `{default}`" in text_of(open_page("review", {"request": "req-one", "run": other}))


def test_review_page_shows_no_verdict_for_descriptions(demo: Path) -> None:
    checks = RunHandle(demo / "runs/run-demo").verification.checks
    frame = next(
        one.value
        for one in open_page("review", {"request": "req-one", "run": "run-demo"}).dataframe
        if "Verdict" in one.value
    )
    assert (frame["Verdict"] == "measured").tolist() == [one.part is Part.DESCRIPTION for one in checks]
    assert {"Pass", "Inconclusive", "measured"} <= {*frame["Verdict"]}


def test_pages_make_texts_anew_from_codes(demo: Path) -> None:
    """The English texts that a verification stored may be older than those of this version."""
    for run in queries.runs().values():
        old = [replace(one, name="STORED", source="STORED", sentence="STORED") for one in run.verification.checks]
        not_run = dict.fromkeys(run.verification.not_run, "STORED")
        found = replace(run.verification, checks=tuple(old), sentence="STORED", not_run=not_run)
        run.write_verification(found)
        entry = {"number": 1, "time": "2026-01-01T00:00:00+00:00"} | to_json(found)
        record = render_case_record(run.spec.request, [{"kind": "verification", "subjects": {}, "content": entry}])
        assert "STORED" not in add_sections(run.report.read_text(), found) + record
        for name in ("overview", "before_after", "report", "review"):
            app = open_page(name, {"run": run.id, "request": run.spec.request})
            tables = [one.value.to_string() for one in app.dataframe]
            assert "STORED" not in "".join((text_of(app), *tables)), (run.id, name)


def test_before_after_page_is_complete_without_genres(page, demo: Path) -> None:
    """A CSV file has no genres."""
    path = Workspace(demo).layout.data[1]
    items = [json.loads(line) | {"genres": []} for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    app = page("before_after")
    assert not app.exception and "have no genres" in text_of(app) and "other users stay" in text_of(app)


def test_loaded_models_reproduce_the_saved_lists(page, demo: Path) -> None:
    """The evaluation's saved lists equal the lists that the loaded models give."""
    run = finished_run(demo)
    for saved in run.evaluation.lists[:2]:
        found = models.lists(run, saved.user, 10)
        for name, rows in (
            ("original", saved.original),
            ("unlearned", saved.unlearned),
            ("reference", saved.reference),
        ):
            assert [row.item for row in found[name]] == [row.item for row in rows]


def test_overlap_of_all_lists_is_shown_or_offered(page, demo: Path) -> None:
    assert "other users stay" in text_of(page("before_after"))
    (finished_run(demo).path / "overlap.json").unlink()
    (finished_run(demo).path / "overlap-status.json").unlink()
    app = page("before_after")
    assert "Compare all lists" in [button.label for button in app.button]


def test_what_if_page_restores_its_state_from_the_address(page, demo: Path) -> None:
    run = finished_run(demo)
    module = next(row.module for row in run.groups if row.group is Group.SHARED)
    user = Workspace(demo).user_split.training_users[3]
    app = page("what_if", off=f"{module},nonsense", out="2", person=user)
    assert "With one module off and one title left out" in text_of(app)
    answer = models.what_if(run, "original", user, {2}, {module: 0.0}, 10)
    assert list(app.dataframe[1].value["Title"]) == [row.title for row in answer.after]
    assert list(app.dataframe[0].value["Title"]) == [row.title for row in answer.before]


def test_what_if_page_without_changes_shows_two_equal_lists(page, demo: Path) -> None:
    app = page("what_if")
    assert "Nothing is off" in text_of(app)
    assert list(app.dataframe[0].value["Title"]) == list(app.dataframe[1].value["Title"])


def test_report_page_offers_html_and_json(page) -> None:
    labels = [button.label for button in page("report").get("download_button")]
    assert "Save the report (HTML)" in labels and "Save the numbers (JSON)" in labels
    assert "Save a bundle for others" not in labels  # the demo is shipped without them


def test_report_page_offers_the_bundle_of_a_verification(page, demo: Path) -> None:
    run = RunHandle(demo / "runs/run-demo")
    run.write_bundle(pack(Bundle({})))
    assert "Save a bundle for others" in [button.label for button in page("report").get("download_button")]
    with pytest.raises(RunError, match="no bundle that its last verification signed"):  # the demo's entry names none
        queries.bundle(run)


def test_run_page_offers_svg_and_png_of_each_chart(page) -> None:
    labels = [button.label for button in page("run").get("download_button")]
    assert [label.split(" *")[0] for label in labels] == ["For print (SVG)", "For slides (PNG)"]
    assert all("Loss on the forget set" in label for label in labels)


def test_request_page_opens_a_request_for_all_data_of_a_user(page, demo: Path) -> None:
    before = len(Workspace(demo).requests())
    member = Workspace(demo).user_split.training_users[-1]
    app = page("request", user=member)
    app.text_area(key="request_reason").set_value("account closed")
    app.button[0].click().run()
    assert not app.exception and not app.error
    requests = Workspace(demo).requests()
    assert len(requests) == before + 1
    new = next(request for request in requests if request.users == (member,))
    assert new.reason == "account closed" and new.id in text_of(app)


def test_request_for_chosen_interactions_needs_at_least_one(page, demo: Path) -> None:
    workspace = Workspace(demo)
    member = workspace.user_split.training_users[-1]
    app = page("request", user=member)
    app.radio(key="request_scope").set_value("chosen").run()
    app.button[0].click().run()
    assert "names nobody" in app.error[0].value
    item = next(event.item for event in workspace.interactions if event.user == member)
    app.multiselect(key="request_items").set_value([item]).run()
    app.button[0].click().run()
    assert any(request.interactions == ((member, item),) for request in Workspace(demo).requests())


def test_request_page_makes_a_batch_that_holds_its_requests(page, demo: Path) -> None:
    workspace = Workspace(demo)
    names = [open_request(workspace, users=(user,)).id for user in workspace.user_split.training_users[-3:-1]]
    app = page("request")
    app.multiselect(key="batch_members").set_value(names).run()
    app.text_input(key="batch_id").set_value("batch-2026-11").run()
    app.button(key="make_batch").click().run()
    assert not app.exception and not app.error
    assert workspace.request("batch-2026-11").members == tuple(names)
    assert "2 requests together: all data of 2 users" in text_of(app)
    assert "In batch `batch-2026-11`" in text_of(page("review", request=names[0]))
    assert not set(names) & set(page("request").multiselect(key="batch_members").options)


def test_run_page_launches_shows_and_stops_a_run(page, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAUNCHERS, "local", Launcher(lambda folder, options: "", str, NEVER, externally_queued=False))
    known = {run.id for run in runs(Workspace(demo))}
    app = page("run")
    next(button for button in app.button if button.label == "Launch the run").click().run()
    assert not app.exception and not app.error
    run = next(run for run in runs(Workspace(demo)) if run.id not in known)
    assert run.spec.method == "cure_merge" and "waits for its turn" in app.title[0].value
    app.button(key="stop").click().run()
    assert run.status.state is RunState.CANCELLED


@pytest.mark.parametrize("query", [{"request": "req-genre"}, {"request": "req-genre", "method": "retrain"}])
def test_address_that_asks_for_a_launch_shows_the_form_and_no_other_run(demo: Path, query: dict[str, str]) -> None:
    app = open_page("run", query)
    assert app.title[0].value == t("run-form-lead", request=phrases.escape("req-genre"))
    assert "run-forgotten" not in text_of(app) and app.selectbox(key="pick_request").value == "req-genre"
    app.selectbox(key="pick_request").set_value("req-one").run()
    assert app.title[0].value == t("run-form-lead", request=phrases.escape("req-one"))
    assert "finished" in open_page("run", query | {"run": "run-demo"}).title[0].value
    assert open_page("run", {"method": "retrain"}).title[0].value.startswith("Launch a run for ")


def test_run_page_shows_an_error_of_core(page) -> None:
    app = page("run")
    app.segmented_control(key="device").set_value("cuda")
    next(button for button in app.button if button.label == "Launch the run").click().run()
    assert not app.exception
    assert "no CUDA device" in app.error[0].value.replace("\\", "")


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED, RunState.RUNNING])
def test_run_page_shows_why_a_run_did_not_finish(page, demo: Path, state: RunState) -> None:
    run = finished_run(demo)
    store, worker = run.store, replace(this_worker(), pid=2**22 + 1)
    store.add(run.id, "wish", externally_queued=False)
    store.register_worker(run.id, worker)
    token = store.claim(run.id, worker)
    if state is not RunState.RUNNING:
        store.end(run.id, token, RunStatus(state, message="The disk is full: free some space."))
    app = page("run", errors=True, run=run.id)
    assert app.title[0].value.startswith("The run ") and "finished" not in app.title[0].value
    assert ("died without a message" if state is RunState.RUNNING else "disk is full") in text_of(app)
    assert ("resume" in {button.key for button in app.button}) == (state is not RunState.CANCELLED)


def lost_run(demo: Path) -> RunHandle:
    """The demo's run as if its worker had died."""
    run = finished_run(demo)
    run.store.add(run.id, "wish", externally_queued=False)
    run.store.register_worker(run.id, dead := replace(this_worker(), pid=2**22 + 1))
    run.store.claim(run.id, dead)
    return run


def test_lost_run_is_resumed(page, demo: Path) -> None:
    run = lost_run(demo)
    app = page("run", errors=True, run=run.id)
    app.button(key="resume").click().run()
    assert not app.exception and open_ledger(run.workspace).facts(RESUMED, run.id) == [(run.id, "")]
    assert run.status.state is not RunState.LOST
    with suppress(RunError):  # its worker has ended already
        run.request_cancel()


def test_lost_run_is_given_up(page, demo: Path) -> None:
    run = lost_run(demo)
    page("run", errors=True, run=run.id).button(key="give_up").click().run()
    assert run.status.state is RunState.CANCELLED and not (run.path / "adapter").exists()
    assert open_ledger(run.workspace).facts(CANCELLED, run.id) == [(run.id, "")]


def test_run_that_ends_before_its_stop_is_shown_as_finished(page, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, worker, command = finished_run(demo), this_worker(), commands.run_command
    run.store.add(run.id, "wish", externally_queued=False)
    assert "free device" in page("run", run=run.id).get("progress")[0].proto.text
    run.store.register_worker(run.id, worker)
    assert "Starting" in page("run", run=run.id).get("progress")[0].proto.text
    token = run.store.claim(run.id, worker)
    app = page("run", run=run.id)

    def end_before_stop(*words: str) -> object:
        run.store.end(run.id, token, RunStatus(RunState.DONE, seconds=5))
        return command(*words)

    monkeypatch.setattr(commands, "run_command", end_before_stop)
    app.button(key="stop").click().run()
    assert not app.exception and "finished in 5 seconds" in app.title[0].value


@pytest.mark.parametrize("name", ["circuit", "before_after", "report"])
def test_run_without_results_is_shown_as_unfinished(page, demo: Path, name: str) -> None:
    for path in finished_run(demo).path.glob("*.json"):
        if path.name not in ("spec.json", "status.json"):
            path.unlink()
    title = page(name).title[0].value
    assert any(words in title for words in ("yet", "no report", "no circuit")), title


def test_workspace_without_runs_shows_every_page(page, demo: Path) -> None:
    (demo / "runs").rename(demo / "away")
    for name in PAGES:
        page(name)


@pytest.mark.parametrize("name", ["overview", "request", "circuit", "run", "review"])
def test_page_shows_the_others_where_one_entry_is_damaged(page, demo: Path, name: str) -> None:
    workspace = Workspace(demo)
    request, run = open_request(workspace, users=workspace.user_split.training_users[-1:]), finished_run(demo)
    workspace.layout.request(request.id).write_text("[]")
    for copied in ("run-torn", "run-cut"):
        shutil.copytree(run.path, run.path.with_name(copied))
        write_json(
            run.path.with_name(copied) / "spec.json", replace(run.spec, id=copied, created="2020-01-01T00:00:00")
        )
    (run.path.with_name("run-torn") / "spec.json").write_text("{")
    for damaged in ("verification.json", "evaluation.json", "groups.json", "forget.json"):
        (run.path.with_name("run-cut") / damaged).write_text("[7]")
    app = page(name, run=run.id)
    warned = "".join(one.value for one in app.warning).replace("\\", "")
    assert f"{request.id}.json is damaged" in warned and "run-torn/spec.json is damaged" in warned


def test_folder_that_is_no_workspace_shows_one_error(page, demo: Path) -> None:
    (demo / "workspace.json").unlink()
    app = page("overview", errors=True)
    assert "is not a workspace" in app.error[0].value.replace("\\", "")


def test_groups_page_shows_the_changes_of_an_edit(page, demo: Path) -> None:
    run = finished_run(demo)
    app = page("groups")
    assert "No module changes its group" in text_of(app)
    launch = next(button for button in app.button if button.label == "Launch a run with these groups")
    assert launch.disabled
    share = run.outcome.movable / run.outcome.total
    assert f"could change {share:.0%} of the adapter's parameters; this run could change {share:.0%}" in text_of(app)
    edited = text_of(page("groups", low="0.2", high="0.5"))
    after = regroup_run(run.layout, GroupEdit(run.id, 0.2, 0.5)).groups
    changed = sum(old.group is not new.group for old, new in zip(run.groups, after, strict=True))
    assert "No module changes" in edited if not changed else f"{changed} module" in edited or "One module" in edited


def test_module_is_moved_with_a_reason_and_the_run_launched(page, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAUNCHERS, "local", Launcher(lambda folder, options: "", str, NEVER, externally_queued=False))
    run = finished_run(demo)
    module = next(row.module for row in run.groups if row.group is Group.SHARED)
    app = page("groups", forget=module)
    move = next(button for button in app.button if button.label == "Move")
    assert app.multiselect[0].value == [module]
    app = move.click().run()
    assert "write a reason" in app.error[0].value
    app.text_input[0].set_value("a person knows")
    app = next(button for button in app.button if button.label == "Move").click().run()
    assert "a person knows" in text_of(app) and "One module changes its group" in text_of(app)
    next(button for button in app.button if button.label == "Launch a run with these groups").click().run()
    assert not app.exception and not app.error
    new = next(one for one in runs(Workspace(demo)) if one.id != run.id)
    assert new.spec.edit == GroupEdit(run.id, moves=(GroupMove(module, Group.FORGET, "a person knows"),))
    assert "one module moved" in text_of(app)


def test_move_of_a_module_can_be_undone(page, demo: Path) -> None:
    app = page("groups")
    app.multiselect[0].set_value(["m0"])
    app.text_input[0].set_value("why not")
    app = next(button for button in app.button if button.label == "Move").click().run()
    app = app.button(key="back_m0").click().run()
    assert "No module changes its group" in text_of(app)


def test_run_page_recommends_a_method_and_folds_the_others(page) -> None:
    app = page("run")
    assert "Method: **CURE, in weight space**. " in text_of(app) and "**Recommended**" in text_of(app)
    (folded,) = [one for one in app.expander if one.label == "Choose another method"]
    assert folded.radio(key="method").value == queries.DEFAULT_METHOD and not folded.proto.expanded
    (unfolded,) = [one for one in page("run", method="retrain").expander if one.label == "Choose another method"]
    assert unfolded.proto.expanded and unfolded.radio(key="method").value == "retrain"
