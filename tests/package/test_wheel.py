"""The wheel in an environment without the checkout: console script, demo, assets and dashboard pages."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest

import core
from core.utils.hashing import sha256_of_file

ROOT = Path(__file__).parents[2]
SOURCES = ("core", "dashboard", "assets", "benchmarks/unlearning")
FILES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
PATIENCE = 120  # seconds until the server must answer
# Opens a page as Streamlit does, and fails if it shows an exception.
OPEN_PAGE = """
import sys, core, dashboard
from streamlit.testing.v1 import AppTest
page = AppTest.from_file(dashboard.__path__[0] + "/app.py", default_timeout=120)
page = page.run() if sys.argv[1] == "overview" else page.run().switch_page(f"screens/{sys.argv[1]}.py").run()
assert not page.exception, page.exception
"""


@dataclass(frozen=True)
class Environment:
    """An environment with the wheel, and an empty folder to work in."""

    folder: Path
    cwd: Path

    def command(self, name: str, *arguments: str) -> list[str]:
        return [str(self.folder / "bin" / name), *arguments]

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables without the checkout on the path and without existing keys."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CURE_LENS"))}
        return kept | {"HOME": str(self.cwd), "CURE_LENS_KEYS": str(self.folder / "keys"), "OMP_NUM_THREADS": "1"}

    def run(self, name: str, *arguments: str, **variables: str) -> str:
        """Run a command to its end and return what it printed."""
        result = subprocess.run(
            self.command(name, *arguments),
            cwd=self.cwd,
            env=self.variables | variables,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources so that the checkout stays clean."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel in a new environment that finds the libraries of this one, but not its editable install."""
    folder, cwd = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("empty")
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A plain path in a .pth file adds the libraries; the .pth file of the editable install among them is not read.
    libraries = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    (packages / "libraries.pth").write_text("\n".join(sorted(libraries)) + "\n")
    return Environment(folder, cwd)


@pytest.fixture(scope="module")
def address(installed: Environment) -> Iterator[str]:
    """The dashboard as `cure-lens demo` serves it from an empty folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        installed.command("cure-lens", "demo", "--port", str(port)),
        cwd=installed.cwd,
        env=installed.variables | {"STREAMLIT_SERVER_HEADLESS": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def response_body(address: str) -> str:
    """Return the response body of an address, waiting up to PATIENCE seconds for the server."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(address) as reply:
                return str(reply.read(), "utf-8")
        except URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


@pytest.mark.slow
def test_wheel_holds_assets_and_types_but_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    demo = [path.relative_to(ROOT / "assets/demo") for path in (ROOT / "assets/demo").rglob("*") if path.is_file()]
    assert demo and {f"core/assets/demo/{path}" for path in demo} <= names
    assert {"core/py.typed", "dashboard/py.typed", "core/assets/icon.png", "dashboard/.streamlit/config.toml"} <= names
    assert any(name.startswith("core/assets/benchmark/") for name in names)
    assert not any(name.startswith(("tests", "benchmarks", "assets")) for name in names)
    assert wheel.name.startswith(f"cure_lens-{core.__version__}-")


@pytest.mark.slow
def test_code_and_assets_come_from_the_wheel(installed: Environment) -> None:
    code = (
        "import core, dashboard; from core.utils.assets import asset, checkout;"
        "print(core.__file__, dashboard.__file__, asset('demo'), asset('benchmark'), asset('icon.png'), sep='\\n');"
        "assert checkout() is None and core.unlearn"
    )
    paths = [Path(line) for line in installed.run("python", "-c", code).splitlines()]
    assert all(path.exists() and installed.folder in path.parents for path in paths)
    assert not any(ROOT in path.parents for path in paths)


@pytest.mark.slow
def test_demo_is_served_and_commands_run(address: str, installed: Environment) -> None:
    assert response_body(f"{address}/_stcore/health") == "ok"
    assert "<title>" in response_body(address)
    report = installed.run("cure-lens", "report", "-w", ".demo", "--run", "run-demo")
    assert "Item-mean baseline" in report
    assert "cure-lens" in installed.run("cure-lens", "--help")
    assert "--editable" not in installed.run("cure-lens", "doctor", "--json")


@pytest.mark.slow
@pytest.mark.parametrize("page", ["overview", "benchmark"])
def test_dashboard_page_opens(page: str, address: str, installed: Environment) -> None:
    response_body(f"{address}/_stcore/health")
    workspace = str(installed.cwd / ".demo")
    installed.run("python", "-c", OPEN_PAGE, page, CURE_LENS_WORKSPACE=workspace)


@pytest.mark.slow
def test_ledger_hashes_the_prompt_template_of_the_wheel(installed: Environment) -> None:
    code = (
        "from core.data.templates import FILMS; from core.runs import software; "
        "from core.utils.hashing import sha256_of_file;"
        "print(sha256_of_file(FILMS), software._commit())"
    )
    assert installed.run("python", "-c", code).split() == [sha256_of_file(ROOT / "core/data/templates.toml"), "None"]
