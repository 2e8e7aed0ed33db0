"""Sweep of the benchmark: every entrant through every scenario. An interrupted sweep continues where it stopped."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from core.benchmark.entrants import ENTRANTS, Setting
from core.benchmark.results import Result, TuningTrial, read_results, write_results
from core.benchmark.scenarios import make_scenario, open_request, references_of, slug
from core.benchmark.sequential import sequential_requests
from core.benchmark.sharded_baselines import COMBINERS, shards
from core.benchmark.statistics import method_of_control
from core.benchmark.trials import Scenario, baselines, load_scenario, negation, trial
from core.benchmark.tuning import SETTINGS, best_setting, tune
from core.errors import RunError
from core.pipeline.prepare import Report
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace

TUNING_SEED = 1000  # a seed that no result uses
WITHOUT_STEPS = {"negation": negation, "shards": shards}
ALL = (*ENTRANTS, *WITHOUT_STEPS)


@dataclass(frozen=True)
class Sweep:
    """All that is to be measured on one data set.

    Attributes:
        source: Prepared workspace.
        folder: Folder of the scenarios.
        rows: Parquet file of the results; the tuning trials are stored beside it.
        kinds: Kinds of request, keys of `scenarios.KINDS`.
        seeds: Seeds; each has its own adapter, request and references.
        methods: Names of entrants.
        references: References for each scenario.
        device: `auto`, `cpu` or `cuda`.
        settings: Settings that tuning tries; a single one is used without tuning.

    Raises:
        RunError: A method is unknown.
    """

    source: Workspace
    folder: Path
    rows: Path
    kinds: tuple[str, ...] = ("random",)
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    methods: tuple[str, ...] = ALL
    references: int = 3
    device: str = "auto"
    settings: tuple[Setting, ...] = SETTINGS

    def __post_init__(self) -> None:
        if unknown := set(self.methods) - set(ALL):
            raise RunError(f"Method {min(unknown)!r} is unknown: choose among {', '.join(ALL)}.")


def run_sweep(sweep: Sweep, report: Report, announce: Callable[[str], None]) -> list[Result]:
    """Measure what is missing; the results of each entrant are on disk before the next one starts.

    Args:
        sweep: What is to be measured.
        report: Called after each training step of adapters and references.
        announce: Called with one line of text after each entrant.

    Returns:
        All results of the sweep's file.
    """
    rows = read_results(sweep.rows)
    trials = tuned(sweep, report, announce)
    for kind in sweep.kinds:
        for seed in sweep.seeds:
            for name, measured in _missing_results(sweep, kind, seed, rows, trials, report):
                rows += measured
                write_results(sweep.rows, rows)
                announce(f"{sweep.source.settings.name}, {kind}, seed {seed}: {name}")
    return rows


def tuned(sweep: Sweep, report: Report, announce: Callable[[str], None]) -> list[TuningTrial]:
    """All tuning trials; missing ones are run. A control takes the setting of its method, so it is not tuned."""
    path = sweep.rows.with_suffix(".tuning.json")
    trials = list(read_json(path, tuple[TuningTrial, ...])) if path.is_file() else []
    methods = dict.fromkeys(method_of_control(name) for name in sweep.methods if name in ENTRANTS)
    missing = [name for name in methods if name not in {one.method for one in trials}]
    if missing and len(sweep.settings) > 1:
        scenario = _scenario(sweep, "random", TUNING_SEED, 0, report)
        for name in missing:
            trials += tune(scenario, name, ENTRANTS[name], TUNING_SEED, sweep.settings)
            write_json(path, [asdict(one) for one in trials])
            announce(f"{sweep.source.settings.name}, tuning: {name}")
    return trials


def _missing_results(
    sweep: Sweep, kind: str, seed: int, rows: Sequence[Result], trials: Sequence[TuningTrial], report: Report
) -> Iterator[tuple[str, list[Result]]]:
    """Measure the missing entrants of one scenario; a complete scenario is not loaded."""
    measured = {row.method for row in rows if (row.kind, row.seed) == (kind, seed)}
    measured |= {"shards"} if measured >= set(COMBINERS) else set()
    entrants = [name for name in sweep.methods if not (kind == "row" and name in WITHOUT_STEPS)]
    missing = [name for name in entrants if name not in measured]
    if not missing and "original" in measured:
        return
    scenario = _scenario(sweep, kind, seed, sweep.references, report)
    if "original" not in measured:
        yield "baselines", list(baselines(scenario))
    for name in missing:
        if name in WITHOUT_STEPS:
            yield name, list(WITHOUT_STEPS[name](scenario, seed))
            continue
        setting = best_setting(trials, method_of_control(name)) if len(sweep.settings) > 1 else sweep.settings[0]
        measure = sequential_requests if kind == "row" else trial
        yield name, list(measure(scenario, name, ENTRANTS[name], setting, seed))


def _scenario(sweep: Sweep, kind: str, seed: int, references: int, report: Report) -> Scenario:
    """One scenario in memory; its adapter and references are trained if they are missing."""
    workspace = make_scenario(sweep.source, seed, sweep.folder / f"{slug(sweep.source.settings.name)}-{seed}", report)
    request = open_request(workspace, kind, seed)
    references_of(workspace, request, references, sweep.device, report)
    return load_scenario(workspace, request, sweep.device)
