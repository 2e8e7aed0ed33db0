"""One recommender on disk: its data, models, requests, references and runs."""

from core.workspace.workspace import ALLOWED, Workspace, WorkspaceSettings

__all__ = ["ALLOWED", "Workspace", "WorkspaceSettings"]
