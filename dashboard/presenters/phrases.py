"""Results as plain sentences with the texts of dashboard/locale/en.ftl; pure functions without Streamlit."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from core.types import (
    Circuit,
    Evaluation,
    Group,
    Identity,
    LegalBasis,
    MemoryContrast,
    ModuleGroup,
    Request,
    RunState,
    RunStatus,
)
from core.types.circuit import CERTAIN
from core.utils.text import one_line
from dashboard.presenters.i18n import Texts, t

# Each term with its explanation, for the glossary on the overview page.
GLOSSARY = Texts(
    {
        "request": ("legend-request", "legend-request-means"),
        "forgotten-user": ("legend-forgotten-user", "legend-forgotten-user-means"),
        "other-users": ("legend-other-users", "legend-other-users-means"),
        "held-out": ("legend-held-out", "legend-held-out-means"),
        "forget": ("legend-forget", "legend-forget-means"),
        "run": ("legend-run", "legend-run-means"),
        "adapter": ("legend-adapter", "legend-adapter-means"),
        "module": ("legend-module", "legend-module-means"),
        "circuit": ("legend-circuit", "legend-circuit-means"),
        "group": ("legend-group", "legend-group-means"),
        "certainty": ("legend-certainty", "legend-certainty-means"),
        "reference": ("legend-reference", "legend-reference-means"),
        "advantage": ("legend-advantage", "legend-advantage-means"),
        "auc": ("legend-auc", "legend-auc-means"),
        "membership": ("legend-membership", "legend-membership-means"),
        "residual": ("legend-residual", "legend-residual-means"),
        "jsd": ("legend-jsd", "legend-jsd-means"),
        "logit": ("legend-logit", "legend-logit-means"),
        "cosine": ("legend-cosine", "legend-cosine-means"),
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
        "original": "run-stage-original",
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


# ---------------------------------------------------------------- text


def ground(value: LegalBasis) -> str:
    """Name the legal basis of a request."""
    return t(f"ground-{value.replace('_', '-')}")


def identity(value: Identity) -> str:
    """Name the way in which a user's identity was checked."""
    return t(f"identity-{value.replace('_', '-')}")


def role_name(role: str) -> str:
    """Name a role of the review."""
    return t(f"role-{role.replace('_', '-')}")


def joined(phrases: Sequence[str]) -> str:
    """Join phrases: "a", "a and b", "a, b and c"."""
    if len(phrases) < 2:
        return "".join(phrases)
    return t("phrases-and", first=", ".join(phrases[:-1]), last=phrases[-1])


def escape(text: str) -> str:
    """Escape a text so that Markdown shows it literally: no formatting, image, link, icon or invisible character.

    Streamlit searches for addresses, icons (:x:) and arrows (->) again after it has removed the backslashes; an
    invisible joiner breaks these patterns.
    """
    escaped = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", one_line(text))
    return re.sub(r"\\[:@]|[Ww]{3}|\\[-<>~](?=\\[-=>])", "\\g<0>\u2060", escaped)


def code(text: str) -> str:
    """Return any text as one Markdown code span."""
    flat = one_line(text).replace(":material/", ":\u2060material/") or " "
    fence = "`" * (1 + max((len(ticks) for ticks in re.findall("`+", flat)), default=0))
    return f"{fence} {flat} {fence}" if "`" in flat else f"{fence}{flat}{fence}"


def date(moment: str | int) -> str:
    """Format an ISO date or Unix seconds as "12 Jan 2026"; return any other text unchanged."""
    try:
        when = datetime.fromtimestamp(moment, UTC) if isinstance(moment, int) else datetime.fromisoformat(moment)
    except (ValueError, OverflowError, OSError):
        return str(moment)
    return f"{when.day} {when:%b %Y}"


def duration(seconds: float | None) -> str:
    """Format seconds in words, such as "41 seconds" or "2.5 hours"; None gives "an unknown time"."""
    if seconds is None or not math.isfinite(seconds):
        return t("duration-unknown")
    if seconds < 90:
        return t("duration-seconds", seconds=max(1, round(seconds)))
    if seconds < 5400:
        return t("duration-minutes", minutes=round(seconds / 60))
    return t("duration-hours", hours=f"{seconds / 3600:.1f}")


def capital(text: str) -> str:
    """Capitalise the first letter."""
    return text[:1].upper() + text[1:]


# ---------------------------------------------------------------- requests and runs


def forgotten_users(request: Request) -> str:
    """Name the owners of a request's data for a sentence, such as "the forgotten user's"."""
    return t("forgotten-users", users=len(request.subjects))


def scope(request: Request) -> str:
    """Name the data that a request covers, such as "all data of 2 users"."""
    users = t("scope-users", users=len(request.users)) if request.users else ""
    chosen = t("scope-chosen", chosen=len(request.interactions)) if request.interactions else ""
    found = t("scope-both", users=users, chosen=chosen) if users and chosen else users or chosen
    return t("scope-batch", requests=len(request.members), scope=found) if request.members else found


def stages(needs_circuits: bool, is_external: bool) -> tuple[str, ...]:
    """List the ids of a run's stages; only methods that use groups search for a circuit.

    Args:
        needs_circuits: Whether the method searches for a circuit.
        is_external: Whether another tool has unlearned already.
    """
    skipped = {*(() if needs_circuits else ("contrast prompts", "circuit", "groups"))}
    skipped |= {"unlearning"} if is_external else set()
    return tuple(stage for stage in STAGES if stage not in skipped)


def run_sentence(status: RunStatus, is_external: bool) -> str:
    """Describe the state of a run, for the first line of its page."""
    if status.state is RunState.DONE:
        return t("run-done-external" if is_external else "run-done", time=duration(status.seconds))
    return RUN_SENTENCES[status.state]


# ---------------------------------------------------------------- circuit


ENDS = Texts({"input": "module-input", "logits": "module-logits"})


def module_title(name: str) -> str:
    """Name a module: "a3.h1" is "head 1 of layer 3"."""
    if head := re.fullmatch(r"a(\d+)\.h(\d+)", name):
        return t("module-head", head=head[2], layer=head[1])
    if mlp := re.fullmatch(r"m(\d+)", name):
        return t("module-mlp", layer=mlp[1])
    return ENDS.get(name, name)


def position_name(slot: int) -> str:
    """Name a position in the prompt, numbered as in `Circuit.reads`."""
    if slot > 1:
        return t("circuit-places-back", titles=slot - 1)
    return t("circuit-places-target" if slot else "circuit-places-instruction")


def overlap_sentence(circuit: Circuit) -> str:
    """Describe how much the circuits found on two halves of the prompts overlap."""
    if circuit.overlap is None:
        return t("circuit-overlap-unknown")
    size, total = len(circuit.members), len(circuit.modules)
    chance = size / (2 * total - size)
    return t("circuit-overlap", share=f"{circuit.overlap:.0%}", chance=f"{chance:.0%}")


def stated_group(row: ModuleGroup | MemoryContrast) -> str:
    """Name a module's group, and say where the adapter has no LoRA weights of the module."""
    name = GROUP_NAMES[row.group]
    return t("group-no-lora", group=name) if row.has_lora is False else name


def circuit_sentence(groups: Sequence[ModuleGroup], whose: str = "") -> str:
    """Describe how many modules serve mainly the forget set, and how many more may; `whose` as `forgotten_users`."""
    found = [row.membership_probability >= CERTAIN for row in groups if row.group is Group.FORGET]
    own, more = sum(found), found.count(False)
    whose = whose or t("forgotten-users", users=1)
    return t("circuit-lead", own=own, more=more, all=len(groups), whose=whose, level=f"{CERTAIN:.0%}")


# ---------------------------------------------------------------- evaluation


def utility(evaluation: Evaluation) -> str:
    """Describe how the quality for other users changed."""
    before, after = evaluation.original.test_auc, evaluation.unlearned.test_auc
    changed = after.value < before.low or after.value > before.high
    return t(
        "utility-same" if not changed else "utility-better" if after.value > before.value else "utility-worse",
        before=f"{before.value:.3f}",
        after=f"{after.value:.3f}",
    )


def membership(evaluation: Evaluation) -> str:
    """Describe the membership attack by what its AUC means: how often it is right about a pair of rows."""
    before, after = evaluation.original.membership_auc, evaluation.unlearned.membership_auc
    if not math.isfinite(after.low):
        return t("membership-unknown")
    others = [round(100 * one.membership_auc.value) for one in evaluation.references]
    return t(
        "membership-found",
        before=round(100 * before.value),
        after=round(100 * after.value),
        references=len({*others}),
        low=min(others, default=0),
        high=max(others, default=0),
    )
