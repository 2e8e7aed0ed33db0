"""A run at work in words: its stage, the time left by its own pace, what the machine is doing, and its GPU. Pure."""

from datetime import datetime

from core.types import GpuUse, RunStatus
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.phrases import STAGES, capital, duration, escape

RETRAINING = "retraining"  # what a retraining does in the stage “unlearning”
DOING = Texts(
    {
        "loading": "run-doing-loading",
        "original": "run-doing-original",
        "contrast prompts": "run-doing-contrast",
        "circuit": "run-doing-circuit",
        "groups": "run-doing-groups",
        "unlearning": "run-doing-unlearning",
        RETRAINING: "run-doing-retraining",
        "evaluation": "run-doing-evaluation",
        "report": "run-doing-report",
    }
)


def progress_text(status: RunStatus, now: datetime) -> str:
    """Return the stage, the share of the run that is done, and the time left since the status was written.

    Args:
        status: Status of a run at work.
        now: The time, with a time zone.
    """
    stage = capital(STAGES.get(status.stage) or escape(status.stage) or t("run-progress-starting"))
    done = f"{status.progress:.0%}"
    age = _age(status.updated, now)
    if status.eta is None:
        return t("run-progress", stage=stage, progress=done)
    if status.eta <= age:
        return t("run-progress-longer", stage=stage, progress=done)
    left = duration(status.eta - age)
    if status.stage_eta is None or status.stage_eta <= age:
        return t("run-progress-left", stage=stage, progress=done, left=left)
    return t("run-progress-both", stage=stage, progress=done, stage_left=duration(status.stage_eta - age), left=left)


def _age(updated: str, now: datetime) -> float:
    """Seconds since a status was written; 0 if its clock is ahead, as that of another machine may be."""
    return max(0.0, (now - datetime.fromisoformat(updated)).total_seconds()) if updated else 0.0


def doing(status: RunStatus, retrains: bool) -> str:
    """Tell what the machine is doing in the stage at work; "" before the first stage."""
    stage = RETRAINING if retrains and status.stage == "unlearning" else status.stage
    return DOING.get(stage, "")


def gpu_text(gpu: GpuUse) -> str:
    """Tell how busy a GPU is, if that is known, and how much of its memory is in use."""
    used, total = (f"{size / 1e9:.1f}" for size in (gpu.used_bytes, gpu.total_bytes))
    if gpu.load is None:
        return t("run-figures-gpu-memory", used=used, total=total)
    return t("run-figures-gpu", load=f"{gpu.load:.0f}", used=used, total=total)
