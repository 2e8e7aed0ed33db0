"""The worker process of one run.

1. Wait in the queue until the run holds a lease and its devices (`acquire_lease`).
2. Run the stages of the pipeline; FolderObserver writes their results.
3. Record the run in the ledger, if the workspace keeps one.
4. Write the last status: done, failed or cancelled.
5. See that a dispatcher starts the next run.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from core.errors import CancelledError, CureLensError, LeaseLostError, NotYetError, WorkspaceError
from core.models import distributed
from core.pipeline.stages import run as run_stages
from core.runs.answer_files import AnswerFiles
from core.runs.cancel import check_not_cancelled
from core.runs.checkpoints import Checkpoints, check_room
from core.runs.device_locks import gpu_count
from core.runs.dispatcher import ensure_dispatcher
from core.runs.distributed_worker import follow
from core.runs.estimate.learned import enter_estimate
from core.runs.folder_observer import FolderObserver
from core.runs.handle import RunHandle
from core.runs.lease import Lease, acquire_lease
from core.runs.ledger import RunLedger, open_ledger
from core.runs.requests import check_opened
from core.runs.signed_files import SPECIFICATION, adapter_subjects
from core.runs.submit import launched_spec
from core.types import RunState
from core.utils.atomic_io import remove_folder
from core.workspace import Workspace
from core.workspace.layout import require_no_link
from core.workspace.locks import shared_model_lock
from core.workspace.run_layout import AdapterLayout

log = logging.getLogger("core")
COPIES = 10  # adapters on the disk at once: the unlearned one, and three checkpoints with two moments for each weight


def work(run: RunHandle) -> RunState:
    """Wait for the run's turn and execute it, in this process or together with others that torchrun started.

    Args:
        run: The run, with its specification.

    Returns:
        The last state of the run. The message of an error is in the status, its traceback in log.txt.

    Raises:
        LeaseLostError: Another worker took over the run; nothing more is written.
    """
    with distributed.process_group():
        if distributed.process_number():
            return follow(run)
        try:
            require_no_link(run.path, run.workspace.root)
            with acquire_lease(run, _device_count(run)) as lease:
                return _work(run, lease)
        except CancelledError as stop:
            log.info("cancelled %s", stop)
            return RunState.CANCELLED
        except NotYetError as error:
            log.info("%s", error)
            return RunState.QUEUED
        except LeaseLostError:
            raise
        except CureLensError as error:
            run.store.fail_queued(run.id, str(error))
            return RunState.FAILED
        finally:
            with suppress(CureLensError):  # it must not hide how this run ended
                ensure_dispatcher(run)


def _work(run: RunHandle, lease: Lease) -> RunState:
    """Execute the run under its lease and write its last status."""
    ledger = open_ledger(run.workspace)
    observer = FolderObserver(run, lease, ledger)
    try:
        observer.begin()
        _run(run, lease, observer, ledger)
        observer.end(RunState.DONE, "")
    except LeaseLostError:
        if run.status.state is RunState.CANCELLED:  # cancelled while this worker was silent: remove later writes
            run.discard()
        raise
    except CancelledError as stop:
        run.discard()
        observer.end(RunState.CANCELLED, str(stop))
    except CureLensError as error:
        observer.end(RunState.FAILED, str(error))
    except Exception as error:  # the interpreter prints the traceback to log.txt when the process ends
        observer.end(
            RunState.FAILED,
            f"The worker met an unexpected {type(error).__name__} ({error}): see {run.layout.log.name} in {run.path}.",
        )
        raise
    return observer.state


def _run(run: RunHandle, lease: Lease, observer: FolderObserver, ledger: RunLedger) -> None:
    """Run the pipeline, enter the run into the ledger and delete its checkpoints."""
    devices = [int(name.partition(":")[2] or -1) for name in _device_of_each(lease.devices)]
    distributed.broadcast(devices)  # the other processes wait for their device
    checkpoints = Checkpoints(run.layout.checkpoint, mark=partial(ledger.mark, run.id))
    workspace, device = run.workspace, lease.devices[0] if distributed.world_size() > 1 else ",".join(lease.devices)
    ledger.check()  # before hours of work whose entry could not be made
    check_not_cancelled(run, ledger)
    launched, digest = launched_spec(run, ledger)
    spec, request = replace(launched, device=device), workspace.request(launched.request)
    check_opened(workspace, request)
    observer.work.digests[SPECIFICATION] = digest
    if spec.adapter:  # another tool's, as it was handed in
        observer.work.digests |= adapter_subjects(spec.adapter)
    if not checkpoints.folder.is_dir():  # a resumed run holds its space already
        check_room(run.path, _bytes_needed(workspace))
    if distributed.world_size() == 1:
        enter_estimate(run, spec.device)
    with shared_model_lock(workspace):
        run_stages(workspace, spec, request, observer, checkpoints, AnswerFiles(spec.request, ledger))
        check_not_cancelled(run, ledger)
        ledger.record_run(launched, request, observer.work, lease.holding())
    with lease.holding(), suppress(WorkspaceError):
        remove_folder(checkpoints.folder)  # they hold weights that know the forget set


def _bytes_needed(workspace: Workspace) -> int:
    """Approximate bytes that a run writes; everything beside the adapters is small."""
    weights = AdapterLayout(workspace.adapter).weights
    return COPIES * weights.stat().st_size if weights.is_file() else 0


def _device_count(run: RunHandle) -> int:
    """GPUs that the run needs: one for each process, or those that hold the layers of a single process's model."""
    if distributed.world_size() > 1:
        return distributed.world_size()
    return gpu_count(run.workspace, run.spec.launcher)


def _device_of_each(devices: Sequence[str]) -> list[str]:
    """The device of each process; all processes share a CPU."""
    return list(devices) if len(devices) == distributed.world_size() else [devices[0]] * distributed.world_size()
