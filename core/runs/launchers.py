"""Where a worker starts: the same command on this machine, by Slurm, or by Ray. Clusters need a disk that they share.

A launcher is three functions: one that starts the worker command somewhere and outlives whoever asked, one that says what is
free there, and one that says whether a job is over there, without which a run whose job never began would wait for ever. What a cluster has to be told (partition, address, cards) stands in the workspace's settings, under its name.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from core.runs.device_locks import candidates, card, free
from core.runs.handle import RunHandle
from core.utils.optional_imports import library

Options = Mapping[str, Any]
CLUSTER = ("cluster", ", or choose the launcher 'local'")  # our extra, and what to do without it
OURS = ("processes", "cards")  # told to our worker, not to a cluster


@dataclass(frozen=True)
class Launcher:
    """start: run the worker command for a queued run, and tell the job's id. spare: what is free, in a line. over: whether a job
    is at its end, or unknown. externally_queued: a run may wait there for long."""

    start: Callable[[RunHandle, Options], str]
    spare: Callable[[Options], str]
    over: Callable[[str, Options], bool]
    externally_queued: bool = True


def command(folder: RunHandle, options: Options) -> list[str]:
    """The worker's command, the same wherever it runs. options: processes, how many train together on one machine, each on a
    card of its own; the worker itself reads `cards`, over how many one process lays out a model that is too large for one."""
    count = int(options.get("processes", 1))
    together = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"] if count > 1 else []
    return [sys.executable, *together, "-m", "core", "worker", str(folder.path)]


def start_local(folder: RunHandle, options: Options) -> str:
    """A detached process that outlives this one."""
    with folder.layout.log.open("ab") as log:
        started = subprocess.Popen(
            command(folder, options), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    return str(started.pid)


def over_local(job: str, options: Options) -> bool:
    """Whether a process is gone, or nobody has waited for its end."""
    try:
        return psutil.Process(int(job)).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def spare_local(options: Options) -> str:
    found = candidates("auto")
    idle = free(found)
    said = [f"{name} {'free' if name in idle else 'busy'}{_memory(name)}" for name in found]
    return ", ".join([*said, f"{psutil.virtual_memory().available / 1e9:.0f} GB of memory free"])


def _memory(device: str) -> str:
    if not device.startswith("cuda"):
        return ""
    if not shutil.which("nvidia-smi"):
        return ""
    asked = subprocess.run(  # not through torch, which would take some of that memory to ask for it
        ["nvidia-smi", f"--id={card(device)}", "--query-gpu=memory.free,memory.total", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
    )
    mebibytes = re.fullmatch(r"(\d+), (\d+)", asked.stdout.strip())  # some cards answer [N/A]
    return " ({:.0f} of {:.0f} GB)".format(*(int(one) * 2**20 / 1e9 for one in mebibytes.groups())) if mebibytes else ""


def start_slurm(folder: RunHandle, options: Options) -> str:
    """A job of Slurm's through submitit. options: those of its executor, such as slurm_partition, timeout_min, gpus_per_node;
    cluster "local" starts it on this machine, as Slurm would."""
    submitit = library("submitit", *CLUSTER)
    extra = {key: value for key, value in options.items() if key not in ("cluster", *OURS)}
    executor = submitit.AutoExecutor(folder=folder.layout.slurm, cluster=options.get("cluster", "slurm"))
    executor.update_parameters(name=folder.id, **extra)
    return str(executor.submit(submitit.helpers.CommandFunction(command(folder, options), verbose=False)).job_id)


def over_slurm(job: str, options: Options) -> bool:
    """Whether Slurm's queue holds it no more; on this machine, its process is its job."""
    if options.get("cluster") == "local":
        return over_local(job, options)
    if not shutil.which("squeue"):
        return False  # nobody can tell from here
    asked = subprocess.run(["squeue", "--noheader", f"--jobs={job}"], capture_output=True, text=True)
    return not asked.stdout.strip() and (asked.returncode == 0 or "Invalid job id" in asked.stderr)


def spare_slurm(options: Options) -> str:
    """Per partition: nodes allocated/idle/other/in all, and their cards."""
    if not shutil.which("sinfo"):
        return "Slurm's sinfo is not on this machine"
    asked = subprocess.run(
        ["sinfo", "--noheader", "--format=%P: nodes %F (busy/idle/other/all), cards %G"], capture_output=True, text=True
    )
    return "; ".join(asked.stdout.splitlines()) or asked.stderr.strip()


def start_ray(folder: RunHandle, options: Options) -> str:
    """A job of a Ray cluster. options: address of its dashboard, and what submit_job takes, such as entrypoint_num_gpus."""
    jobs = library("ray.job_submission", *CLUSTER)
    extra = {key: value for key, value in options.items() if key not in ("address", *OURS)}
    entrypoint = shlex.join(command(folder, options))
    return str(jobs.JobSubmissionClient(_address(options)).submit_job(entrypoint=entrypoint, **extra))


def over_ray(job: str, options: Options) -> bool:
    """By Ray's own word."""
    jobs = library("ray.job_submission", *CLUSTER)
    return bool(jobs.JobSubmissionClient(_address(options)).get_job_status(job).is_terminal())


def spare_ray(options: Options) -> str:
    """What of each kind is in use, as the cluster reports it."""
    with urllib.request.urlopen(f"{_address(options)}/api/cluster_status", timeout=5) as answer:
        report = json.load(answer)["data"]["clusterStatus"]["loadMetricsReport"]["usage"]
    kinds = ("CPU", "GPU")
    return ", ".join(f"{used:g} of {whole:g} {kind} in use" for kind, (used, whole) in report.items() if kind in kinds)


def _address(options: Options) -> str:
    return str(options.get("address", "http://127.0.0.1:8265"))


LAUNCHERS: dict[str, Launcher] = {
    "local": Launcher(start_local, spare_local, over_local, externally_queued=False),
    "slurm": Launcher(start_slurm, spare_slurm, over_slurm),
    "ray": Launcher(start_ray, spare_ray, over_ray),
}
