"""What the pages say: from results to plain sentences, and the words explained. Pure; no Streamlit."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import fmean, median

from core.types import Circuit, Evaluation, Group, ModuleGroup, Overlap, Recommendation, Request, RunState, RunStatus
from dashboard.texts import t

LEGEND = {
    "request": "One demand to erase: everything of some people, or chosen interactions.",
    "run": "One execution of the whole way for one request: find, take out, check, report.",
    "part (module)": "One attention head or one MLP of one layer of the model; the smallest piece we look at.",
    "circuit": "The parts and connections that together cause a recommendation.",
    "group": "What a part is for: mainly the forgotten data (forget), mainly everyone else (retain), both (shared), or neither (outside).",
    "sure": "How often a part comes out in the same group when the prompts are drawn again at random (bootstrap).",
    "forget set": "The training examples that the request covers. The retain set is all the others.",
    "reference": "A model trained again without the forgotten data: what the model would be if it had never seen it.",
    "holdout": "People that no model was ever trained on; they show what not knowing someone looks like.",
    "AUC": "How often a liked title is ranked above a disliked one: 0.5 is guessing, 1 is always.",
    "residual": "Distance left to the references: 1 means nothing was done, 0 means no difference is left.",
    "JSD": "Jensen-Shannon divergence, in bits: how far two models' answers lie apart; 0 means equal.",
}
GROUP_WORDS = {
    Group.FORGET: "mainly this data",
    Group.RETAIN: "mainly everyone else",
    Group.SHARED: "both",
    Group.OUTSIDE: "neither",
}
STAGES = ("loading", "contrast prompts", "circuit", "groups", "unlearning", "evaluation", "report")
STATES = {
    RunState.QUEUED: ("waiting", "schedule", "gray"),
    RunState.RUNNING: ("running", "autorenew", "blue"),
    RunState.DONE: ("done", "check", "green"),
    RunState.FAILED: ("failed", "error", "red"),
    RunState.CANCELLED: ("stopped", "block", "gray"),
    RunState.LOST: ("lost", "link_off", "red"),
}
LIVE = (RunState.QUEUED, RunState.RUNNING)


# ---------------------------------------------------------------- text


def escape(text: str) -> str:
    """`text` as Markdown that shows exactly itself: no formatting, no image, no link."""
    escaped = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
    return escaped.replace(r"\:\/\/", "\\:\u2060\\/\\/").replace("www", "www\u2060").replace(r"\@", "\\@\u2060")


def code(text: str) -> str:
    """`text` as a Markdown code span, whatever it holds."""
    flat = " ".join(text.split()) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    return f"{fence} {flat} {fence}" if "`" in flat else f"{fence}{flat}{fence}"


def count(number: int, one: str, many: str = "") -> str:
    """ "1 person", "2 people"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


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
        return "a while"
    if seconds < 90:
        return count(max(1, round(seconds)), "second")
    return count(round(seconds / 60), "minute") if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---------------------------------------------------------------- requests and runs


def people(request: Request) -> str:
    """Whose data a request names, for a sentence."""
    return "this person's" if len(request.subjects) == 1 else "these people's"


def scope(request: Request) -> str:
    """What a request covers."""
    parts = [f"everything of {count(len(request.users), 'person', 'people')}"] if request.users else []
    parts += [count(len(request.interactions), "chosen interaction")] if request.interactions else []
    return " and ".join(parts)


def stages(grouped: bool) -> tuple[str, ...]:
    """The stages of a run; only methods that work by groups look for a circuit."""
    return (
        STAGES
        if grouped
        else tuple(stage for stage in STAGES if stage not in ("contrast prompts", "circuit", "groups"))
    )


def run_sentence(status: RunStatus) -> str:
    """Where a run stands, as the first line of its page."""
    if status.state is RunState.DONE:
        return f"The run finished in {duration(status.seconds)}."
    if status.state is RunState.RUNNING:
        return "The run is working."
    return {
        RunState.QUEUED: "The run waits for its worker to start.",
        RunState.FAILED: "The run stopped because something went wrong.",
        RunState.CANCELLED: "The run was stopped by a person.",
        RunState.LOST: "The run has lost its worker.",
    }[status.state]


# ---------------------------------------------------------------- circuit


def module_title(name: str) -> str:
    """ "a3.h1" as "head 1 of layer 3"."""
    if head := re.fullmatch(r"a(\d+)\.h(\d+)", name):
        return f"head {head[2]} of layer {head[1]}"
    if mlp := re.fullmatch(r"m(\d+)", name):
        return f"MLP of layer {mlp[1]}"
    return {"input": "the history that is read", "logits": "the answer"}.get(name, name)


def place(slot: int) -> str:
    """A place in the prompt, as `Circuit.reads` counts them."""
    return {0: "instruction", 1: "asked for"}.get(slot, f"{slot - 1} back")


def overlap_sentence(circuit: Circuit) -> str:
    """How much of the circuit stays when it is found on other prompts."""
    if circuit.overlap is None:
        return "One prompt says nothing about how sure the circuit is."
    size, total = len(circuit.members), len(circuit.modules)
    return (
        f"Found on one half of the prompts and on the other, the circuits share {circuit.overlap:.0%} of their parts; "
        f"random ones of this size would share {size / (2 * total - size):.0%}."
    )


def circuit_sentence(groups: Sequence[ModuleGroup], whose: str = "this person's") -> str:
    """How many parts serve mainly the data to erase."""
    own, total = sum(group.group is Group.FORGET for group in groups), len(groups)
    if not own:
        return f"None of the {total} parts of the model serves mainly {whose} data."
    return f"{own} of {total} parts of the model {'serves' if own == 1 else 'serve'} mainly {whose} data."


def group_counts(groups: Sequence[ModuleGroup]) -> Counter[Group]:
    return Counter(group.group for group in groups)


# ---------------------------------------------------------------- evaluation


def utility(evaluation: Evaluation) -> str:
    """What the run cost everyone else, in one sentence."""
    before, after = evaluation.original.test_auc, evaluation.unlearned.test_auc
    numbers = f"(AUC {before.value:.3f} before, {after.value:.3f} after)"
    if after.value < before.low or after.value > before.high:
        return f"For everyone else the recommendations became {'better' if after.value > before.value else 'worse'} {numbers}."
    return f"For everyone else no change in quality could be measured {numbers}."


def membership(evaluation: Evaluation) -> str:
    """Whether a simple attack can tell that the data was used, in one sentence that claims no more than was measured."""
    before, after = evaluation.original.membership_auc, evaluation.unlearned.membership_auc
    numbers = f"(AUC {before.value:.2f} before, {after.value:.2f} after, 0.50 is guessing)"
    if not math.isfinite(after.low):
        return f"Too few people were there to say whether an attack can tell that the data was used {numbers}."
    able = "still does better than guessing" if after.low > 0.5 else "was not seen to do better than guessing"
    return f"A simple attack on the unlearned model {able} at telling that the data was used {numbers}."


def move(item: str, before: Sequence[Recommendation], after: Sequence[Recommendation]) -> str:
    """What happened to `item` between two lists: "up 3", "down 1", "same", "new" or "removed"."""
    old, new = ({row.item: rank for rank, row in enumerate(rows, 1)} for rows in (before, after))
    if item not in new:
        return "removed"
    if item not in old:
        return "new"
    step = old[item] - new[item]
    return "same" if not step else f"{'up' if step > 0 else 'down'} {abs(step)}"


def lists_sentence(before: Sequence[Recommendation], after: Sequence[Recommendation]) -> str:
    """How much of a top list changed."""
    gone = sum(move(row.item, before, after) == "removed" for row in before)
    moved = sum(move(row.item, before, after)[:2] in ("up", "do") for row in before)
    if not gone and not moved:
        return f"All {len(before)} recommendations stay where they were."
    left = f"{count(gone, 'title')} of {len(before)} left the list" if gone else "No title left the list"
    return f"{left} and {moved} changed place."


def overlaps_sentence(overlaps: Sequence[Overlap]) -> str:
    """How much of the kept people's lists stays, beside what training anew leaves of them."""
    after, anew = [one.after for one in overlaps], [one.reference for one in overlaps if one.reference is not None]
    found = t("before-overlaps", people=len(after), mean=f"{fmean(after):.0%}", median=f"{median(after):.0%}")
    return found + (" " + t("before-overlaps-reference", mean=f"{fmean(anew):.0%}") if anew else "")
