"""Launchers: start the worker command on this machine, by Slurm, or by Ray. Cluster nodes need a shared disk.

A launcher is three functions: one starts the worker command as a job that outlives the caller, one reports free
resources, and one reports whether a job has ended (a run whose job never started would wait for ever otherwise). Each
gets the options that the workspace's settings give the launcher, as `options_of` checked them.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.runs.device_locks import choices, free, gpu_id, lock_name, usable_devices
from core.runs.dispatcher import ensure_dispatcher
from core.runs.hand_over import DeviceNeeds, dispatcher_name, hand_over
from core.runs.handle import RunHandle
from core.runs.launcher_options import Options, of_cluster
from core.runs.worker_command import command
from core.types import ENDED
from core.utils.commands import PYTHON
from core.utils.file_locks import make_own_folder
from core.utils.hashing import short_digest
from core.utils.optional_imports import library

CLUSTER = ("cluster", ", or choose the launcher 'local'")  # name of our extra, and the alternative


@dataclass(frozen=True)
class Launcher:
    """One way to start a worker.

    Attributes:
        start: Start the worker command of a queued run; returns the job's id.
        free_resources: Free resources, in one line.
        has_ended: Whether a job has ended or is unknown.
        externally_queued: Whether a job may wait for long in the cluster's own queue.
    """

    start: Callable[[RunHandle, Options], str]
    free_resources: Callable[[Options], str]
    has_ended: Callable[[str, Options], bool]
    externally_queued: bool = True


def start_local(run: RunHandle, options: Options) -> str:
    """Leave the start to the dispatcher of this machine, which outlives this process."""
    together = options.get("processes", 1)
    wanted, count = choices(run.spec.device, together if together > 1 else options.get("cards", 1))
    needs = DeviceNeeds(tuple(map(lock_name, wanted)), count, os.environ.get("CUDA_VISIBLE_DEVICES"))
    hand_over(run.store, run.id, needs)
    ensure_dispatcher(run)
    return dispatcher_name(run.store)


def has_ended_local(job: str, _options: Options) -> bool:
    """Whether the process has exited or is a zombie."""
    try:
        return bool(psutil.Process(int(job)).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def free_resources_local(_options: Options) -> str:
    """Free devices and memory of this machine."""
    found = usable_devices("auto")
    idle = free(found)
    parts = [f"{name} {'free' if name in idle else 'busy'}{_memory(name)}" for name in found]
    return ", ".join([*parts, f"{psutil.virtual_memory().available / 1e9:.0f} GB of memory free"])


def _memory(device: str) -> str:
    if not device.startswith("cuda"):
        return ""
    if not shutil.which("nvidia-smi"):
        return ""
    result = subprocess.run(  # torch would take some of that memory for its context
        [
            "nvidia-smi",
            f"--id={gpu_id(device)}",
            "--query-gpu=memory.free,memory.total",
            "--format=csv,noheader,nounits",
        ],
        capture_output=True,
        text=True,
    )
    mebibytes = re.fullmatch(r"(\d+), (\d+)", result.stdout.strip())  # some GPUs answer [N/A]
    return " ({:.0f} of {:.0f} GB)".format(*(int(one) * 2**20 / 1e9 for one in mebibytes.groups())) if mebibytes else ""


def start_slurm(run: RunHandle, options: Options) -> str:
    """Submit a Slurm job through submitit.

    Args:
        run: The run.
        options: Options of submitit's executor, such as slurm_partition, timeout_min, gpus_per_node. `cluster: local`
            starts the job on this machine.

    Raises:
        RunError: submitit is not installed.
        WorkspaceError: The folder for submitit's files cannot be used.
    """
    submitit = library("submitit", *CLUSTER)
    python = {f"{name}_python": shlex.join(PYTHON) for name in ("slurm", "local")}
    executor = submitit.AutoExecutor(folder=slurm_folder(run), cluster=options.get("cluster", "slurm"), **python)
    executor.update_parameters(name=run.id, **of_cluster(options, "cluster"))
    worker = [*command(run, options), "--log"]
    return str(executor.submit(submitit.helpers.CommandFunction(worker, verbose=False)).job_id)


def slurm_folder(run: RunHandle) -> Path:
    """Where submitit keeps the jobs of a run: in the user's own folder, as each is a program to be run.

    The folders of this workspace's runs that have ended are removed; nobody else's are looked at.
    """
    from platformdirs import user_state_path  # not there on machines that only compute

    folder = user_state_path("cure-lens", ensure_exists=True) / "slurm"
    workspace = short_digest(str(run.workspace.root))
    with run.store.changing():  # a run that is resumed meanwhile makes its folder afterwards
        for ended in run.store.entries(*ENDED):
            shutil.rmtree(folder / f"{workspace}-{ended.id}", ignore_errors=True)
    own = folder / f"{workspace}-{run.id}"
    for place in (folder, own):
        make_own_folder(place)
    return own


def has_ended_slurm(job: str, options: Options) -> bool:
    """Whether Slurm's queue no longer lists the job."""
    if options.get("cluster") == "local":
        return has_ended_local(job, options)
    if not shutil.which("squeue"):
        return False  # unknown without squeue
    result = subprocess.run(["squeue", "--noheader", f"--jobs={job}"], capture_output=True, text=True)
    return not result.stdout.strip() and (result.returncode == 0 or "Invalid job id" in result.stderr)


def free_resources_slurm(_options: Options) -> str:
    """Nodes (allocated/idle/other/total) and GPUs of each partition."""
    if not shutil.which("sinfo"):
        return "Slurm's sinfo is not on this machine"
    result = subprocess.run(
        ["sinfo", "--noheader", "--format=%P: nodes %F (busy/idle/other/all), GPUs %G"], capture_output=True, text=True
    )
    return "; ".join(result.stdout.splitlines()) or result.stderr.strip()


def start_ray(run: RunHandle, options: Options) -> str:
    """Submit a job to a Ray cluster.

    Args:
        run: The run.
        options: `address` of the cluster's dashboard, and arguments of submit_job.

    Raises:
        RunError: Ray is not installed.
    """
    extra = of_cluster(options, "address")
    jobs = library("ray.job_submission", *CLUSTER)
    entrypoint = shlex.join(command(run, options))
    return str(jobs.JobSubmissionClient(_address(options)).submit_job(entrypoint=entrypoint, **extra))


def has_ended_ray(job: str, options: Options) -> bool:
    """Whether Ray reports the job as ended."""
    jobs = library("ray.job_submission", *CLUSTER)
    return bool(jobs.JobSubmissionClient(_address(options)).get_job_status(job).is_terminal())


def free_resources_ray(options: Options) -> str:
    """CPUs and GPUs in use, as the cluster reports them."""
    with urllib.request.urlopen(f"{_address(options)}/api/cluster_status", timeout=5) as answer:
        report = json.load(answer)["data"]["clusterStatus"]["loadMetricsReport"]["usage"]
    kinds = ("CPU", "GPU")
    return ", ".join(f"{used:g} of {whole:g} {kind} in use" for kind, (used, whole) in report.items() if kind in kinds)


def _address(options: Options) -> str:
    return str(options.get("address", "http://127.0.0.1:8265"))


LAUNCHERS: dict[str, Launcher] = {
    "local": Launcher(start_local, free_resources_local, has_ended_local, externally_queued=False),
    "slurm": Launcher(start_slurm, free_resources_slurm, has_ended_slurm),
    "ray": Launcher(start_ray, free_resources_ray, has_ended_ray),
}
