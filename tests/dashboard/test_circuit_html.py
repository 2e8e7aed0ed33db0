"""The stand-alone page of the circuit holds the explorer's script, its data and nothing from the network."""

import json
import re

from dashboard.components.explorer import explorer_page
from dashboard.presenters.circuit_scene import scene, texts
from tests.dashboard.test_pure import CIRCUIT, GROUPS

HTML = explorer_page(scene(CIRCUIT, GROUPS) | {"texts": texts()})


def test_page_draws_the_data_of_the_scene() -> None:
    (data,) = re.findall(r"draw\(\{data: (.*), setStateValue", HTML)
    shown = json.loads(data)
    assert {name: shown[name] for name in ("nodes", "edges", "signs")} == {
        name: json.loads(json.dumps(scene(CIRCUIT, GROUPS)[name])) for name in ("nodes", "edges", "signs")
    }
    assert "file" not in shown  # its drawing cannot be saved from a sandboxed frame


def test_script_runs_outside_streamlit() -> None:
    assert HTML.count("const draw = function ({") == 1 and "export default" not in HTML
    assert ":host" not in HTML and ":root {" in HTML


def test_page_names_no_address() -> None:
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", HTML))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # the name of SVG, which nothing loads
