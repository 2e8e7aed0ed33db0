"""From results to plain sentences of dashboard/locale/en.ftl, and the words explained. Pure; no Streamlit."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import fmean, median
from typing import Literal

from core.report.summary import visible
from core.types import (
    Circuit,
    Evaluation,
    Ground,
    Group,
    Identity,
    ModuleGroup,
    Overlap,
    Recommendation,
    Request,
    RunState,
    RunStatus,
)
from dashboard.presenters.i18n import Texts, t

TERMS = Texts(
    {
        "request": "legend-request",
        "run": "legend-run",
        "part": "legend-part",
        "circuit": "legend-circuit",
        "group": "legend-group",
        "sure": "legend-sure",
        "forget": "legend-forget",
        "reference": "legend-reference",
        "holdout": "legend-holdout",
        "AUC": "legend-auc",
        "residual": "legend-residual",
        "JSD": "legend-jsd",
        "logit": "legend-logit",
        "cosine": "legend-cosine",
    }
)
LEGEND = Texts(
    {
        "request": "legend-request-means",
        "run": "legend-run-means",
        "part": "legend-part-means",
        "circuit": "legend-circuit-means",
        "group": "legend-group-means",
        "sure": "legend-sure-means",
        "forget": "legend-forget-means",
        "reference": "legend-reference-means",
        "holdout": "legend-holdout-means",
        "AUC": "legend-auc-means",
        "residual": "legend-residual-means",
        "JSD": "legend-jsd-means",
        "logit": "legend-logit-means",
        "cosine": "legend-cosine-means",
    }
)
GROUP_NAMES = Texts(
    {
        Group.FORGET: "group-forget",
        Group.RETAIN: "group-retain",
        Group.SHARED: "group-shared",
        Group.OUTSIDE: "group-outside",
    }
)
GROUP_WORDS = Texts(
    {
        Group.FORGET: "group-forget-serves",
        Group.RETAIN: "group-retain-serves",
        Group.SHARED: "group-shared-serves",
        Group.OUTSIDE: "group-outside-serves",
    }
)
STAGES = Texts(
    {
        "loading": "run-stage-loading",
        "contrast prompts": "run-stage-contrast",
        "circuit": "run-stage-circuit",
        "groups": "run-stage-groups",
        "unlearning": "run-stage-unlearning",
        "evaluation": "run-stage-evaluation",
        "report": "run-stage-report",
    }
)
STATES = Texts(
    {
        RunState.QUEUED: "state-queued",
        RunState.RUNNING: "state-running",
        RunState.DONE: "state-done",
        RunState.FAILED: "state-failed",
        RunState.CANCELLED: "state-cancelled",
        RunState.LOST: "state-lost",
    }
)
RUN_SENTENCES = Texts(
    {
        RunState.QUEUED: "run-queued",
        RunState.RUNNING: "run-running",
        RunState.FAILED: "run-failed",
        RunState.CANCELLED: "run-cancelled",
        RunState.LOST: "run-lost",
    }
)
LIVE = (RunState.QUEUED, RunState.RUNNING)


# ---------------------------------------------------------------- text


def ground(one: Ground) -> str:
    return t(f"ground-{one.replace('_', '-')}")


def identity(one: Identity) -> str:
    return t(f"identity-{one.replace('_', '-')}")


def escape(text: str) -> str:
    """`text` as Markdown that shows itself: no formatting, no image, no link, no icon, and nothing unseen.

    Streamlit looks for addresses, icons (:x:) and arrows (->) once more after backslashes are gone; an invisible joiner
    keeps these apart.
    """
    escaped = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(visible(text).split()))
    return re.sub(r"\\[:@]|[Ww]{3}|\\[-<>~](?=\\[-=>])", "\\g<0>\u2060", escaped)


def code(text: str) -> str:
    """`text` as a Markdown code span, whatever it holds."""
    flat = " ".join(visible(text).split()).replace(":material/", ":\u2060material/") or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    return f"{fence} {flat} {fence}" if "`" in flat else f"{fence}{flat}{fence}"


def date(moment: str | int) -> str:
    """An ISO text or Unix seconds as "12 Jan 2026"; the text itself where it is no date."""
    try:
        when = datetime.fromtimestamp(moment, UTC) if isinstance(moment, int) else datetime.fromisoformat(moment)
    except (ValueError, OverflowError, OSError):
        return str(moment)
    return f"{when.day} {when:%b %Y}"


def duration(seconds: float | None) -> str:
    """Seconds as a person would say them."""
    if seconds is None or not math.isfinite(seconds):
        return t("duration-unknown")
    if seconds < 90:
        return t("duration-seconds", seconds=max(1, round(seconds)))
    if seconds < 5400:
        return t("duration-minutes", minutes=round(seconds / 60))
    return t("duration-hours", hours=f"{seconds / 3600:.1f}")


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---------------------------------------------------------------- requests and runs


def people(request: Request) -> str:
    """Whose data a request names, for a sentence."""
    return t("whose", people=len(request.subjects))


def scope(request: Request) -> str:
    """What a request covers."""
    people = t("scope-people", people=len(request.users)) if request.users else ""
    chosen = t("scope-chosen", chosen=len(request.interactions)) if request.interactions else ""
    return t("scope-both", people=people, chosen=chosen) if people and chosen else people or chosen


def stages(grouped: bool) -> tuple[str, ...]:
    """The ids of a run's stages; only methods that work by groups look for a circuit."""
    return tuple(stage for stage in STAGES if grouped or stage not in ("contrast prompts", "circuit", "groups"))


def run_sentence(status: RunStatus) -> str:
    """Where a run stands, as the first line of its page."""
    if status.state is RunState.DONE:
        return t("run-done", time=duration(status.seconds))
    return RUN_SENTENCES[status.state]


# ---------------------------------------------------------------- circuit


ENDS = Texts({"input": "part-input", "logits": "part-logits"})


def module_title(name: str) -> str:
    """ "a3.h1" as "head 1 of layer 3"."""
    if head := re.fullmatch(r"a(\d+)\.h(\d+)", name):
        return t("part-head", head=head[2], layer=head[1])
    if mlp := re.fullmatch(r"m(\d+)", name):
        return t("part-mlp", layer=mlp[1])
    return ENDS.get(name, name)


def place(slot: int) -> str:
    """A place in the prompt, as `Circuit.reads` counts them."""
    if slot > 1:
        return t("circuit-places-back", titles=slot - 1)
    return t("circuit-places-target" if slot else "circuit-places-instruction")


def overlap_sentence(circuit: Circuit) -> str:
    """How much of the circuit stays when it is found on other prompts."""
    if circuit.overlap is None:
        return t("circuit-overlap-unknown")
    size, total = len(circuit.members), len(circuit.modules)
    chance = size / (2 * total - size)
    return t("circuit-overlap", share=f"{circuit.overlap:.0%}", chance=f"{chance:.0%}")


def circuit_sentence(groups: Sequence[ModuleGroup], whose: str = "") -> str:
    """How many parts serve mainly the data to erase; `whose` it is comes from `people`."""
    own = sum(group.group is Group.FORGET for group in groups)
    return t("circuit-lead", own=own, all=len(groups), whose=whose or t("whose", people=1))


def group_counts(groups: Sequence[ModuleGroup]) -> Counter[Group]:
    return Counter(group.group for group in groups)


# ---------------------------------------------------------------- evaluation


def utility(evaluation: Evaluation) -> str:
    """What the run cost everyone else, in one sentence."""
    before, after = evaluation.original.test_auc, evaluation.unlearned.test_auc
    changed = after.value < before.low or after.value > before.high
    return t(
        "utility-same" if not changed else "utility-better" if after.value > before.value else "utility-worse",
        before=f"{before.value:.3f}",
        after=f"{after.value:.3f}",
    )


def membership(evaluation: Evaluation) -> str:
    """Whether a simple attack can tell that the data was used, in one sentence that claims no more than was measured."""
    before, after = evaluation.original.membership_auc, evaluation.unlearned.membership_auc
    known = math.isfinite(after.low)
    return t(
        "membership-unknown" if not known else "membership-able" if after.low > 0.5 else "membership-unable",
        before=f"{before.value:.2f}",
        after=f"{after.value:.2f}",
    )


def step(
    item: str, before: Sequence[Recommendation], after: Sequence[Recommendation]
) -> int | Literal["new", "removed"]:
    """How many ranks `item` rose between two lists, below zero if it fell, or that it is in one of them only."""
    old, new = ({row.item: rank for rank, row in enumerate(rows, 1)} for rows in (before, after))
    if item not in new:
        return "removed"
    return old[item] - new[item] if item in old else "new"


def move(item: str, before: Sequence[Recommendation], after: Sequence[Recommendation]) -> str:
    """What happened to `item` between two lists: "up 3", "down 1", "same", "new" or "removed"."""
    found = step(item, before, after)
    if isinstance(found, str):
        return t("move-new" if found == "new" else "move-removed")
    if not found:
        return t("move-same")
    return t("move-up" if found > 0 else "move-down", steps=abs(found))


def lists_sentence(before: Sequence[Recommendation], after: Sequence[Recommendation]) -> str:
    """How much of a top list changed."""
    steps = [step(row.item, before, after) for row in before]
    gone = steps.count("removed")
    moved = len(steps) - gone - steps.count(0)
    if not gone and not moved:
        return t("before-after-same", titles=len(before))
    return t("before-after-changed", gone=gone, moved=moved, titles=len(before))


def overlaps_sentence(overlaps: Sequence[Overlap]) -> str:
    """How much of the kept people's lists stays, beside what training anew leaves of them."""
    after, anew = [one.after for one in overlaps], [one.reference for one in overlaps if one.reference is not None]
    found = t("before-overlaps", people=len(after), mean=f"{fmean(after):.0%}", median=f"{median(after):.0%}")
    return found + (" " + t("before-overlaps-reference", mean=f"{fmean(anew):.0%}") if anew else "")
