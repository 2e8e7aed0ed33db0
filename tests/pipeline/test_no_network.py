"""No network at run time: no name is looked up while a workspace is made, whatever the environment allows."""

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import socket, sys
from pathlib import Path
asked = []
def lookup(host, *_, **__):
    asked.append(host)
    raise OSError("no network")
socket.getaddrinfo = lookup
from tests.conftest import TINY, small_dataset
from core.pipeline.prepare import prepare
from core.workspace import WorkspaceSettings
settings = WorkspaceSettings("small", "test", window=12, epochs=1, rank=2)
prepare(small_dataset(users=20), Path(sys.argv[1]), settings, TINY, lambda name, step: False)
print(asked)
"""


def test_no_name_is_looked_up_while_a_workspace_is_made(tmp_path: Path) -> None:
    environment = os.environ | {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0"}
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE, str(tmp_path / "ws")],
        env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.splitlines()[-1] == "[]"
