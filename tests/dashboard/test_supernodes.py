"""Supernodes: their address, what is refused, their summed connections, their chart, and the section of the page."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from core.utils.text import one_line, visible
from dashboard import charts
from dashboard.presenters.chart_export import picture
from dashboard.presenters.supernodes import (
    LONGEST,
    MOST,
    added,
    effects,
    parsed,
    places,
    refusal,
    summed,
    written,
)
from dashboard.presenters.theme import LIGHT
from tests.dashboard.test_pages import text_of
from tests.dashboard.test_pure import CIRCUIT, MODULES
from tests.hostile import HOSTILE

FOUND = {"early": ("a0.h0", "m0"), "late": ("a1.h0", "m1")}
SHORT = sorted({one_line(text)[:LONGEST].strip() for text in HOSTILE} - {""})


def test_hostile_labels_come_back_from_the_address() -> None:
    for labels in (SHORT[start : start + MOST] for start in range(0, len(SHORT), MOST)):
        found = {label: (MODULES[index % len(MODULES)],) for index, label in enumerate(labels[: len(MODULES)])}
        assert parsed(written(found), MODULES) == (found, False)


@pytest.mark.parametrize("bad", HOSTILE)
def test_label_is_one_visible_line(bad: str) -> None:
    label = one_line(bad)
    assert label == visible(label) and "\n" not in label and label == label.strip()


@pytest.mark.parametrize("text", [*HOSTILE, ":", ";;", "x:a9.h9", f"{'x' * 99}:m0", ":m0", "a:m0;b", "%ff:m0,%zz"])
def test_any_address_is_read_without_an_error(text: str) -> None:
    found, lost = parsed(text, MODULES)
    assert lost or not text.strip(";") or found
    assert all(own and set(own) <= set(MODULES) and len(label) <= LONGEST for label, own in found.items())


def test_module_moves_to_its_new_supernode_and_an_empty_one_goes() -> None:
    found = added(added(FOUND, "mine", ["a0.h0"]), "late", ["m0"])
    assert found == {"late": ("a1.h0", "m1", "m0"), "mine": ("a0.h0",)}


@pytest.mark.parametrize(
    ("label", "modules", "found", "sentence"),
    [
        (" \u202e ", ["m0"], {}, "Type a label"),
        ("x" * 41, ["m0"], {}, "The label has 41 characters: shorten it to 40."),
        ("x", [], {}, "Choose the modules"),
        ("x", ["m0"], {str(number): ("m1",) for number in range(MOST)}, "There are 12 supernodes"),
    ],
)
def test_refusal_is_one_sentence(label: str, modules: list[str], found: dict, sentence: str) -> None:
    said = refusal(label, modules, found)
    assert said.startswith(sentence) and said.count(". ") == 0 and said.endswith(".")


def test_connections_are_summed_with_their_signs() -> None:
    edges = {(edge.source, edge.target): (edge.score, edge.count) for edge in summed(CIRCUIT.edges, FOUND)}
    assert edges == {
        (2, 3): (pytest.approx(0.9), 1),
        (0, 1): (pytest.approx(0.4), 1),
        (1, 2): (pytest.approx(0.2 - 0.3), 2),
    }
    assert summed(CIRCUIT.edges, {"all": tuple(MODULES)})[0].score == pytest.approx(0.9)
    assert effects(CIRCUIT, FOUND) == pytest.approx([0.5 + 0.1, 0.3 - 0.6])


def test_supernodes_stand_by_their_layers_without_overlap() -> None:
    spots = places({"late": ("m1",), "early": ("a0.h0",), "twin": ("a0.h1",)})
    (_, history), (_, late), (left, early), (right, twin), (_, prediction) = spots
    assert history < early == twin < late < prediction and left < right
    rows = sorted({up for _, up in spots})
    assert all(high - low == 1 for low, high in pairwise(rows))


def test_chart_names_the_supernodes_and_both_ends() -> None:
    found = {SHORT[0]: ("a0.h0",), "late": ("m1", "a1.h0")}
    drawn = ElementTree.fromstring(picture(charts.supernodes(CIRCUIT, found), "svg", LIGHT))
    texts = {"".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"2 late", "user history", "prediction", "supports the prediction"} <= texts


def test_page_shows_supernodes_of_the_address(page) -> None:
    label = "reads *genre* :x: <b>"
    app = page("circuit", supernodes=written({label: ("a2.h6", "m1")}))
    assert "reads \\*genre\\* " in text_of(app) and "head 6 of layer 2, MLP of layer 1" in text_of(app)
    assert not app.warning


def test_page_says_that_the_address_names_unknown_modules(page) -> None:
    app = page("circuit", supernodes="mine:a2.h6,a99.h1")
    assert [one.value for one in app.warning] == [
        "The address names supernodes or modules that cannot be shown here: they are left out."
    ]


def test_form_keeps_supernodes_in_the_address_and_removes_them(page) -> None:
    app = page("circuit", module="a2.h6")
    app.text_input[0].set_value("mine")
    next(one for one in app.button if one.label == "Put them under this label").click().run()
    assert app.query_params["supernodes"] == "mine:a2.h6" and not app.exception
    next(one for one in app.button if one.label.startswith("Remove")).click().run()
    assert "supernodes" not in app.query_params and not app.exception
    next(one for one in app.button if one.label == "Put them under this label").click().run()
    assert [one.value for one in app.error] == ["Type a label, such as “reads the genre”."]
