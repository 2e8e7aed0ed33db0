"""Options of launchers in the settings of a workspace: which there are, and what each may hold (docs/cluster.md)."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from core.errors import RunError
from core.runs.ledger import NullLedger, open_ledger
from core.utils.addresses import is_web_address
from core.utils.commands import command_line
from core.utils.serialization import to_json
from core.workspace import Workspace

Options = Mapping[str, Any]
Rule = tuple[Callable[[Any], bool], str]  # whether an option may hold a value, and what to give instead

# Options that whoever can write the settings may set: they choose machines and limits. Others run commands.
SLURM = (
    "timeout_min", "mem_gb", "nodes", "cpus_per_task", "gpus_per_node", "slurm_time", "slurm_partition", "slurm_qos",
    "slurm_account", "slurm_comment", "slurm_constraint", "slurm_gres", "slurm_nodelist", "slurm_exclude", "slurm_mem",
    "slurm_mem_per_cpu", "slurm_mem_per_gpu", "slurm_cpus_per_gpu", "slurm_gpus_per_task", "slurm_exclusive",
    "slurm_wckey", "slurm_signal_delay_s",
)  # fmt: skip
RAY = ("entrypoint_num_cpus", "entrypoint_num_gpus", "entrypoint_memory")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 1


def _is_plain(value: Any) -> bool:
    return value.isprintable() if isinstance(value, str) else isinstance(value, int) or math.isfinite(value)


COUNT: Rule = (_is_count, "a whole number of at least 1")
PLAIN: Rule = (_is_plain, "a number, or text of printable characters")
# Slurm opens a list of nodes with a slash as a file.
NODES: Rule = (lambda value: _is_plain(value) and "/" not in str(value), "names of nodes, separated by commas,")
PLACE: Rule = (lambda value: value in ("slurm", "local"), "'slurm' or 'local'")
# Ray's client also takes ray://, but free resources are asked for by HTTP, and NAME://, whose module it loads.
DASHBOARD: Rule = (
    lambda value: is_web_address(str(value)),
    "the address of the cluster's dashboard, http://HOST:PORT or https://HOST:PORT,",
)
OURS = {"processes": COUNT, "cards": COUNT}  # options of our worker, not of a cluster
RULES: Mapping[str, Mapping[str, Rule]] = {
    "local": OURS,
    "slurm": OURS
    | dict.fromkeys(SLURM, PLAIN)
    | dict.fromkeys(("slurm_nodelist", "slurm_exclude"), NODES)
    | {"cluster": PLACE},
    "ray": OURS | dict.fromkeys(RAY, PLAIN) | {"address": DASHBOARD},
}


def options_of(workspace: Workspace, launcher: str) -> Options:
    """The options of a launcher, checked: whoever can write the settings starts nothing with them and names no address.

    Args:
        workspace: The workspace whose settings hold them.
        launcher: A name of LAUNCHERS.

    Raises:
        RunError: The launcher is unknown, or the settings give it an option that they may not, or a wrong value, or
            one that was not signed.
        LedgerError: The ledger is damaged.
    """
    if launcher not in RULES:
        raise RunError(f"Launcher {launcher!r} is unknown: choose one of {', '.join(RULES)}.")
    options = workspace.settings.clusters.get(launcher, {})
    for name, value in options.items():
        _check(launcher, name, value)
    ledger = open_ledger(workspace)
    if not isinstance(ledger, NullLedger) and to_json(options) != ledger.settings()["clusters"].get(launcher, {}):
        confirm = command_line("ledger", "confirm", "--workspace", str(workspace.root))
        raise RunError(
            f"The options of launcher {launcher!r} in workspace.json were not signed as they stand: check them, then "
            f"run `{confirm}`."
        )
    return options


def of_cluster(options: Options, *left_out: str) -> Options:
    """The options that a cluster's library is given: those that are neither ours nor `left_out`."""
    return {name: value for name, value in options.items() if name not in (*OURS, *left_out)}


def _check(launcher: str, name: str, value: Any) -> None:
    place, option = "clusters in workspace.json", f"Option {name!r} of launcher {launcher!r}"
    if name not in RULES[launcher]:
        raise RunError(f"{option} is not one that settings may set: remove it from {place}.")
    allowed, wanted = RULES[launcher][name]
    if not allowed(value):
        raise RunError(f"{option} is {value!r}: give {wanted} under {place}.")
