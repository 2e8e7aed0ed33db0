"""Versions with known holes are neither asked for nor here."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
FLOORS = {
    "streamlit": "1.58",
    "starlette": "1.3.1",
    "authlib": "1.6.9",
    "torch": "2.10",
    "transformers": "5.10",
    "python-multipart": "0.0.18",
}
OPTIONAL = {"authlib"}  # of an extra that the tests do not need; CI has it


def stated() -> dict[str, list[Requirement]]:
    """Everything that pyproject.toml asks for, by name."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    found: dict[str, list[Requirement]] = {}
    for lines in (project["dependencies"], *project["optional-dependencies"].values()):
        for asked in map(Requirement, lines):
            found.setdefault(canonicalize_name(asked.name), []).append(asked)
    return found


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
def test_the_floor_is_stated(name: str, floor: str) -> None:
    asked = stated()[name]
    lows = [one.version for requirement in asked for one in requirement.specifier if one.operator == ">="]
    assert len(lows) == len(asked) and min(map(Version, lows)) >= Version(floor)


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
def test_what_is_installed_is_above_it(name: str, floor: str) -> None:
    try:
        assert Version(version(name)) >= Version(floor)
    except PackageNotFoundError:
        if name not in OPTIONAL:
            raise
        pytest.skip(f"{name} is not installed")


def test_the_pins_are_above_it() -> None:
    pins = PROJECT.with_name("constraints.txt").read_text(encoding="utf-8").splitlines()
    found = dict(line.split(";")[0].split("==") for line in pins if "==" in line and not line.startswith("#"))
    pinned = {canonicalize_name(name): Version(pin.strip()) for name, pin in found.items()}
    assert [name for name, floor in FLOORS.items() if pinned[name] < Version(floor)] == []


def test_ci_has_all_that_has_a_floor() -> None:
    extras = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    names = {extra: {canonicalize_name(Requirement(one).name) for one in lines} for extra, lines in extras.items()}
    (asked,) = re.findall(r"'\.\[([\w,]+)\]'", PROJECT.with_name(".ci").joinpath("run").read_text(encoding="utf-8"))
    assert {extra for extra, found in names.items() if found & set(FLOORS)} <= set(asked.split(","))
