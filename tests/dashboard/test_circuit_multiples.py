"""Circuits side by side: every module at its place, members marked by group, and what the circuits have in common."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.runs.handle import RunHandle
from core.types import Circuit, Group, ModuleGroup
from core.utils.serialization import write_json
from dashboard import charts
from dashboard.presenters.phrases import GROUP_NAMES, module_title
from tests.dashboard.conftest import Page
from tests.dashboard.test_pages import text_of
from tests.dashboard.test_pure import CIRCUIT, GROUPS


def test_each_module_stands_at_its_place_with_its_group_and_effect() -> None:
    data = charts.members(CIRCUIT, GROUPS).data.set_index("module")
    assert len(data) == len(CIRCUIT.modules)
    for (name, score), row in zip(CIRCUIT.score_by_module.items(), GROUPS, strict=True):
        found = data.loc[module_title(name)]
        layer, head = [*name[1:].split(".h"), "2"][:2]  # the model has heads 0 and 1; MLPs stand at 2
        assert (found.column, found.layer) == (int(head), int(layer))
        assert (found.member, found.strength) == (name in CIRCUIT.members, abs(score))
        assert found.group == GROUP_NAMES[row.group]


@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (32, 32), (60, 32)])
def test_marks_of_neighbours_do_not_touch(layers: int, heads: int) -> None:
    """The largest mark is narrower than the distance of two modules, on half a page of a wide screen."""
    modules = tuple(f"a{layer}.h{head}" for layer in range(layers) for head in range(heads))
    modules += tuple(f"m{layer}" for layer in range(layers))
    empty = dict.fromkeys(("edges", "curve", "membership_probability", "reads"), ())
    circuit: Circuit = replace(CIRCUIT, modules=modules, scores=(0.5,) * len(modules), members=modules, **empty)
    groups = tuple(ModuleGroup(name, Group.FORGET, 0.2, 0.1, 2 / 3, 0.05, 0.1) for name in modules)
    spec = charts.members(circuit, groups).to_dict()
    least, most = spec["layer"][1]["encoding"]["size"]["scale"]["range"]
    assert 0 < least < most
    assert most**0.5 < min(240 / layers, 440 / (heads + 1))


def test_page_says_what_the_circuits_have_in_common(page: Page, demo: Path) -> None:
    run = RunHandle(demo / "runs/run-demo")
    forget, retain = (set(circuit.members) for circuit in run.circuits)
    shown = text_of(page("circuit"))
    assert f"hold {len(forget | retain)} modules; {len(forget & retain)} of these are in both" in shown
    assert "To compare two runs" in shown

    shutil.copytree(run.path, run.path.with_name("run-other"))
    other = RunHandle(run.path.with_name("run-other"))
    other.write_spec(replace(run.spec, id="run-other"))
    write_json(other.layout.forget, replace(run.circuits[0], members=run.circuits[0].members[2:]))
    shown = text_of(page("circuit", other="run-other"))
    for name, kept, both in (("forget", forget, len(forget) - 2), ("retain", retain, len(retain))):
        assert f"For the {name} set, both runs' circuits hold {len(kept)} modules together; {both} of these" in shown
    assert "To compare two runs" not in shown
    for circuit in (*run.circuits, *other.circuits):
        assert f"{len(circuit.members)} of {len(circuit.modules)} modules keep {circuit.faithfulness:.0%}" in shown
