"""Load test of the dashboard with ten sessions at once: time and bytes of each page, and memory growth of the server.

    python benchmarks/sessions.py        writes benchmarks/sessions.md; about 5 minutes on two cores

A session uses Streamlit's own protocol over loopback, as a browser does: it opens a websocket, requests a rerun with the
page's name, and reads messages until the script has finished. In one part, sessions never pause; in another part, they
pause as readers do. Client and server share the cores.
"""

import argparse
import asyncio
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from random import Random

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.browser import PAGES, served  # noqa: E402

DEMO = ROOT / "assets/demo"
QUERIES = {"request": "user=u254"}  # without a chosen user, the page is nearly empty
SESSIONS, ROUNDS, TIMEOUT = 10, 10, 120.0
PAUSE, READING_ROUNDS = 8.0, 3  # mean seconds that a reader spends on a page
MEBI = 2**20


@dataclass(frozen=True)
class Visit:
    """One page opened by one session.

    Attributes:
        page: Name of the page.
        seconds: Seconds until the script had finished.
        size: Bytes received, before compression.
        error: Description of the failure; empty if the visit succeeded.
    """

    page: str
    seconds: float
    size: int
    error: str


async def visit(line: ClientConnection, page: str) -> Visit:
    """Open a page and read messages until its script has finished."""
    request = BackMsg()
    request.rerun_script.page_name = "" if page == "overview" else page
    request.rerun_script.query_string = QUERIES.get(page, "")
    begin, size, errors, titles = time.perf_counter(), 0, [], 0
    await line.send(request.SerializeToString())
    while True:
        data = await asyncio.wait_for(line.recv(decode=False), TIMEOUT)
        message, size = ForwardMsg.FromString(data), size + len(data)
        kind = message.WhichOneof("type")
        if kind == "delta":
            element = message.delta.new_element
            titles += element.heading.tag == "h1"
            errors += [element.exception.type] if element.WhichOneof("type") == "exception" else []
        elif kind == "page_not_found":
            errors.append(kind)
        elif kind == "script_finished":
            break
    errors += [] if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY else ["the script did not finish"]
    errors += [] if titles == 1 else [f"{titles} titles"]
    return Visit(page, time.perf_counter() - begin, size, ", ".join(errors))


async def walk(line: ClientConnection, pause: float, rng: Random) -> list[Visit]:
    """Open every page in turn, each after a random pause with a mean of `pause` seconds."""
    visits = []
    for page in PAGES:
        await asyncio.sleep(rng.uniform(0, 2 * pause))
        visits.append(await visit(line, page))
    return visits


async def load(base: str, sessions: int, rounds: int, pause: float = 0.0) -> tuple[list[Visit], list[float]]:
    """Let sessions at once open every page, `rounds` times.

    Returns:
        All visits, and the server's resident memory in MiB before the first and after each round.
    """
    address = base.replace("http", "ws", 1) + "/_stcore/stream"
    lines = [await connect(address, subprotocols=["streamlit"], max_size=None) for _ in range(sessions)]
    visits, memory, rng = [], [resident(base)], Random(0)
    for _ in range(rounds):
        for walked in await asyncio.gather(*(walk(line, pause, rng) for line in lines)):
            visits += walked
        memory.append(resident(base))
    for line in lines:
        await line.close()
    return visits, memory


def resident(base: str) -> float:
    """Resident memory of the server in MiB. The server is the child process with the port of the address."""
    port = base.rpartition(":")[2]
    server = next(child for child in psutil.Process().children() if port in child.cmdline())
    return server.memory_info().rss / MEBI


def measure(sessions: int, rounds: int) -> tuple[dict[str, list[Visit]], list[float]]:
    """Visits on a copy of the demo world: of one session, of reading sessions, and of sessions without a pause.

    Returns:
        Visits by part, and the server's memory during the part without a pause.
    """
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(shutil.copytree(DEMO, Path(folder) / "demo"))
        with served(demo) as base:
            alone, _ = asyncio.run(load(base, 1, rounds))
        with served(demo) as base:
            without_pause, memory = asyncio.run(load(base, sessions, rounds))
            reading, _ = asyncio.run(load(base, sessions, READING_ROUNDS, PAUSE))
    return {"alone": alone, "reading": reading, "without a pause": without_pause}, memory


def row(page: str, found: dict[str, list[Visit]]) -> str:
    cells = [page]
    for visits in found.values():
        seconds = [visit.seconds for visit in visits if visit.page == page]
        cells += [f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}"]
    size = statistics.median(visit.size for visits in found.values() for visit in visits if visit.page == page)
    return f"| {' | '.join(cells)} | {size / 1024:.0f} |"


def report(sessions: int, rounds: int, found: dict[str, list[Visit]], memory: list[float]) -> list[str]:
    visits = [visit for some in found.values() for visit in some]
    errors = sorted({f"{visit.page}: {visit.error}" for visit in visits if visit.error})
    names = ("streamlit", "starlette", "uvicorn")
    return [
        "# Ten dashboard sessions at once",
        "",
        "Written by `python benchmarks/sessions.py`. Each session opens every page in turn, over loopback, on a copy of "
        "the demo",
        "world. Times are seconds until Streamlit's script_finished, median and maximum: the server's part, without "
        "drawing in",
        f"the browser. Alone: one session, {rounds} rounds. Reading: {sessions} sessions at once, {READING_ROUNDS} "
        f"rounds, with a mean pause of {PAUSE:.0f} seconds",
        f"before each page. Without a pause: {sessions} sessions at once, {rounds} rounds. The server was just started "
        "before the first round",
        'of "alone" and of "without a pause". KiB: websocket messages of one page before compression, with an empty '
        "client",
        "cache. Pauses: seed 0.",
        "",
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, shared by server and sessions, "
        f"Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in names)}.",
        "",
        f"| page | {' | '.join(f'{name}, median | maximum' for name in found)} | KiB |",
        f"| --- |{' --- | --- |' * len(found)} --- |",
        *(row(page, found) for page in PAGES),
        "",
        f"Visits: {len(visits)}. Failed visits (an exception, no title, or an unfinished script): {'; '.join(errors) or 'none'}.",
        "",
        f"Resident memory of the server in MiB, {sessions} sessions without a pause: {memory[0]:.0f} before the "
        "first page, "
        f"{memory[1]:.0f} after the first round, {memory[-1]:.0f} after the last round; "
        f"after the rounds between: {', '.join(f'{one:.0f}' for one in memory[2:-1])}.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    lines = report(options.sessions, options.rounds, *measure(options.sessions, options.rounds))
    (ROOT / "benchmarks/sessions.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
