"""Benchmark results on disk: one row of a Parquet file for each measured model."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from io import BytesIO
from pathlib import Path
from typing import get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from core.types.aliases import stored_as, stored_name
from core.utils.atomic_io import write_bytes


@dataclass(frozen=True, slots=True)
class Result:
    """Measurements of one model. The names of the fields are the columns of the Parquet file.

    Attributes:
        data: Name of the data set.
        task: Name of the task.
        kind: Kind of request, a key of `scenarios.KINDS`.
        seed: Seed of the scenario.
        method: Name of the entrant, or `original`, `reference`, `weakened`.
        rate: Learning rate; 0 for entrants without one.
        weight: Weight of the forget gradient.
        strength: Most unlearning steps, multiple of a merged method's combined vector, factor of a method without
            steps, or requests served.
        stopped: Whether the method's own stopping rule ended the run at this point.
        circuit_seconds: Seconds for finding the groups.
        seconds: Seconds for everything after that, without measuring.
        peak_mib: MiB; peak of allocated memory on CUDA, else the process's resident memory after a step.
        movable_share: Share of the adapter's coordinates that could change.
        conflict: Share of shared cells whose gradients opposed each other, mean over the steps.
        residual: Distance to the references on the forget set; see `core.evaluation.metrics`, as for all fields below.
        drift: Residual on the test ratings of the other users.
        reach: Share of the way from the original to the references' mean.
        jsd: Jensen-Shannon divergence from the references, in bits.
        half_kl: Half of the symmetrised Kullback-Leibler divergence from the references, in nats.
        forget_auc: AUC on the forgotten ratings.
        forget_gap: `forget_auc` less the references' mean.
        membership_auc: AUC of telling forgotten users from held-out users by their loss.
        holdout_auc: AUC on held-out users.
        test_auc: AUC on the test ratings of the other users.
        test_log_loss: Log loss on these ratings, in nats.
        calibration_error: Calibration error on these ratings.
        hit_rate: HR@10; NaN where nothing was ranked.
        ndcg: NDCG@10; NaN where nothing was ranked.
    """

    data: str
    task: str
    kind: str
    seed: int
    method: str
    rate: float
    weight: float
    strength: float
    stopped: bool
    circuit_seconds: float
    seconds: float
    peak_mib: float = field(metadata=stored_as("memory"))
    movable_share: float = field(metadata=stored_as("moved"))
    conflict: float
    residual: float
    drift: float
    reach: float
    jsd: float
    half_kl: float
    forget_auc: float
    forget_gap: float
    membership_auc: float
    holdout_auc: float
    test_auc: float
    test_log_loss: float
    calibration_error: float
    hit_rate: float
    ndcg: float


@dataclass(frozen=True, slots=True)
class TuningTrial:
    """One tuning trial.

    Attributes:
        method: Name of the method.
        rate: Learning rate.
        weight: Weight of the forget gradient.
        gap: What is left of the stopping goal at the end, or was forgotten beyond it, in nats.
        rise: Relative rise of the validation loss.
    """

    method: str
    rate: float
    weight: float
    gap: float
    rise: float


COLUMNS = {one.name: stored_name(one) for one in fields(Result)}  # Parquet columns, by field


def read_results(path: Path) -> list[Result]:
    """All results of a file; none if the file does not exist."""
    if not path.is_file():
        return []
    names = {column: name for name, column in COLUMNS.items()}
    rows = pq.read_table(path).to_pylist()
    return [Result(**{names[column]: value for column, value in row.items()}) for row in rows]


def write_results(path: Path, rows: Sequence[Result]) -> None:
    """Write all results; the file appears whole or not at all.

    Raises:
        WorkspaceError: The disk refuses the write.
    """
    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    hints = get_type_hints(Result)
    schema = pa.schema([(column, kinds[hints[name]]) for name, column in COLUMNS.items()])
    content = BytesIO()
    pq.write_table(
        pa.Table.from_pylist(
            [{column: getattr(row, name) for name, column in COLUMNS.items()} for row in rows], schema=schema
        ),
        content,
    )
    write_bytes(path, content.getvalue())
