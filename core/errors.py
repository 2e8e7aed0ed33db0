"""Every error that a user can cause, or mend.

CureLensError
|- DataError        a data file, a column, a title
|- RequestError     who or what is to be erased
|- ModelError       a base model, an adapter, a tokenizer
|- DeviceError      a device that is asked for and not there
|- WorkspaceError   a folder, a disk, a file of the workspace
|  |- BusyError     another process has it
|- RecordError      a key, a record, a ledger
|- ReviewError      who may decide what, and on what
|- RunError         a run that cannot start or go on
   |- Cancelled     a person stopped the run
   |- Fenced        another worker has taken the run over

A message is one sentence: the field, the value, and what to do.
"""


class CureLensError(Exception):
    """Base of all errors whose message is meant for the person at the screen."""


class DataError(CureLensError):
    """A data file cannot be used as it is."""


class RequestError(CureLensError):
    """A deletion request cannot be served as it is."""


class ModelError(CureLensError):
    """A model, adapter or tokenizer cannot be used."""


class DeviceError(CureLensError):
    """A device was asked for that this machine does not have."""


class WorkspaceError(CureLensError):
    """The workspace folder cannot be read or written."""


class BusyError(WorkspaceError):
    """A file is in use by another process."""


class RecordError(CureLensError):
    """A key, a record or the ledger cannot be used, or is not what it should be."""


class ReviewError(CureLensError):
    """Somebody may not do this, or not now."""


class RunError(CureLensError):
    """A run cannot start or cannot go on."""


class Cancelled(RunError):
    """The run was stopped by a person."""


class Fenced(RunError):
    """This worker was taken for dead and another one works on its run: it must not write any more."""
