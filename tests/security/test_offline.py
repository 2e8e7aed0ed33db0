"""A worker asks nobody: the model libraries in its process, and in what the dashboard starts, are offline by default."""

import os
import subprocess
import sys

import pytest

from core.cli.options import OFFLINE

# The worker's own command, with a look at the library where its work would begin.
LOOK = """
import sys, types, core.cli.app as line
from importlib import import_module
def work(folder):
    print("offline", import_module("huggingface_hub.constants").HF_HUB_OFFLINE)
sys.modules["core.runs.worker"] = types.SimpleNamespace(work=work)
line.app(["worker", sys.argv[1]])
"""


@pytest.mark.parametrize(("wanted", "said"), [({}, "offline True"), ({"HF_HUB_OFFLINE": "0"}, "offline False")])
def test_a_worker_is_offline_unless_somebody_says_otherwise(tmp_path, wanted: dict[str, str], said: str) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in OFFLINE}
    if wanted:
        clean |= wanted | {"TRANSFORMERS_OFFLINE": "0"}
    (tmp_path / "workspace.json").touch()
    run = str(tmp_path / "runs" / "run")
    done = subprocess.run([sys.executable, "-c", LOOK, run], env=clean, capture_output=True, text=True)
    assert said in done.stdout, done.stderr


def test_what_the_dashboard_starts_is_offline(tmp_path, monkeypatch) -> None:
    import core.cli.app as line

    (tmp_path / "workspace.json").touch()
    for name in OFFLINE:
        monkeypatch.delenv(name, raising=False)
    seen: dict[str, str] = {}
    monkeypatch.setattr("subprocess.call", lambda command, env: seen.update(env) or 0)
    with pytest.raises(SystemExit):
        line.app(["dashboard", "--workspace", str(tmp_path)])
    assert {seen[name] for name in OFFLINE} == {"1"}
