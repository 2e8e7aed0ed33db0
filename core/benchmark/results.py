"""What the bench measured: one row for each point of each method's way, in a Parquet file."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True, slots=True)
class Row:
    """One model measured. data, task, kind, seed: the scene. method: its name, or what else the model is.

    rate: learning rate. weight: of the forget gradient. strength: unlearning steps at most, how far a merged method
    went, or the strength of one without steps. stopped: its own rule ended it here. circuit_seconds, seconds: for finding
    the groups; for everything after, measuring left out. memory: MiB, on CUDA the peak, else what the process held after a step. moved: share of the adapter's coordinates that
    was free to move. conflict: share of shared cells whose gradients opposed each other, mean over the steps.
    drift: the residual on test rows. The other fields are as in core.evaluation.metrics; forget_gap = forget_auc less the references' mean.
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
    memory: float
    moved: float
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

    @property
    def key(self) -> tuple[str, str, str, int, str]:
        """The run that this row is a point of."""
        return (self.data, self.task, self.kind, self.seed, self.method)


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial of the tuning. gap: how far, at its end, the adapter's help for the forgotten people is from its help for
    strangers, in nats; rise: of the validation loss, as a share."""

    method: str
    rate: float
    weight: float
    gap: float
    rise: float


def read_rows(path: Path) -> list[Row]:
    """All rows of a file; none where there is no file."""
    return [Row(**values) for values in pq.read_table(path).to_pylist()] if path.is_file() else []


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write all rows, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in get_type_hints(Row).items() if kind in kinds])
    part = path.with_name(f".{path.name}.part")
    pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=schema), part)
    part.replace(path)
