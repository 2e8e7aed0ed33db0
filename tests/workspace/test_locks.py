"""Locks of a workspace hold although whoever can write there takes their files away."""

import pytest

from core.errors import WorkspaceError
from core.workspace.locks import exclusive_model_lock, shared_model_lock


@pytest.mark.parametrize("take_away", [lambda file: file.unlink(), lambda file: file.rename(file.with_name("other"))])
@pytest.mark.parametrize("lock", [exclusive_model_lock, shared_model_lock])
def test_deletion_stays_alone_although_its_lock_file_is_taken_away(workspace, take_away, lock):
    with exclusive_model_lock(workspace):
        take_away(workspace.layout.work_lock)
        with pytest.raises(WorkspaceError, match="is using this workspace|is being carried out"), lock(workspace):
            pass
