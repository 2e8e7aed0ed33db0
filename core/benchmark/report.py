"""Markdown report of the benchmark: results and tuning trials from disk, rendered by `templates/unlearning.md.j2`.

`headline` prepares the first paragraph, `report_tables` the tables. The template holds every sentence.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from core.benchmark.entrants import ENTRANTS
from core.benchmark.headline import headline
from core.benchmark.report_tables import SHARDED, section, tuning_table
from core.benchmark.results import Result, TuningTrial, read_results
from core.benchmark.statistics import UTILITY_BUDGET, worlds
from core.unlearning.methods import METHODS
from core.utils.atomic_io import write_text
from core.utils.serialization import read_json

TEMPLATES = Path(__file__).with_name("templates")


def write_report(target: Path) -> Path:
    """Write `target/unlearning.md` from all results and trials under `target/unlearning`.

    Returns:
        The path of the report.
    """
    rows = [row for path in sorted((target / "unlearning").glob("*.parquet")) for row in read_results(path)]
    trials = {
        path.name.removesuffix(".tuning.json"): read_json(path, tuple[TuningTrial, ...])
        for path in sorted((target / "unlearning").glob("*.tuning.json"))
    }
    write_text(target / "unlearning.md", render_report(rows, trials))
    return target / "unlearning.md"


def render_report(rows: Sequence[Result], trials: Mapping[str, Sequence[TuningTrial]]) -> str:
    """The whole report as Markdown.

    Args:
        rows: Results of all worlds.
        trials: Tuning trials by data set.
    """
    measured = {row.method for row in rows}
    return _template("unlearning.md.j2").render(
        headline=headline(rows),
        sections=[section(own) for _, own in worlds(rows)],
        tuning=[tuning_table(data, own) for data, own in trials.items()],
        unmeasured=[name for name in (*ENTRANTS, *SHARDED) if name not in measured],
        budget=UTILITY_BUDGET,
        most_steps=METHODS["cure"].steps,
    )


def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, not HTML
    )
    environment.filters["listed"] = lambda names: ", ".join(names) or "none"
    return environment.get_template(name)
