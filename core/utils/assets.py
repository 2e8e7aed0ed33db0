"""Files that ship beside the code: the demo workspaces, the icon and the benchmark's results.

In a checkout they lie at the top level of the repository. setup.py copies them to core/assets when it builds a wheel.
"""

from importlib.resources import files
from pathlib import Path
from typing import Literal

PACKAGE = Path(str(files("core")))
IN_CHECKOUT = {
    "demo": "assets/demo",
    "demo-smollm2": "assets/demo-smollm2",
    "icon.png": "assets/icon.png",
    "benchmark": "benchmarks/unlearning",
}


def checkout() -> Path | None:
    """Return the root of the repository that this code runs from, or None for an installed wheel."""
    root = PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "assets/icon.png").is_file() else None


def asset(name: Literal["demo", "demo-smollm2", "icon.png", "benchmark"]) -> Path:
    """Return the path of a shipped file or folder.

    Args:
        name: "demo" or "demo-smollm2" (workspace folders), "icon.png", or "benchmark" (a folder of Parquet files).
    """
    root = checkout()
    return root / IN_CHECKOUT[name] if root else PACKAGE / "assets" / name
