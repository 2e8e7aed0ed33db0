"""How the dashboard is served: Streamlit's settings, whatever folder it is started in, and the guards before it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
APP, DEMO = ROOT / "dashboard/server.py", ROOT / "assets/demo"
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
    assert started == [[sys.executable, "-P", "-m", "streamlit", "run", str(APP), "--server.port", "8501"]]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that a dashboard of a workspace prints, with its token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "core", "dashboard", "-w", str(DEMO), "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # the server is a child of the command
        server.wait(20)


def fetched(url: str, origin: str = "", jar: CookieJar | None = None) -> tuple[int, dict[str, str], str]:
    """Status, headers and address of the answer, after redirects."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    request = urllib.request.Request(url, headers={"Origin": origin} if origin else {})
    try:
        with browser.open(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.url
    except urllib.error.HTTPError as answer:
        return answer.code, dict(answer.headers), answer.url


def test_only_the_printed_address_admits_a_browser(address: str) -> None:
    place, jar = address.partition("?")[0], CookieJar()
    assert fetched(place)[0] == fetched(f"{place}_stcore/host-config")[0] == fetched(f"{place}?token=other")[0] == 403
    assert fetched(address, jar=jar)[::2] == (200, place)  # the token does not stay in the address
    assert fetched(f"{place}circuit?run=run-demo", jar=jar)[0] == 200
    cookie = next(one for one in jar if one.name.startswith("cure-lens"))
    assert cookie.has_nonstandard_attr("HttpOnly") and str(urlsplit(place).port) in cookie.name
    assert fetched(place)[0] == 403  # of another browser


def test_websocket_without_the_token_is_refused(address: str) -> None:
    place = urlsplit(address)
    asked = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port), timeout=20) as line:
        line.sendall(asked.encode())
        assert line.recv(12) == b"HTTP/1.1 403"


def test_other_origins_are_refused_on_this_machine_too(address: str) -> None:
    place, jar = address.partition("?")[0], CookieJar()
    fetched(address, jar=jar)
    assert fetched(place, place.rstrip("/"), jar)[0] == 200
    for origin in ("http://127.0.0.1:1", "http://localhost:9999", "https://example.org", "null", "http://[", "x"):
        assert fetched(place, origin, jar)[0] == 403, origin


def test_every_answer_forbids_frames_and_guessed_types_and_metrics_are_closed(address: str) -> None:
    place = address.partition("?")[0]
    for path in ("", "_stcore/health", "_stcore/metrics"):
        headers = fetched(place + path)[1]
        assert headers["content-security-policy"] == "frame-ancestors 'self'", path
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
    jar = CookieJar()
    fetched(address, jar=jar)
    assert fetched(f"{place}_stcore/metrics", jar=jar)[0] == 404
    assert fetched(f"{place}_stcore/health")[0] == 200
