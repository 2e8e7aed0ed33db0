"""Load test of the dashboard: time to each page with ten sessions at once, bytes, and growth of memory.

    python benchmarks/sessions.py        writes benchmarks/sessions.md; about five minutes on two cores

Sessions speak Streamlit's own protocol over loopback, as a browser does: a websocket, a rerun with the page's
name, then messages until the script has finished. In the first part they never pause; in the second part they
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
QUERIES = {"request": "user=u254"}  # a person chosen, or the page is nearly empty
SESSIONS, ROUNDS, PATIENCE = 10, 10, 120.0
PAUSE, READING_ROUNDS = 8.0, 3  # mean seconds that a person looks at a page
MEBI = 2**20


@dataclass(frozen=True)
class Visit:
    """One page as one session got it: seconds until the script had finished, bytes before compression, what was wrong."""

    page: str
    seconds: float
    size: int
    wrong: str


async def visit(line: ClientConnection, page: str) -> Visit:
    """Open a page and read until its script has finished."""
    asked = BackMsg()
    asked.rerun_script.page_name = "" if page == "overview" else page
    asked.rerun_script.query_string = QUERIES.get(page, "")
    begin, size, wrong, titles = time.perf_counter(), 0, [], 0
    await line.send(asked.SerializeToString())
    while True:
        data = await asyncio.wait_for(line.recv(decode=False), PATIENCE)
        message, size = ForwardMsg.FromString(data), size + len(data)
        kind = message.WhichOneof("type")
        if kind == "delta":
            element = message.delta.new_element
            titles += element.heading.tag == "h1"
            wrong += [element.exception.type] if element.WhichOneof("type") == "exception" else []
        elif kind == "page_not_found":
            wrong.append(kind)
        elif kind == "script_finished":
            break
    wrong += [] if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY else ["the script did not finish"]
    wrong += [] if titles == 1 else [f"{titles} titles"]
    return Visit(page, time.perf_counter() - begin, size, ", ".join(wrong))


async def walk(line: ClientConnection, pause: float, chance: Random) -> list[Visit]:
    """Open every page in turn, each after a pause of `pause` seconds in the mean."""
    found = []
    for page in PAGES:
        await asyncio.sleep(chance.uniform(0, 2 * pause))
        found.append(await visit(line, page))
    return found


async def load(base: str, sessions: int, rounds: int, pause: float = 0.0) -> tuple[list[Visit], list[float]]:
    """Every session opens every page, `rounds` times, all at once; the visits, and the server's MiB before and after each round."""
    address = base.replace("http", "ws", 1) + "/_stcore/stream"
    lines = [await connect(address, subprotocols=["streamlit"], max_size=None) for _ in range(sessions)]
    visits, memory, chance = [], [resident(base)], Random(0)
    for _ in range(rounds):
        for found in await asyncio.gather(*(walk(line, pause, chance) for line in lines)):
            visits += found
        memory.append(resident(base))
    for line in lines:
        await line.close()
    return visits, memory


def resident(base: str) -> float:
    """MiB of the server's resident memory; it is the child of this process that was given the address's port."""
    port = base.rpartition(":")[2]
    server = next(child for child in psutil.Process().children() if port in child.cmdline())
    return server.memory_info().rss / MEBI


def measure(sessions: int, rounds: int) -> tuple[dict[str, list[Visit]], list[float]]:
    """The visits of one session, of `sessions` at once and of as many that read, on a copy of the demo world; the memory of the second."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(shutil.copytree(DEMO, Path(folder) / "demo"))
        with served(demo) as base:
            alone, _ = asyncio.run(load(base, 1, rounds))
        with served(demo) as base:
            crowd, memory = asyncio.run(load(base, sessions, rounds))
            reading, _ = asyncio.run(load(base, sessions, READING_ROUNDS, PAUSE))
    return {"alone": alone, "reading": reading, "without a pause": crowd}, memory


def row(page: str, found: dict[str, list[Visit]]) -> str:
    cells = [page]
    for visits in found.values():
        seconds = [visit.seconds for visit in visits if visit.page == page]
        cells += [f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}"]
    size = statistics.median(visit.size for visits in found.values() for visit in visits if visit.page == page)
    return f"| {' | '.join(cells)} | {size / 1024:.0f} |"


def report(sessions: int, rounds: int, found: dict[str, list[Visit]], memory: list[float]) -> list[str]:
    visits = [visit for some in found.values() for visit in some]
    wrong = sorted({f"{visit.page}: {visit.wrong}" for visit in visits if visit.wrong})
    names = ("streamlit", "starlette", "uvicorn")
    return [
        "# Ten sessions at once",
        "",
        "Written by `python benchmarks/sessions.py`. Sessions over loopback on a copy of the demo world, each "
        "opening every page in",
        "turn. Seconds until Streamlit's script_finished, median and slowest: the server's part, without the "
        "browser's drawing.",
        f"Alone: one session, {rounds} rounds, the first of them on a server just started. Reading: {sessions} "
        "sessions at once, each",
        f"{PAUSE:.0f} seconds a page in the mean, {READING_ROUNDS} rounds. Without a pause: {sessions} "
        f"sessions, {rounds} rounds, the first on a server just",
        "started. KiB: the websocket's messages of one page before compression, nothing cached by the client. "
        "Pauses by seed 0.",
        "",
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, shared by the server and the sessions, "
        f"Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in names)}.",
        "",
        f"| page | {' | '.join(f'{name}, median | slowest' for name in found)} | KiB |",
        f"| --- |{' --- | --- |' * len(found)} --- |",
        *(row(page, found) for page in PAGES),
        "",
        f"Visits: {len(visits)}, of which wrong (an exception, no title, not finished): {'; '.join(wrong) or 'none'}.",
        "",
        f"The server's resident memory, {sessions} sessions without a pause, MiB: {memory[0]:.0f} before the "
        "first page, "
        f"{memory[1]:.0f} after the first round, {memory[-1]:.0f} after the last; "
        f"between: {', '.join(f'{one:.0f}' for one in memory[2:-1])}.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    lines = report(asked.sessions, asked.rounds, *measure(asked.sessions, asked.rounds))
    (ROOT / "benchmarks/sessions.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
