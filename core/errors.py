"""All errors that a user can cause or fix.

CureLensError
|- DataError         a data file, a column, a title
|- RequestError      the users or interactions of a deletion request
|- ModelError        a base model, an adapter, a tokenizer
|- DeviceError       a device that this machine does not have
|- WorkspaceError    a folder, a disk, a file of the workspace
|  |- BusyError      a file that another process uses
|  |- DamagedError   a file, or one entry of it, that holds something else than it should
|- LedgerError       a key, an entry, the ledger
|- ReviewError       a permission, a decision
|- RunError          a run that cannot start or continue
   |- CancelledError a person stopped the run
   |- LeaseLostError another worker took the run over
   |- NotYetError    the run waits on, without a worker

A message is one sentence: the field, the value, and what to do.
"""


class CureLensError(Exception):
    """Base of all errors whose message is shown to the user."""


class DataError(CureLensError):
    """A data file has missing or invalid content."""


class RequestError(CureLensError):
    """A deletion request is invalid or cannot be served."""


class ModelError(CureLensError):
    """A model, adapter or tokenizer cannot be used."""


class DeviceError(CureLensError):
    """The requested device does not exist on this machine."""


class WorkspaceError(CureLensError):
    """A file or folder of the workspace is missing, damaged or not writable."""


class BusyError(WorkspaceError):
    """A file is in use by another process."""


class DamagedError(WorkspaceError):
    """A file, or one entry of a file, cannot be read as what it should hold. Lists leave it out and name it."""


class LedgerError(CureLensError):
    """A key, an entry or the ledger is missing, damaged or does not verify."""


class ReviewError(CureLensError):
    """A person lacks the permission for an action, or the case is in the wrong state."""


class RunError(CureLensError):
    """A run cannot start or continue."""


class CancelledError(RunError):
    """A person stopped the run."""


class LeaseLostError(RunError):
    """Another worker took the run over because this one seemed dead; this one must stop writing."""


class NotYetError(RunError):
    """The run waits on: a dispatcher starts another worker when its devices are free."""
