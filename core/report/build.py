"""The results of one run as one self-contained HTML file and as numbers for a script. Pure: nothing is read or written.

The HTML works offline and printed, fetches nothing and runs no script. It comes twice: to be handed on, without names, titles and
reasons, and as the reviewer's copy, which has them and so is personal data. The numbers hold none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from core.report.plots import ranges, rank_changes, scatter
from core.report.summary import NOT_RUN, asked_of_nobody, count, date, number, percent, seconds, summarise, visible
from core.types import Circuit, Evaluation, Group, Item, Metrics, ModuleGroup, Request, RunSpec
from core.utils.serialization import to_json
from core.workspace import WorkspaceSettings

MODULES_SHOWN = 40
MEASURES = {
    "test_auc": ("Test AUC", "other people's later ratings; 0.5 is guessing, higher is better"),
    "test_log_loss": ("Test log loss", "nats, lower is better"),
    "hit_rate": ("HR@10", "a liked film is among the first ten of a hundred"),
    "ndcg": ("NDCG@10", "the same, and how high it stands"),
    "forget_auc": ("Forget AUC", "on the forgotten data; right is what the references have"),
    "holdout_auc": ("Holdout AUC", "on people no model was trained on"),
    "membership_auc": ("Membership AUC", "can the forgotten be told from strangers by their loss? 0.5 is no"),
}


def make_report(
    spec: RunSpec,
    request: Request,
    settings: WorkspaceSettings,
    items: Mapping[str, Item],
    circuits: tuple[Circuit, Circuit] | None,
    groups: Sequence[ModuleGroup],
    evaluation: Evaluation,
    timings: Mapping[str, float],
    device: str,
    dtype: str,
) -> tuple[str, str, dict[str, Any]]:
    """The report as (HTML to hand on, HTML for the reviewer, JSON-able numbers).

    items: the catalogue by id. circuits: of the forget and the retain set; None, with no groups, where the method does
    not look inside. timings: seconds a stage. Without references in the evaluation the report says so and claims nothing.
    """
    told = _settings(settings)
    page = partial(
        environment().get_template("template.html").render,
        spec=spec,
        settings=told,
        measures=[(*words, _row(name, evaluation)) for name, words in MEASURES.items()],
        evaluation=evaluation,
        circuits=_named(circuits),
        counts=[(group, Counter(g.group for g in groups)[group]) for group in Group],
        modules=sorted(groups, key=lambda g: -max(g.forget, g.retain))[:MODULES_SHOWN],
        hidden_modules=max(0, len(groups) - MODULES_SHOWN),
        timings=timings,
        device=device,
        dtype=dtype,
        scatter=scatter(groups) if groups else None,
        ranges=ranges(evaluation, {name: words[0] for name, words in MEASURES.items() if name != "test_log_loss"}),
    )
    summary = summarise(spec, request, items, groups, evaluation)
    nobody = replace(summary, asked=asked_of_nobody(request))
    slope = next((rank_changes(lists) for lists in evaluation.lists if lists.forgotten), None)
    return (
        page(summary=nobody, slope=None, personal=False),
        page(summary=summary, slope=slope, personal=True),
        _numbers(spec, told, circuits, groups, evaluation, timings, device, dtype),
    )


def _settings(settings: WorkspaceSettings) -> dict[str, Any]:
    """Without those who work there."""
    return {name: value for name, value in asdict(settings).items() if name not in ("people", "clusters")}


def _row(name: str, evaluation: Evaluation) -> dict[str, Any]:
    """One measure of every model."""
    references = [getattr(metrics, name) for metrics in evaluation.references]
    values = [interval.value for interval in references]
    return {
        "original": getattr(evaluation.original, name),
        "unlearned": getattr(evaluation.unlearned, name),
        "references": references,
        "mean": sum(values) / len(values) if values else None,
        "low": min(values, default=None),
        "high": max(values, default=None),
    }


def _numbers(
    spec: RunSpec,
    settings: Mapping[str, Any],
    circuits: tuple[Circuit, Circuit] | None,
    groups: Sequence[ModuleGroup],
    evaluation: Evaluation,
    timings: Mapping[str, float],
    device: str,
    dtype: str,
) -> dict[str, Any]:
    """The report for a script.

    One key a measure holds the unlearned model's value (test_auc, forget_auc, residual, ...); item_mean_auc is the
    baseline for test_auc. original, unlearned, references hold every measure with its interval {value, low, high, n}.
    A value that could not be measured is null.
    """
    measured = {name: getattr(evaluation.unlearned, name).value for name in MEASURES}
    return to_json(
        {
            "run": spec.id, "request": spec.request, "method": spec.method, "seed": spec.seed, "created": spec.created,
            "device": device, "dtype": dtype,
            **measured,
            "item_mean_auc": evaluation.item_mean_auc.value,
            "residual": evaluation.closeness.residual,
            "residual_floor": [one.residual for one in evaluation.floor],
            "jsd": evaluation.closeness.jsd,
            "half_kl": evaluation.closeness.half_kl,
            "reference_count": len(evaluation.references),
            "original": _metrics(evaluation.original),
            "unlearned": _metrics(evaluation.unlearned),
            "references": [_metrics(metrics) for metrics in evaluation.references],
            "item_mean": evaluation.item_mean_auc,
            "closeness": {"original": evaluation.closeness_original, "unlearned": evaluation.closeness, "references": evaluation.floor},
            "faithfulness": {name: {"value": c.faithfulness, "threshold": c.threshold, "modules": len(c.members)} for name, c in _named(circuits)},
            "group_counts": {group.value: sum(g.group is group for g in groups) for group in Group},
            "modules": list(groups),
            "attacks_not_run": list(NOT_RUN),
            "settings": settings,
            "seconds": dict(timings),
        }
    )  # fmt: skip


def _named(circuits: tuple[Circuit, Circuit] | None) -> list[tuple[str, Circuit]]:
    return list(zip(("forget", "retain"), circuits, strict=True)) if circuits else []


def _metrics(metrics: Metrics) -> dict[str, Any]:
    return {name: getattr(metrics, name) for name in MEASURES}


def environment() -> Environment:
    """Where templates are; every value is escaped, and characters that cannot be seen (or turn the line round) are blanked."""
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=_visible,
    )  # fmt: skip
    found.filters |= {"number": number, "percent": percent, "seconds": seconds, "date": date}
    found.globals["count"] = count
    return found


def _visible(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
