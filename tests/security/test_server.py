"""How the dashboard is served: read by Streamlit itself from the shipped settings, whatever folder it is started in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "dashboard/app.py"
SETTINGS = {
    "server.address": "127.0.0.1",
    "server.allowedHosts": ["localhost", "127.0.0.1"],
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.enableStaticServing": False,
    "server.maxUploadSize": 20,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.disableDataExport": True,
}
# As `streamlit run` reads them: it names the script first, and then parses the files.
READ = (
    "import json, sys; from streamlit import config; config._main_script_path = sys.argv[1];"
    "print(json.dumps({name: config.get_option(name) for name in sys.argv[2:]}))"
)


def read(folder: Path) -> dict:
    """The settings that Streamlit finds when it is started in `folder` by somebody whose own settings are there too."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    asked = [sys.executable, "-c", READ, str(APP), *SETTINGS]
    done = subprocess.run(
        asked, cwd=folder, env=environment | {"HOME": str(folder)}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_streamlit_reads_what_is_shipped(tmp_path: Path) -> None:
    assert read(tmp_path) == SETTINGS


def test_a_careless_file_where_it_is_started_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit/config.toml").write_text(
        '[server]\naddress = "0.0.0.0"\nenableCORS = false\nenableXsrfProtection = false\nenableStaticServing = true\n'
        'maxUploadSize = 2000\n[browser]\ngatherUsageStats = true\n[client]\nshowErrorDetails = "full"\n'
    )
    assert read(tmp_path) == SETTINGS


@pytest.mark.parametrize("command", [["demo"], ["dashboard", "--workspace", "w"]])
def test_our_commands_start_that_script(command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import core.cli.app as line

    (tmp_path / "w").mkdir()
    (tmp_path / "w/workspace.json").touch()
    monkeypatch.chdir(tmp_path)
    started: list[list[str]] = []
    monkeypatch.setattr("subprocess.call", lambda asked, env: started.append(asked) or 0)
    with pytest.raises(SystemExit):
        line.app(command)
    assert started == [[sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", "8501"]]
