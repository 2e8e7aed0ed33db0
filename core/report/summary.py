"""Summary of a run: the first lines of its report, in plain sentences.

Pure functions. The sentences compare the model with the references and never judge it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.report.numbers import count, date, number, percent, percent_ends, signed
from core.types import Advantage, Evaluation, Group, Interval, Item, ModuleGroup, Request, RunSpec
from core.types.circuit import CERTAIN

NAMED = 6
REFERENCES_WANTED = 5
NOT_RUN = (  # attacks that a run leaves out; its verification runs more of them and names the rest
    "membership attacks with shadow models",
    "attacks of the verification: paraphrased prompts, quantization, relearning, probes of the hidden states",
)
GIVEN_ADAPTER = (
    "The adapter was trained elsewhere, perhaps also on held-out users and last interactions. Early stopping, memory "
    "contrast and membership compare with these, so they may find too little memory, and its test AUC may be too high."
)


@dataclass(frozen=True, slots=True)
class Summary:
    """First lines of the report.

    Attributes:
        headline: The result in one sentence.
        asked: The request.
        done: How the model was changed.
        found: How much was forgotten, in a few sentences.
        cost: Quality for the other users, in a few sentences.
        unknown: What the report does not show, in a few sentences.
    """

    headline: str
    asked: str
    done: str
    found: tuple[str, ...]
    cost: tuple[str, ...]
    unknown: tuple[str, ...]


def summarise(
    spec: RunSpec,
    request: Request,
    items: Mapping[str, Item],
    groups: Sequence[ModuleGroup],
    evaluation: Evaluation,
    *,
    method_title: str,
    memory_contrast: bool,
    given_adapter: bool = False,
    verdict: str = "",
) -> Summary:
    """Return the summary of a run.

    Args:
        spec: Specification of the run.
        request: The request, with names: the summary is personal data.
        items: The catalogue by item id, for titles.
        groups: The modules with their groups; empty where the method finds no circuits.
        evaluation: Results of the run.
        method_title: Title of the method.
        memory_contrast: Whether the method grouped the modules by memory contrast.
        given_adapter: Whether the original adapter was trained elsewhere.
        verdict: Sentence of the run's verification; empty where there is none.
    """
    return Summary(
        verdict or _headline(evaluation),
        _asked(request, items),
        _done(spec, method_title, groups, memory_contrast),
        _found(evaluation),
        _cost(evaluation),
        (*_unknown(evaluation), *([GIVEN_ADAPTER] if given_adapter else [])),
    )


def _headline(evaluation: Evaluation) -> str:
    """Headline of a run without verification: what was measured, and that nobody has judged it."""
    if not evaluation.references:
        return "The model was changed, but there is no retrained reference: it is not known how much it forgot."
    found = next((one for one in evaluation.advantages if one.measure == "log_loss"), None)
    if found is None or not math.isfinite(found.unlearned.value):
        return "The model was changed, but how much it forgot could not be measured."
    if found.forgotten is None:
        return (
            "Not verified yet: how much more the model knew about the forgotten data than models that never saw it is "
            "too uncertain, so the share that it forgot cannot be told."
        )
    low, high = percent_ends(found.forgotten)
    return (
        f"Not verified yet: {percent(found.forgotten.value)} of what the model knew about the forgotten data is gone "
        f"(90% interval {low} to {high})."
    )


def _asked(request: Request, items: Mapping[str, Item]) -> str:
    parts = []
    if request.users:
        parts.append(f"all data of {count(len(request.users), 'user')} ({_some(request.users)})")
    if request.interactions:
        films = [f"“{items[item].title if item in items else item}” of {user}" for user, item in request.interactions]
        parts.append(f"{count(len(films), 'chosen interaction')} ({_some(films)})")
    reason = f" Reason: {request.reason}" if request.reason else ""
    return f"{_request(request)} asks to erase {' and '.join(parts)} from the recommender.{reason}"


def asked_without_names(request: Request) -> str:
    """Return the sentence about the request without names of users, titles and reason."""
    parts = [count(len(request.users), "user")] if request.users else []
    parts += [count(len(request.interactions), "chosen interaction")] if request.interactions else []
    return f"{_request(request)} asks to erase the data of {' and '.join(parts)} from the recommender."


def _request(request: Request) -> str:
    return f"Request {request.id} on {date(request.created)}" if request.created else f"Request {request.id}"


def _done(spec: RunSpec, title: str, groups: Sequence[ModuleGroup], memory_contrast: bool) -> str:
    kept = "The base model was not changed."
    if spec.is_external:
        return (
            "Another tool made the adapter: by which method, in how many steps, with which seed and in what time is "
            f"not known. {kept}"
        )
    if spec.method == "retrain":
        return f"The adapter was retrained from the base model without the forgotten data. {kept}"
    if memory_contrast:
        return (
            f"Method “{title}” grouped the modules by memory contrast and changed each group by its own rule; the page "
            f"Circuit shows the groups. {kept}"
        )
    if not groups:
        return f"Method “{title}” changed all modules of the recommender's adapter alike. {kept}"
    counts = Counter(group.group for group in groups)
    sure = sum(one.group is Group.FORGET and one.membership_probability >= CERTAIN for one in groups)
    more, fixed = counts[Group.FORGET] - sure, sum(one.has_lora is False for one in groups)
    return (
        f"Method “{title}” measured the contribution of the {count(len(groups), 'module')} of the model: "
        f"{sure} serve mainly the forgotten data{f' ({more} more may)' if more else ''}, "
        f"{counts[Group.RETAIN]} mainly the retained data, "
        f"{counts[Group.SHARED]} both, {counts[Group.OUTSIDE]} neither. Each group was changed by its own rule, "
        f"and the last group not at all. {f'The adapter does not reach {fixed} of them. ' if fixed else ''}{kept}"
    )


def _found(evaluation: Evaluation) -> tuple[str, ...]:
    references = evaluation.references
    if not references:
        claim = "There is no retrained reference for this request: it is not known how much was forgotten."
        return (f"{claim} Train references and run again.",)
    trained = count(len(references), "reference model was", "reference models were")
    forget = [metrics.forget_auc.value for metrics in references]
    member = [metrics.membership_auc.value for metrics in references]
    return (
        f"{trained} trained without the forgotten data.",
        *(_advantage(one) for one in evaluation.advantages),
        f"The remaining distance to the references, answer by answer (residual), is "
        f"{number(evaluation.closeness.residual)}: 1 means that nothing changed, 0 means no difference. "
        f"{_floor(evaluation)}",
        "Quality of the model's predictions of the forgotten ratings (forget AUC): "
        f"{_change('forget_auc', evaluation)}; references {_range(forget)}. "
        f"The result {_place(evaluation.unlearned.forget_auc.value, forget)}; "
        "a value outside that range is a difference.",
        "Success of an attack that separates forgotten users from held-out users by the model's loss (membership AUC, "
        f"0.5 is chance): {_change('membership_auc', evaluation)}; references {_range(member)}.",
    )


MEASURE_NAMES = {"log_loss": "log loss, nats", "auc": "AUC", "membership": "membership attack by loss, AUC"}


def _advantage(found: Advantage) -> str:
    """One measure of what the model knows about the forgotten data, before and after, and the share that is gone."""
    before, after = (_estimate_90(one) for one in (found.original, found.unlearned))
    chance = f"; the references have {_range(found.references)} among themselves" if found.references else ""
    gone = f" Forgotten: {_share(found.forgotten)}." if found.forgotten else ""
    name = f"Advantage over the references on the forgotten data ({MEASURE_NAMES[found.measure]})"
    return f"{name}: {before} before, {after} after{chance}.{gone}"


def _estimate_90(interval: Interval) -> str:
    return f"{number(interval.value)} ({number(interval.low)} to {number(interval.high)})"


def _share(share: Interval) -> str:
    low, high = percent_ends(share)
    return f"{percent(share.value)} ({low} to {high})"


def _floor(evaluation: Evaluation) -> str:
    if not evaluation.floor:
        return "With a single reference, the difference of such models by chance is not known."
    spread = _range([one.residual for one in evaluation.floor])
    return f"The references differ from each other by {spread} (the floor): smaller distances cannot be distinguished."


def _cost(evaluation: Evaluation) -> tuple[str, ...]:
    before, after = evaluation.original.test_auc, evaluation.unlearned.test_auc
    references = [metrics.test_auc.value for metrics in evaluation.references]
    beside = (
        f"The references reach {_range(references)}"
        if references
        else "There is no retrained reference to compare with"
    )
    mean = evaluation.item_mean_auc.value
    return (
        f"For the other users, the quality of predictions (test AUC) was {_estimate(before)} and is {_estimate(after)},"
        f" a change of {signed(after.value - before.value)}. {beside}.",
        f"A ranking of titles by their mean rating alone reaches {number(mean)}: "
        f"the unlearned model {_beats(after.value, mean)}.",
    )


def _unknown(evaluation: Evaluation) -> tuple[str, ...]:
    lines = [
        f"The run measured one simple attack. Not run: {'; '.join(NOT_RUN)}.",
        "The data set, backups, logs, the adapter before unlearning and older checkpoints still contain the forgotten "
        "data until someone deletes them.",
        "A run measures and does not judge: verdicts come from its verification, if there is one. This report is "
        "evidence for the people who decide. It is not a certificate.",
    ]
    if 0 < len(evaluation.references) < REFERENCES_WANTED:
        few = f"References: {len(evaluation.references)}; with fewer than {REFERENCES_WANTED}"
        lines.insert(1, f"{few}, their spread is only roughly known.")
    return tuple(lines)


def _estimate(interval: Interval) -> str:
    if not math.isfinite(interval.low):
        return f"{number(interval.value)} (too few users for an interval)"
    return f"{number(interval.value)} (95% interval {number(interval.low)} to {number(interval.high)})"


def _change(name: str, evaluation: Evaluation) -> str:
    before, after = (getattr(model, name).value for model in (evaluation.original, evaluation.unlearned))
    return f"{number(before)} before, {number(after)} after"


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
    """The first few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
