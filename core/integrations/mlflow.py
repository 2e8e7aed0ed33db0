"""Export of a finished run's numbers to MLflow."""

import os
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from math import isfinite
from statistics import fmean
from typing import Any

from core import __version__
from core.errors import RunError
from core.runs.handle import RunHandle
from core.types import Evaluation, Metrics, RunState
from core.utils.addresses import is_web_address
from core.utils.optional_imports import library
from core.utils.serialization import to_json

TAG = "cure_lens.run"
BATCH = 1000  # largest number of metrics in one call of MLflow
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # the command prints the address itself
    # A folder is the only store on disk that mlflow-skinny can write, and MLflow 3 requires this permission for it.
    "MLFLOW_ALLOW_FILE_STORE": "true",
}
KINDS = "give file:FOLDER, the http:// or https:// address of a tracking server, or sqlite:///FILE"
Number = tuple[str, float, int, float]  # name, value, step, seconds since the run's start


def to_mlflow(run: RunHandle, uri: str, experiment: str = "cure-lens") -> str:
    """Log a finished run to MLflow; a run that is logged already is not logged again.

    Only settings, losses and metrics are logged. User ids, titles, lists, reports, reasons and artifacts are not: a
    tracking server with personal data would be one more place to delete them from.

    Args:
        run: The run.
        uri: file:FOLDER, http(s)://HOST, or sqlite:///FILE where SQLAlchemy and Alembic are installed.
        experiment: Name of MLflow's experiment.

    Returns:
        MLflow's id of the run.

    Raises:
        RunError: The address is of another kind, the run is not done, or MLflow is missing or fails.
    """
    _check_address(uri)
    evaluation, state = run.evaluation, run.status.state
    if state is not RunState.DONE or evaluation is None:
        log = run.layout.log
        raise RunError(f"Run {run.id!r} cannot be exported (it is {state}): wait until it is done, or look at {log}.")
    mlflow = _mlflow()
    try:
        client = mlflow.MlflowClient(uri, uri)  # without the second, MLflow takes the registry's from the environment
        experiment_id = _experiment_id(client, experiment)
        return _logged(client, experiment_id, run) or _log(mlflow.entities, client, experiment_id, run, evaluation)
    except (mlflow.MlflowException, OSError) as error:
        raise RunError(_refusal(uri, error)) from error


def _check_address(uri: str) -> None:
    """Raise RunError for an address that MLflow would open by a plugin, a database's driver or a cloud's library."""
    if not (uri.startswith(("file:", "sqlite:///")) or is_web_address(uri)):
        raise RunError(f"MLflow's address {uri!r} is of no kind that is known here: {KINDS}.")


def _mlflow() -> Any:
    """The library, configured to send and print nothing on its own."""
    os.environ.update(SETTINGS)  # MLflow reads these when it is imported
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # the default of 7 takes minutes
    return library("mlflow", "mlflow")


def _experiment_id(client: Any, experiment: str) -> str:
    """The experiment's id; a missing experiment is created."""
    found = client.get_experiment_by_name(experiment)
    return str(found.experiment_id if found else client.create_experiment(experiment))


def _logged(client: Any, experiment_id: str, run: RunHandle) -> str | None:
    """MLflow's id of an earlier complete export, if there is one."""
    wanted = f"tags.`{TAG}` = '{run.id}' and attributes.status = 'FINISHED'"
    found = client.search_runs([experiment_id], wanted, max_results=1)
    return found[0].info.run_id if found else None


def _log(entities: Any, client: Any, experiment_id: str, run: RunHandle, evaluation: Evaluation) -> str:
    """Log a run with its original times."""
    status = run.status
    begun = datetime.fromisoformat(status.updated).timestamp() - status.seconds

    def when(seconds: float) -> int:  # milliseconds since the epoch
        return int(1000 * (begun + seconds))

    numbers = (*_steps(run), *((name, value, 0, status.seconds) for name, value in _measures(evaluation)))
    metrics = [entities.Metric(name, value, when(at), step) for name, value, step, at in numbers if isfinite(value)]
    params = [entities.Param(name, str(value)) for name, value in _settings(run).items() if value is not None]
    tags = {TAG: run.id, "cure_lens.version": __version__}
    mlflow_run = str(client.create_run(experiment_id, when(0), tags, run.id).info.run_id)
    client.log_batch(mlflow_run, params=params, synchronous=True)
    for start in range(0, len(metrics), BATCH):
        client.log_batch(mlflow_run, metrics[start : start + BATCH], synchronous=True)
    client.set_terminated(mlflow_run, end_time=when(status.seconds))
    return mlflow_run


def _settings(run: RunHandle) -> dict[str, Any]:
    """The run's settings and device, without the person who started it; of edited groups, only their run."""
    spec, status = run.spec, run.status
    edit = spec.edit.source if spec.edit else None
    left_out = ("by", "seed", "steps") if spec.is_external else ("by",)
    asked = {name: value for name, value in to_json(spec).items() if name not in left_out}
    return asked | {"edit": edit, "used_device": status.device, "used_dtype": status.dtype}


def _steps(run: RunHandle) -> Iterator[Number]:
    """The numbers of every unlearning step."""
    for event in (event for event in run.events() if event["kind"] == "step"):
        for name, value in event.items():
            if isinstance(value, int | float) and name not in ("step", "steps", "seconds"):
                yield name, value, event["step"], event["seconds"]


def _measures(evaluation: Evaluation) -> Iterator[tuple[str, float]]:
    """Metrics of the original, the unlearned model and the references (mean), and the closeness to them."""
    one_each = {"original": (evaluation.original,), "unlearned": (evaluation.unlearned,)}
    for name, models in (one_each | {"references": evaluation.references}).items():
        for field in fields(Metrics) if models else ():
            yield f"{name}/{field.name}", fmean(getattr(model, field.name).value for model in models)
    yield "closeness/residual", evaluation.closeness.residual
    yield "closeness/jsd", evaluation.closeness.jsd


def _refusal(uri: str, error: Exception) -> str:
    """An error message with the first sentence of MLflow's own."""
    reason = str(error).strip().split(". ")[0].splitlines()[0].rstrip(".")
    return (
        f"MLflow cannot write to {uri!r} ({reason}): {KINDS}; the last needs the packages sqlalchemy and alembic too."
    )
