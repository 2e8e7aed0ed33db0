"""One recommender on disk: its data, models, requests, references and runs."""

from core.workspace.workspace import Workspace, WorkspaceSettings

__all__ = ["Workspace", "WorkspaceSettings"]
