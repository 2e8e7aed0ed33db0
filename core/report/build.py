"""Report of one run: self-contained HTML, and numbers for scripts. Pure functions.

The HTML works offline and in print. It fetches nothing and runs no script. There are two copies: one to
hand on, without names, titles and the reason of the request, and one for the reviewer, which has them and
is personal data. The numbers contain no personal data.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from core.report.numbers import count, date, number, percent, seconds
from core.report.plots import ranges, rank_changes, scatter
from core.report.summary import MEASURE_NAMES, NOT_RUN, Summary, asked_without_names
from core.types import Circuit, Evaluation, Group, Metrics, ModuleGroup, Request, RunSpec
from core.types.results import METRIC_NAMES
from core.utils.commands import command_line
from core.utils.serialization import to_json
from core.utils.text import visible
from core.workspace import WorkspaceSettings

MODULES_SHOWN = 40
CSP_STATIC = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"  # of every page
SECTIONS_MARKER = "<!-- more -->"  # where core.report.bundle adds sections
HEADLINE = ('<h1 class="headline">', "</h1>")  # what core.report.bundle replaces by the verdict
METRIC_TEXTS = {
    "test_auc": ("Test AUC", "later ratings of the other users; 0.5 is chance, higher is better"),
    "test_log_loss": ("Test log loss", "nats, lower is better"),
    "hit_rate": ("HR@10", "share of liked titles among the first ten of a hundred"),
    "ndcg": ("NDCG@10", "the same, weighted by rank"),
    "forget_auc": ("Forget AUC", "on the forgotten data; the references' value is the target"),
    "holdout_auc": ("Holdout AUC", "on held-out users, who are in no training set"),
    "membership_auc": ("Membership AUC", "attack that separates forgotten from held-out users by loss; 0.5 is chance"),
}


def make_report(
    spec: RunSpec,
    request: Request,
    settings: WorkspaceSettings,
    summary: Summary,
    circuits: tuple[Circuit, Circuit] | None,
    groups: Sequence[ModuleGroup],
    evaluation: Evaluation,
    timings: Mapping[str, float],
    device: str,
    dtype: str,
) -> tuple[str, str, dict[str, Any]]:
    """Build the report of a run.

    Args:
        spec: Specification of the run.
        request: The request.
        settings: Settings of the workspace.
        summary: Summary of the run, with names.
        circuits: Circuits of the forget and the retain set; None where the method finds none.
        groups: The modules with their groups; empty where the method finds no circuits.
        evaluation: Results of the run. Without references the report makes no claim about forgetting.
        timings: Seconds by stage.
        device: Device of the run.
        dtype: Data type of the model.

    Returns:
        HTML to hand on, HTML for the reviewer, and numbers that can be written as JSON.
    """
    shown_settings = _settings(settings)
    page = partial(
        environment().get_template("template.html").render,
        spec=spec,
        settings=shown_settings,
        measures=[(*words, _row(name, evaluation)) for name, words in METRIC_TEXTS.items()],
        evaluation=evaluation,
        circuits=_named(circuits),
        counts=[(group, Counter(g.group for g in groups)[group]) for group in Group],
        modules=sorted(groups, key=lambda g: -max(g.forget, g.retain))[:MODULES_SHOWN],
        hidden_modules=max(0, len(groups) - MODULES_SHOWN),
        timings=timings,
        device=device,
        dtype=dtype,
        scatter=scatter(groups) if groups else None,
        ranges=ranges(evaluation, {name: words[0] for name, words in METRIC_TEXTS.items() if name != "test_log_loss"}),
    )
    anonymous = replace(summary, asked=asked_without_names(request))
    slope = next((rank_changes(lists) for lists in evaluation.lists if lists.forgotten), None)
    return (
        page(summary=anonymous, slope=None, personal=False),
        page(summary=summary, slope=slope, personal=True),
        _numbers(spec, shown_settings, circuits, groups, evaluation, timings, device, dtype),
    )


def _settings(settings: WorkspaceSettings) -> dict[str, Any]:
    """The settings without people and clusters."""
    return {name: value for name, value in asdict(settings).items() if name not in ("people", "clusters")}


def _row(name: str, evaluation: Evaluation) -> dict[str, Any]:
    """One metric of every model."""
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
    """The report for scripts.

    The unlearned model's metrics are at the top level (test_auc, forget_auc, residual, ...), and item_mean_auc is
    the baseline for test_auc. `original`, `unlearned` and `references` have every metric with its interval
    {value, low, high, n}. A value that could not be measured is null.
    """
    measured = {name: getattr(evaluation.unlearned, name).value for name in METRIC_NAMES}
    numbers: dict[str, Any] = to_json(
        {
            "run": spec.id, "request": spec.request, "method": spec.method, "seed": spec.known_seed,
            "created": spec.created, "device": device, "dtype": dtype,
            **measured,
            "item_mean_auc": evaluation.item_mean_auc.value,
            "residual": evaluation.closeness.residual,
            "residual_floor": [one.residual for one in evaluation.floor],
            "jsd": evaluation.closeness.jsd,
            "half_kl": evaluation.closeness.half_kl,
            "advantages": list(evaluation.advantages),
            "reference_count": len(evaluation.references),
            "original": _metrics(evaluation.original),
            "unlearned": _metrics(evaluation.unlearned),
            "references": [_metrics(metrics) for metrics in evaluation.references],
            "item_mean": evaluation.item_mean_auc,
            "closeness": {
                "original": evaluation.closeness_original,
                "unlearned": evaluation.closeness,
                "references": evaluation.floor,
            },
            "faithfulness": {
                name: {"value": c.faithfulness, "threshold": c.threshold, "modules": len(c.members)}
                for name, c in _named(circuits)
            },
            "group_counts": {group.value: sum(g.group is group for g in groups) for group in Group},
            "modules": list(groups),
            "attacks_not_run": list(NOT_RUN),
            "settings": settings,
            "seconds": dict(timings),
        }
    )  # fmt: skip
    return numbers


def _named(circuits: tuple[Circuit, Circuit] | None) -> list[tuple[str, Circuit]]:
    return list(zip(("forget", "retain"), circuits, strict=True)) if circuits else []


def _metrics(metrics: Metrics) -> dict[str, Any]:
    return {name: getattr(metrics, name) for name in METRIC_NAMES}


def environment() -> Environment:
    """Return the Jinja environment of the templates.

    Every value is escaped, and invisible or direction-changing characters are removed.
    """
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=_visible,
    )  # fmt: skip
    templates.filters |= {"number": number, "percent": percent, "seconds": seconds, "date": date}
    templates.globals |= {"count": count, "command_line": command_line, "measure_names": MEASURE_NAMES}
    templates.globals |= {"csp": Markup(CSP_STATIC), "sections_marker": Markup(SECTIONS_MARKER)}
    templates.globals |= {"headline_start": Markup(HEADLINE[0]), "headline_end": Markup(HEADLINE[1])}
    return templates


def _visible(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
