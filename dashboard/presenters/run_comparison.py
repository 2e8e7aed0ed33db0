"""Runs side by side, and which of them the numbers show to be ahead. Pure functions without Streamlit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from core.types import Group, Interval, Recommendation, Verdict
from core.types.results import MEASURES
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.list_phrases import rank_change, step
from dashboard.presenters.phrases import escape, joined

LEAST, MOST = 2, 6  # runs side by side
CLEARLY_FASTER = 0.9  # share of another run's time: two equal runs on one machine differ by a few percent
ASPECTS = Texts(
    {
        "verdict": "compare-aspect-verdict",
        "forgotten": "compare-aspect-forgotten",
        "quality": "compare-aspect-quality",
        "membership": "compare-aspect-membership",
        "time": "compare-aspect-time",
    }
)
CLAIMS = Texts(
    {
        "verdict": "compare-ahead-verdict",
        "forgotten": "compare-ahead-forgotten",
        "quality": "compare-ahead-quality",
        "membership": "compare-ahead-membership",
        "time": "compare-ahead-time",
    }
)
ABOUT_PEOPLE = ("forgotten", "membership")  # aspects that are about the data of the run's own request
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a comparison shows of one finished run; whatever is not known is None.

    Attributes:
        run: Id of the run.
        request: Id of its request.
        method: Title of its method.
        verdict: Verdict of its verification.
        sentence: The verdict with its numbers.
        shares: Share of the original's advantage that is gone, by measure, where it can be told.
        at_least: Share that is shown to be gone at least, where the verification passed.
        confidence: Confidence of `at_least`.
        fall: Fall of the test AUC, with its interval; without a verification its ends are NaN.
        margin: Fall that is allowed.
        membership: What a membership attack gains beyond the references, in AUC.
        modules: Number of modules in each group; empty without a circuit.
        circuit: Modules of the forget circuit.
        seconds: Duration.
        steps: Unlearning steps.
        device: Torch device.
    """

    run: str
    request: str
    method: str
    verdict: Verdict | None = None
    sentence: str = ""
    shares: Mapping[str, Interval] | None = None
    at_least: float | None = None
    confidence: float | None = None
    fall: Interval | None = None
    margin: float | None = None
    membership: Interval | None = None
    modules: Mapping[Group, int] | None = None
    circuit: frozenset[str] = frozenset()
    seconds: float | None = None
    steps: int | None = None
    device: str = ""

    def share(self, measure: str) -> Interval | None:
        """The share forgotten by a measure. A retrained adapter never saw the data: it has forgotten all of it."""
        if self.verdict is Verdict.EXACT:
            return Interval(1.0, 1.0, 1.0, 0)
        return (self.shares or {}).get(measure)


def common_measure(facts: Sequence[RunFacts]) -> str:
    """Return the measure by which the share forgotten is known of most runs, the first of MEASURES among equals."""
    return max(MEASURES, key=lambda measure: sum(measure in (one.shares or {}) for one in facts))


def scores(facts: Sequence[RunFacts], aspect: str) -> list[Range | None]:
    """Return the range in which each run's score lies, where less is better; None where it is not known."""
    measure = common_measure(facts)
    if aspect == "verdict":
        return [None if one.verdict is None else (float(not one.verdict.passes),) * 2 for one in facts]
    if aspect == "forgotten":
        return [_distance(one.share(measure), 1.0) for one in facts]
    if aspect == "quality":
        return [_ends(one.fall) for one in facts]
    if aspect == "membership":
        return [_distance(one.membership, 0.0) for one in facts]
    comparable = len({one.device for one in facts}) == 1
    return [(CLEARLY_FASTER * one.seconds, one.seconds) if comparable and one.seconds else None for one in facts]


def _ends(found: Interval | None) -> Range | None:
    return (found.low, found.high) if found and math.isfinite(found.low + found.high) else None


def _distance(found: Interval | None, target: float) -> Range | None:
    """Return the least and the largest distance from a target that an interval allows."""
    if (ends := _ends(found)) is None:
        return None
    low, high = (abs(end - target) for end in ends)
    return (0.0 if ends[0] <= target <= ends[1] else min(low, high)), max(low, high)


def leader(facts: Sequence[RunFacts], aspect: str) -> str | None:
    """Return the run whose worst score is better than every other run's best one; None where there is none."""
    if aspect in ABOUT_PEOPLE and differ(facts):
        return None
    found = scores(facts, aspect)
    known = [one for one in found if one is not None]
    if len(known) < len(facts):
        return None
    for number, own in enumerate(known):
        if all(own[1] < other[0] for other in (*known[:number], *known[number + 1 :])):
            return facts[number].run
    return None


def differ(facts: Sequence[RunFacts]) -> bool:
    """Return whether the runs serve different requests."""
    return len({one.request for one in facts}) > 1


def passing_runs(facts: Sequence[RunFacts]) -> list[str]:
    """Return the runs that pass their verification, where several do and at least one does not."""
    found = [one.run for one in facts if one.verdict and one.verdict.passes]
    return found if 1 < len(found) < len(facts) else []


def headline(facts: Sequence[RunFacts]) -> str:
    """Say in one sentence which runs pass where others do not, and which run is ahead in what."""
    ahead: dict[str, list[str]] = {}
    for aspect, claim in CLAIMS.items():
        if run := leader(facts, aspect):
            ahead.setdefault(run, []).append(claim)
    passing = passing_runs(facts)
    parts = [t("compare-pass", runs=joined([escape(run) for run in passing]))] if passing else []
    if not ahead and not parts:
        return t("compare-nobody", runs=len(facts))
    parts += [t("compare-ahead", run=escape(run), claims=joined(claims)) for run, claims in ahead.items()]
    return "; ".join(parts) + "."


def notes(facts: Sequence[RunFacts]) -> list[str]:
    """Say in which aspects no run is shown to be ahead, which cannot be compared, and when the requests differ."""
    left_out: tuple[str, ...] = ABOUT_PEOPLE if differ(facts) else ()
    left_out = (*left_out, *(("verdict",) if passing_runs(facts) else ()))  # the headline names those that pass
    rest = [aspect for aspect in ASPECTS if leader(facts, aspect) is None and aspect not in left_out]
    unknown = [ASPECTS[aspect] for aspect in rest if None in scores(facts, aspect)]
    undecided = [ASPECTS[aspect] for aspect in rest if None not in scores(facts, aspect)]
    requests = ", ".join(escape(name) for name in dict.fromkeys(one.request for one in facts))
    return [
        *([t("compare-requests", requests=requests)] if differ(facts) else []),
        *([t("compare-open", aspects=joined(undecided))] if undecided else []),
        *([t("compare-unknown", aspects=joined(unknown))] if unknown else []),
    ]


def list_changes(lists: Mapping[str, tuple[Sequence[Recommendation], Sequence[Recommendation]]]) -> pd.DataFrame:
    """Return one row for each title: its place before, and its place and change after each run.

    Args:
        lists: The person's top list before and after, by run.
    """
    first = next(iter(lists.values()))[0]
    rows = [row for before, after in lists.values() for row in (*before, *after)]
    titles = {row.item: row.title for row in (*first, *rows)}
    table = {
        t("compare-lists-title"): list(titles.values()),
        t("compare-lists-before"): [_place(item, first) for item in titles],
    }
    for run, (before, after) in lists.items():
        table[run] = [_cell(item, before, after) for item in titles]
    return pd.DataFrame(table)


def _place(item: str, rows: Sequence[Recommendation]) -> str:
    return next((str(rank) for rank, row in enumerate(rows, 1) if row.item == item), "")


def _cell(item: str, before: Sequence[Recommendation], after: Sequence[Recommendation]) -> str:
    rank = _place(item, after)
    if rank:
        return t("compare-lists-cell", rank=rank, change=rank_change(item, before, after))
    return t("move-removed") if _place(item, before) and step(item, before, after) == "removed" else ""


def numbers(facts: Sequence[RunFacts], words: Mapping[Verdict, str]) -> pd.DataFrame:
    """Return all numbers, one row for each run, to export; the share is that of `common_measure`.

    Args:
        facts: The runs.
        words: Word of each verdict.
    """
    measure, missing = common_measure(facts), Interval(math.nan, math.nan, math.nan, 0)
    rows = []
    for one in facts:
        share, fall = one.share(measure) or missing, one.fall or missing
        attack = one.membership.value if one.membership else math.nan
        word = words[one.verdict] if one.verdict else ""
        rows.append((one.run, one.request, one.method, word, share.value, share.low, share.high, fall.value, fall.low,
                     fall.high, attack, one.seconds, one.steps))  # fmt: skip
    names = ("run", "request", "method", "verdict", "forgotten", "forgotten-low", "forgotten-high", "fall", "fall-low",
             "fall-high", "membership", "seconds", "steps")  # fmt: skip
    return pd.DataFrame(rows, columns=[t(f"compare-column-{name}") for name in names])
