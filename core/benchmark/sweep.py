"""Which scenes there are, and every contestant through each of them; a broken-off bench goes on where it stood."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from core.benchmark.entrants import ENTRANTS, Setting
from core.benchmark.results import Row, Tried, read_rows, write_rows
from core.benchmark.scenarios import make_scene, open_request, references_of, slug
from core.benchmark.sequential import in_a_row
from core.benchmark.sharded_baselines import ANSWERS, shards
from core.benchmark.statistics import of_control
from core.benchmark.trials import Scene, baselines, load_scene, negation, trial
from core.benchmark.tuning import SETTINGS, best_setting, tune
from core.errors import RunError
from core.pipeline.prepare import Report
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace

TUNING_SEED = 1000  # its scene is used for nothing else
WITHOUT_STEPS = {"negation": negation, "shards": shards}
ALL = (*ENTRANTS, *WITHOUT_STEPS)


@dataclass(frozen=True)
class Grid:
    """What is to be measured. folder: where scenes are kept. rows: the Parquet file; tuning's trials stand beside it."""

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


def run_grid(grid: Grid, report: Report, say: Callable[[str], None]) -> list[Row]:
    """Measure what is missing; every run's rows are on disk before the next one starts."""
    rows = read_rows(grid.rows)
    trials = tuned(grid, report, say)
    for kind in grid.kinds:
        for seed in grid.seeds:
            for name, fresh in _scene_rows(grid, kind, seed, rows, trials, report):
                rows += fresh
                write_rows(grid.rows, rows)
                say(f"{grid.source.settings.name}, {kind}, seed {seed}: {name}")
    return rows


def tuned(grid: Grid, report: Report, say: Callable[[str], None]) -> list[Tried]:
    """All trials of the tuning; a control takes the setting of its method."""
    path = grid.rows.with_suffix(".tuning.json")
    trials = list(read_json(path, tuple[Tried, ...])) if path.is_file() else []
    wanted = dict.fromkeys(of_control(name) for name in grid.methods if name in ENTRANTS)
    missing = [name for name in wanted if name not in {one.method for one in trials}]
    if missing and len(grid.settings) > 1:
        scene = _scene(grid, "random", TUNING_SEED, 0, report)
        for name in missing:
            trials += tune(scene, name, ENTRANTS[name], TUNING_SEED, grid.settings)
            write_json(path, [asdict(one) for one in trials])
            say(f"{grid.source.settings.name}, tuning: {name}")
    return trials


def _scene_rows(
    grid: Grid, kind: str, seed: int, rows: Sequence[Row], trials: Sequence[Tried], report: Report
) -> Iterator[tuple[str, list[Row]]]:
    """What is missing of one scene, a run at a time; the scene is loaded only if something is."""
    there = {row.method for row in rows if (row.kind, row.seed) == (kind, seed)}
    there |= {"shards"} if there >= set(ANSWERS) else set()
    missing = [name for name in grid.methods if name not in there and not (kind == "row" and name in WITHOUT_STEPS)]
    if not missing and "original" in there:
        return
    scene = _scene(grid, kind, seed, grid.references, report)
    if "original" not in there:
        yield "baselines", list(baselines(scene))
    for name in missing:
        if name in WITHOUT_STEPS:
            yield name, list(WITHOUT_STEPS[name](scene, seed))
            continue
        setting = best_setting(trials, of_control(name)) if len(grid.settings) > 1 else grid.settings[0]
        measure = in_a_row if kind == "row" else trial
        yield name, list(measure(scene, name, ENTRANTS[name], setting, seed))


def _scene(grid: Grid, kind: str, seed: int, references: int, report: Report) -> Scene:
    """One scene of the grid, made if need be, in memory."""
    place = make_scene(grid.source, seed, grid.folder / f"{slug(grid.source.settings.name)}-{seed}", report)
    request = open_request(place, kind, seed)
    references_of(place, request, references, grid.device, report)
    return load_scene(place, request, grid.device)
