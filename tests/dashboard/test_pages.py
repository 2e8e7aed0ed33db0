"""Every page on the finished demo run: what it says first, what it does, what it says when something is wrong."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.grouping.regroup import regrouped
from core.runs.handle import RunHandle, runs
from core.runs.launchers import LAUNCHERS, Launcher
from core.runs.process_identity import this_worker
from core.types import Group, GroupEdit, MemoryContrast, Move, RunState, RunStatus
from core.utils.serialization import write_json
from core.workspace import Workspace
from dashboard.presenters import phrases
from dashboard.services import models

PAGES = ("overview", "request", "circuit", "what_if", "groups", "run", "before_after", "review", "report", "benchmark")

NEVER = lambda job, options: False  # noqa: E731 - is a job over?


def said(app: AppTest) -> str:
    """All text that a page shows as Markdown or as it is."""
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


def done(demo: Path) -> RunHandle:
    return next(run for run in runs(Workspace(demo)) if run.status.state is RunState.DONE)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_with_one_sentence_and_never_judges(page, name: str) -> None:
    app = page(name)
    assert len(app.title) == 1 and app.title[0].value[-1] in ".?"
    assert "complian" not in said(app).lower()


def test_overview_counts_requests_and_shows_the_finished_run(page, demo: Path) -> None:
    app = page("overview")
    assert f"{len(Workspace(demo).user_split.members)} users" in app.title[0].value
    assert done(demo).id in said(app) and "Next:" in said(app)


def test_a_run_that_asked_what_remembers_shows_that_in_place_of_a_circuit(page, demo: Path) -> None:
    own = done(demo).path
    for name in ("forget.json", "retain.json", "groups.json"):
        (own / name).unlink()
    places = [("a0.h0", 0.3, 0.0, 0.1), ("a0.h1", 0.3, 0.2, 0.05), ("m0", 0.1, 0.1, 0.05), ("m1", 0.0, 0.0, 0.1)]
    found = [MemoryContrast(name, forget, holdout, noise, noise) for name, forget, holdout, noise in places]
    write_json(own / "memory.json", found)
    app = page("circuit")
    assert app.title[0].value.startswith("2 of 4 modules of the model remember")
    frame = app.dataframe[0].value
    assert (
        list(frame["Group"]) == ["forget", "shared", "retain", "outside"]
        and frame["Difference"].is_monotonic_decreasing
    )


def test_circuit_counts_the_parts_of_the_forget_group(page, demo: Path) -> None:
    groups = done(demo).groups or ()
    app = page("circuit")
    own = sum(group.group is Group.FORGET for group in groups)
    assert f"{own or 'None'} of" in app.title[0].value and str(len(groups)) in app.title[0].value
    assert len(app.dataframe[0].value) == len(groups)


def test_circuit_of_everyone_else_can_be_drawn(page) -> None:
    app = page("circuit")
    assert not app.selectbox(key="pick_set").set_value("retain").run().exception


def test_a_part_in_the_address_is_told_in_full(page, demo: Path) -> None:
    run = done(demo)
    named = {name for name, one in run.toward.items() if one.raised and one.lowered}
    row = next(row for row in run.groups if row.group is Group.FORGET and row.module in named)
    shown = said(page("circuit", module=row.module))
    toward = run.toward[row.module]
    assert f"{row.forget:.1%} for the forget set" in shown
    assert (
        f"{row.membership_probability:.0%} of the bootstrap samples" in shown
        and "The run changed its weights by" in shown
    )
    assert phrases.escape(toward.raised[0].title) in shown and phrases.escape(toward.lowered[0].title) in shown
    outside = next(row for row in run.groups if row.group is Group.OUTSIDE)
    assert "unchanged, bit for bit" in said(page("circuit", module=outside.module))


def test_a_part_that_is_not_there_opens_the_page_without_one(page) -> None:
    assert "Select a module" in [heading.value for heading in page("circuit", module="a9.h9").subheader]


def test_two_runs_circuits_are_compared(page, demo: Path) -> None:
    run = done(demo)
    shutil.copytree(run.path, run.path.with_name("run-other"))
    other = RunHandle(run.path.with_name("run-other"))
    other.write_spec(replace(run.spec, id="run-other"))
    forget = run.circuits[0]
    write_json(other.layout.forget, replace(forget, members=forget.members[2:]))
    shown = said(page("circuit", run=run.id, other="run-other"))
    assert (
        f"{len(forget.members) - 2} modules are in both circuits, 2 only in this run's, 0 only in the other run's"
        in shown
    )


def test_circuit_says_how_sure_it_is_and_what_its_parts_read(page) -> None:
    app = page("circuit")
    assert "share" in said(app) and "less certain group" in said(app)
    assert "What the modules read" in [heading.value for heading in app.subheader]
    assert app.dataframe[0].value["Certainty"].between(0, 1).all()


def test_before_and_after_shows_three_lists_for_kept_and_for_any_person(page, demo: Path) -> None:
    app = page("before_after")
    people = app.selectbox(key="pick_person").options
    assert len(people) == len(Workspace(demo).user_split.members) and "forgotten user" in people[0]
    for user in (people[1], people[-1]):
        app.selectbox(key="pick_person").set_value(user.split(" ")[0]).run()
        assert not app.exception
        assert [len(frame.value) for frame in app.dataframe[:3]] == [10, 10, 10]
    app.selectbox(key="pick_length").set_value("20").run()
    assert [len(frame.value) for frame in app.dataframe[:3]] == [20, 20, 20]


def test_the_models_give_the_lists_that_the_run_kept(page, demo: Path) -> None:
    """Two ways to one list: what the evaluation wrote, and what the models in memory say now."""
    run = done(demo)
    for kept in run.evaluation.lists[:2]:
        found = models.lists(run, kept.user, 10)
        for name, rows in (("original", kept.original), ("unlearned", kept.unlearned), ("reference", kept.reference)):
            assert [row.item for row in found[name]] == [row.item for row in rows]


def test_everyones_lists_are_summed_up_or_offered(page, demo: Path) -> None:
    assert "other users stay" in said(page("before_after"))
    (done(demo).path / "overlap.json").unlink()
    (done(demo).path / "overlap-status.json").unlink()
    app = page("before_after")
    assert "Compare all lists" in [button.label for button in app.button]


def test_what_if_starts_from_its_address(page, demo: Path) -> None:
    run = done(demo)
    part = next(row.module for row in run.groups if row.group is Group.FORGET)
    user = Workspace(demo).user_split.members[3]
    app = page("what_if", off=f"{part},nonsense", out="2", person=user)
    assert "With one module off and one title left out" in said(app)
    answer = models.what_if(run, "original", user, {2}, {part}, 10)
    assert list(app.dataframe[1].value["Title"]) == [row.title for row in answer.after]
    assert list(app.dataframe[0].value["Title"]) == [row.title for row in answer.before]


def test_what_if_without_switches_shows_one_list_twice(page, demo: Path) -> None:
    app = page("what_if")
    assert "Nothing is off" in said(app)
    assert list(app.dataframe[0].value["Title"]) == list(app.dataframe[1].value["Title"])


def test_report_offers_both_files(page) -> None:
    labels = [button.label for button in page("report").get("download_button")]
    assert "Save the report (HTML)" in labels and "Save the numbers (JSON)" in labels


def test_the_chart_of_a_run_can_be_saved_and_says_which_it_is(page) -> None:
    labels = [button.label for button in page("run").get("download_button")]
    assert [label.split(" *")[0] for label in labels] == ["For print (SVG)", "For slides (PNG)"] * 2  # losses, conflict
    assert all("Loss on the forget set" in label for label in labels[:2])
    assert all("the forget and retain gradients" in label for label in labels[2:])


def test_a_request_for_everything_is_opened_and_offered_to_launch(page, demo: Path) -> None:
    before = len(Workspace(demo).requests())
    member = Workspace(demo).user_split.members[-1]
    app = page("request", user=member)
    app.text_area(key="request_reason").set_value("account closed")
    app.button[0].click().run()
    assert not app.exception and not app.error
    newest = Workspace(demo).requests()
    assert len(newest) == before + 1
    opened = next(request for request in newest if request.users == (member,))
    assert opened.reason == "account closed" and opened.id in said(app)


def test_chosen_interactions_need_at_least_one(page, demo: Path) -> None:
    workspace = Workspace(demo)
    member = workspace.user_split.members[-1]
    app = page("request", user=member)
    app.radio(key="request_scope").set_value("chosen").run()
    app.button[0].click().run()
    assert "names nobody" in app.error[0].value
    item = next(event.item for event in workspace.interactions if event.user == member)
    app.multiselect(key="request_items").set_value([item]).run()
    app.button[0].click().run()
    assert any(request.interactions == ((member, item),) for request in Workspace(demo).requests())


def test_a_run_is_launched_watched_and_stopped(page, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAUNCHERS, "local", Launcher(lambda folder, options: "", str, NEVER, externally_queued=False))
    known = {run.id for run in runs(Workspace(demo))}
    app = page("run")
    next(button for button in app.button if button.label == "Launch the run").click().run()
    assert not app.exception and not app.error
    folder = next(run for run in runs(Workspace(demo)) if run.id not in known)
    assert folder.spec.method == "cure" and "waits for its turn" in app.title[0].value
    app.button(key="stop").click().run()
    assert folder.status.state is RunState.CANCELLED


def test_an_error_of_the_core_is_shown_as_its_sentence(page) -> None:
    app = page("run")
    app.segmented_control(key="device").set_value("cuda")
    next(button for button in app.button if button.label == "Launch the run").click().run()
    assert not app.exception
    assert "no CUDA device" in app.error[0].value.replace("\\", "")


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED, RunState.RUNNING])
def test_a_run_that_did_not_finish_says_why(page, demo: Path, state: RunState) -> None:
    run = done(demo)
    store, worker = run.store, replace(this_worker(), pid=2**22 + 1)
    store.add(run.id, "wish", externally_queued=False)
    store.enlist(run.id, worker)
    token = store.claim(run.id, worker)
    if state is not RunState.RUNNING:
        store.end(run.id, token, RunStatus(state, message="The disk is full: free some space."))
    app = page("run", errors=True, run=run.id)
    assert app.title[0].value.startswith("The run ") and "finished" not in app.title[0].value
    assert ("died without a message" if state is RunState.RUNNING else "disk is full") in said(app)
    assert ("resume" in {button.key for button in app.button}) == (state is not RunState.CANCELLED)


def test_a_lost_run_is_given_up_or_gone_on_with(page, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setitem(LAUNCHERS, "local", Launcher(lambda folder, options: started.append(folder) or "", str, NEVER))
    run = done(demo)
    run.store.add(run.id, "wish", externally_queued=False)
    run.store.enlist(run.id, dead := replace(this_worker(), pid=2**22 + 1))
    run.store.claim(run.id, dead)
    app = page("run", errors=True, run=run.id)
    app.button(key="resume").click().run()
    assert run.status.state is RunState.QUEUED and len(started) == 1 and "waits for its turn" in app.title[0].value
    run.store.enlist(run.id, dead)
    page("run", errors=True, run=run.id).button(key="give_up").click().run()
    assert run.status.state is RunState.CANCELLED and not (run.path / "adapter").exists()


def test_a_run_that_ended_before_it_could_be_stopped_is_shown_as_it_ended(
    page, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, worker, stop = done(demo), this_worker(), RunHandle.request_cancel
    run.store.add(run.id, "wish", externally_queued=False)
    assert "Starting" in page("run", run=run.id).get("progress")[0].proto.text
    run.store.enlist(run.id, worker)
    assert "free device" in page("run", run=run.id).get("progress")[0].proto.text
    token = run.store.claim(run.id, worker)
    app = page("run", run=run.id)

    def late(folder: RunHandle) -> None:
        run.store.end(run.id, token, RunStatus(RunState.DONE, seconds=5))
        stop(folder)

    monkeypatch.setattr(RunHandle, "request_cancel", late)
    app.button(key="stop").click().run()
    assert not app.exception and "finished in 5 seconds" in app.title[0].value


@pytest.mark.parametrize("name", ["circuit", "before_after", "report"])
def test_a_run_without_results_names_the_next_step(page, demo: Path, name: str) -> None:
    for path in done(demo).path.glob("*.json"):
        if path.name not in ("spec.json", "status.json"):
            path.unlink()
    assert "not there yet" in said(app := page(name)) or "yet" in app.title[0].value


def test_a_workspace_without_runs_says_what_to_do(page, demo: Path) -> None:
    (demo / "runs").rename(demo / "away")
    for name in PAGES:
        page(name)


def test_a_folder_that_is_no_workspace_is_one_sentence(page, demo: Path) -> None:
    (demo / "workspace.json").unlink()
    app = page("overview", errors=True)
    assert "is not a workspace" in app.error[0].value.replace("\\", "")


def test_groups_start_from_the_rule_and_say_what_an_edit_changes(page, demo: Path) -> None:
    run = done(demo)
    app = page("groups")
    assert "No module changes its group" in said(app)
    launch = next(button for button in app.button if button.label == "Launch a run with these groups")
    assert launch.disabled
    share = run.outcome.movable / run.outcome.total
    assert f"could change {share:.0%} of the adapter's parameters; this run could change {share:.0%}" in said(app)
    edited = said(page("groups", low="0.2", high="0.5"))
    after = regrouped(run.layout, GroupEdit(run.id, 0.2, 0.5)).groups
    changed = sum(old.group is not new.group for old, new in zip(run.groups, after, strict=True))
    assert "No module changes" in edited if not changed else f"{changed} module" in edited or "One module" in edited


def test_a_part_is_moved_with_a_reason_and_launched(page, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAUNCHERS, "local", Launcher(lambda folder, options: "", str, NEVER, externally_queued=False))
    run = done(demo)
    part = next(row.module for row in run.groups if row.group is Group.SHARED)
    app = page("groups", forget=part)
    move = next(button for button in app.button if button.label == "Move")
    assert app.multiselect[0].value == [part]
    app = move.click().run()
    assert "write a reason" in app.error[0].value
    app.text_input[0].set_value("a person knows")
    app = next(button for button in app.button if button.label == "Move").click().run()
    assert "a person knows" in said(app) and "One module changes its group" in said(app)
    next(button for button in app.button if button.label == "Launch a run with these groups").click().run()
    assert not app.exception and not app.error
    new = next(one for one in runs(Workspace(demo)) if one.id != run.id)
    assert new.spec.edit == GroupEdit(run.id, moves=(Move(part, Group.FORGET, "a person knows"),))
    assert "one module moved" in said(app)


def test_a_move_can_be_taken_back(page, demo: Path) -> None:
    app = page("groups")
    app.multiselect[0].set_value(["m0"])
    app.text_input[0].set_value("why not")
    app = next(button for button in app.button if button.label == "Move").click().run()
    app = app.button(key="back_m0").click().run()
    assert "No module changes its group" in said(app)
