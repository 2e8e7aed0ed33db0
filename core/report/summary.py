"""What the report says first: plain sentences for the person who answers for the deletion. Pure."""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median

from core.types import Evaluation, Group, Interval, Item, ModuleGroup, Request, RunSpec

NAMED = 6
JOINERS = "\u200c\u200d"  # unseen, but emoji and several alphabets are written with them
REFERENCES_WANTED = 5
NOT_RUN = (  # by a run itself; its verification asks more, and says what it leaves out
    "membership attacks with shadow models",
    "whatever the verification asks: reworded prompts, rounding, relearning, probes of inner layers",
)


@dataclass(frozen=True, slots=True)
class Summary:
    """The first lines of the report, one idea each; `unknown` are the things this report does not show."""

    headline: str
    asked: str
    done: str
    found: tuple[str, ...]
    cost: tuple[str, ...]
    unknown: tuple[str, ...]


def visible(text: str) -> str:
    """`text` without what is not seen or turns the line round; what parts words becomes a space."""
    return "".join(
        char if char.isprintable() or char in JOINERS else "" if unicodedata.category(char) == "Cf" else " "
        for char in text
    )


def summarise(
    spec: RunSpec, request: Request, items: Mapping[str, Item], groups: Sequence[ModuleGroup], evaluation: Evaluation
) -> Summary:
    """The whole run in plain words: measurements against references, never a judgement."""
    return Summary(
        _headline(evaluation),
        _asked(request, items),
        _done(spec, groups),
        _found(evaluation),
        _cost(evaluation),
        _unknown(evaluation),
    )


def _headline(evaluation: Evaluation) -> str:
    residual, floor = evaluation.closeness.residual, _finite(one.residual for one in evaluation.floor)
    if not evaluation.references:
        return "The model was changed, but there is no retrained reference: how much it forgot is not known."
    if not math.isfinite(residual):
        return "The model was changed, but its distance to models that never saw the data could not be measured."
    if floor and max(floor) >= 1:
        return "Models that never saw the forgotten data differ as much from one another as from the original: this cannot show what was forgotten."
    if residual >= 1:
        return f"On the forgotten data, the model came no closer to models that never saw it{_lost(evaluation)}."
    if floor and residual <= median(floor):
        near = "is now as close to models that never saw it as they are to one another"
    else:
        near = f"went {percent(1 - residual)} of the way to models that never saw it"
    return f"On the forgotten data, the model {near}{_still(evaluation)}."


def _lost(evaluation: Evaluation) -> str:
    """What may have gone although the answers came no closer one by one: the AUC by which it predicts better than they."""
    known = fmean(_finite(metrics.forget_auc.value for metrics in evaluation.references) or [math.nan])
    before, after = (metrics.forget_auc.value - known for metrics in (evaluation.original, evaluation.unlearned))
    if not 0 <= after < before:
        return ""
    return f"; yet {percent(1 - after / before)} of its advantage over them is gone"


def _still(evaluation: Evaluation) -> str:
    """Nearness is a mean: what it may hide is said in the same breath."""
    known = _finite(metrics.forget_auc.value for metrics in evaluation.references)
    own = evaluation.unlearned.forget_auc.value
    if known and own > max(known):
        return ", but it still predicts the forgotten ratings better than any of them"
    return ", but it predicts the forgotten ratings worse than any of them" if known and own < min(known) else ""


def _asked(request: Request, items: Mapping[str, Item]) -> str:
    parts = []
    if request.users:
        parts.append(f"everything of {count(len(request.users), 'person', 'people')} ({_some(request.users)})")
    if request.interactions:
        films = [f"“{items[item].title if item in items else item}” of {user}" for user, item in request.interactions]
        parts.append(f"{count(len(films), 'chosen interaction')} ({_some(films)})")
    reason = f" Reason given: {request.reason}" if request.reason else ""
    return f"{_request(request)} asks to erase {' and '.join(parts)} from the recommender.{reason}"


def asked_of_nobody(request: Request) -> str:
    """What was asked, without who, which titles and why."""
    parts = [count(len(request.users), "person", "people")] if request.users else []
    parts += [count(len(request.interactions), "chosen interaction")] if request.interactions else []
    return f"{_request(request)} asks to erase the data of {' and '.join(parts)} from the recommender."


def _request(request: Request) -> str:
    return f"Request {request.id} on {date(request.created)}" if request.created else f"Request {request.id}"


def _done(spec: RunSpec, groups: Sequence[ModuleGroup]) -> str:
    kept = "The base model underneath was not changed."
    if spec.method == "retrain":
        return f"The adapter was trained anew from the base model without the forgotten data. {kept}"
    if not groups:
        return f"Method “{spec.method}” changed the recommender's adapter, every part of it alike. {kept}"
    counts = Counter(group.group for group in groups)
    return (
        f"Method “{spec.method}” measured which of the {count(len(groups), 'part')} of the model the forgotten data works through: "
        f"{counts[Group.FORGET]} mainly for it, {counts[Group.RETAIN]} mainly for everyone else, {counts[Group.SHARED]} for both, "
        f"{counts[Group.OUTSIDE]} for neither. Each kind was then changed by its own rule, the last not at all. {kept}"
    )


def _found(evaluation: Evaluation) -> tuple[str, ...]:
    references = evaluation.references
    if not references:
        claim = "There is no retrained reference for this request, so this report claims nothing about how much was forgotten."
        return (f"{claim} Train references and run again.",)
    trained = count(len(references), "reference model was", "reference models were")
    forget = [metrics.forget_auc.value for metrics in references]
    member = [metrics.membership_auc.value for metrics in references]
    return (
        f"{trained} trained without the forgotten data. The distance left to them (residual) is "
        f"{number(evaluation.closeness.residual)}: 1 means nothing was done, 0 means no difference. {_floor(evaluation)}",
        f"How well the model still predicts the forgotten ratings (forget AUC): {_change('forget_auc', evaluation)}; "
        f"references {_range(forget)}. The result {_place(evaluation.unlearned.forget_auc.value, forget)}; "
        "above and below are both a difference.",
        "How well an attacker who sees the model's loss can tell the forgotten from strangers (membership AUC, 0.5 is "
        f"not at all): {_change('membership_auc', evaluation)}; references {_range(member)}.",
    )


def _floor(evaluation: Evaluation) -> str:
    if not evaluation.floor:
        return "With a single reference, how much such models differ by chance is not known."
    spread = _range([one.residual for one in evaluation.floor])
    return f"The references among themselves score {spread} (the floor): below that, nothing can be told apart."


def _cost(evaluation: Evaluation) -> tuple[str, ...]:
    before, after = evaluation.original.test_auc, evaluation.unlearned.test_auc
    references = [metrics.test_auc.value for metrics in evaluation.references]
    beside = (
        f"The references have {_range(references)}" if references else "There is no retrained reference to compare with"
    )
    mean = evaluation.item_mean_auc.value
    return (
        f"For everyone else, the quality of predictions (test AUC) was {_estimate(before)} and is {_estimate(after)}, "
        f"a change of {signed(after.value - before.value)}. {beside}.",
        f"Ranking films by their mean rating alone gives {number(mean)}: the unlearned model {_beats(after.value, mean)}.",
    )


def _unknown(evaluation: Evaluation) -> tuple[str, ...]:
    lines = [
        f"One simple attack was measured. Not run: {'; '.join(NOT_RUN)}.",
        "The data itself, backups, logs, the adapter before unlearning and older checkpoints still hold what was to be "
        "forgotten, until someone destroys them.",
        "A run measures and does not judge: verdicts come from its verification, where one was made. This report is evidence "
        "for the people who decide, and no certificate.",
    ]
    if 0 < len(evaluation.references) < REFERENCES_WANTED:
        few = f"References: {len(evaluation.references)}; with fewer than {REFERENCES_WANTED}, their spread is only roughly known."
        lines.insert(1, few)
    return tuple(lines)


# ---------------------------------------------------------------- words and numbers


def number(value: float | None, digits: int = 3) -> str:
    """A number with a real minus sign; a dash where nothing could be measured."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)


def percent(value: float, digits: int = 0) -> str:
    return "–" if not math.isfinite(value) else f"{100 * value:.{digits}f}%".replace("-", "−")


def count(amount: int, one: str, many: str = "") -> str:
    """An amount with its word: "1 person", "2 people"."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def date(moment: str) -> str:
    """An ISO moment as "12 January 2026"; the text itself where it is none."""
    try:
        when = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{when.day} {when:%B %Y}"


def seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 90 else f"{value / 60:.1f} min"


def _estimate(interval: Interval) -> str:
    if not math.isfinite(interval.low):
        return f"{number(interval.value)} (too few people for an interval)"
    return f"{number(interval.value)} (95% interval {number(interval.low)} to {number(interval.high)})"


def _change(name: str, evaluation: Evaluation) -> str:
    return f"{number(getattr(evaluation.original, name).value)} before, {number(getattr(evaluation.unlearned, name).value)} after"


def _finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def _range(values: Sequence[float]) -> str:
    ends = sorted(_finite(values)) or [math.nan]
    low, high = number(ends[0]), number(ends[-1])
    return low if low == high else f"{low} to {high}"


def _place(value: float, values: Sequence[float]) -> str:
    ends = sorted(_finite(values))
    if not ends or not math.isfinite(value):
        return "cannot be compared with them"
    if value > ends[-1]:
        return "lies above their range"
    return "lies below their range" if value < ends[0] else "lies within their range"


def _beats(value: float, baseline: float) -> str:
    if not math.isfinite(value - baseline):
        return "cannot be compared with it"
    return f"is {'above' if value > baseline else 'not above'} this simple baseline"


def _some(names: Sequence[str]) -> str:
    """The first few of a list, and how many more."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
