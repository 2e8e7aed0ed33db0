"""Files that a deletion removes or rewrites, and the check that all of them lie in the workspace."""

from collections.abc import Iterator
from pathlib import Path

from core.errors import ReviewError
from core.workspace import Workspace
from core.workspace.layout import WorkspaceLayout, is_inside_workspace


def check_places(workspace: Workspace) -> None:
    """Check that a deletion finds every folder as a folder, and everything that it destroys in the workspace.

    Raises:
        ReviewError: It does not.
    """
    layout = workspace.layout
    if other := next((one for one in layout.folders if one.exists() and not one.is_dir()), None):
        raise ReviewError(f"{layout.name(other)} has to be a folder, and is none: move it out of the workspace.")
    linked = [one for one in layout.folders if one.is_symlink()]
    linked += [one for one in (layout.requests, *layout.data) if not is_inside_workspace(one, layout.root)]
    if linked:
        raise ReviewError(
            f"{layout.name(linked[0])} is a link or holds one: replace it by what it leads to, because nothing outside "
            "of the workspace is destroyed."
        )
    settings, folders = workspace.settings, model_folders(layout)
    inside = all(is_inside_workspace(path, layout.root) for path in folders)
    if layout.root / settings.adapter not in folders or not inside:
        raise ReviewError(
            f"Adapter {settings.adapter!r}, or a folder of a run, lies outside of the workspace or has another name. "
            "Move it into the workspace, to a folder whose name begins with `adapter`: other folders cannot be "
            "destroyed."
        )


def files_to_seal(layout: WorkspaceLayout) -> Iterator[Path]:
    """Files that are deleted or rewritten, and the rest of the data, by which files are searched."""
    yield from layout.data
    if layout.recipe.is_file():
        yield layout.recipe
    for folder in (layout.requests, *model_folders(layout)):
        yield from (path for path in folder.rglob("*") if path.is_file())


def model_folders(layout: WorkspaceLayout) -> list[Path]:
    """Adapters, references and runs: all were made from the adapter in use, and show lists of users."""
    references = [layout.all_references] if layout.all_references.is_dir() else []
    return [*layout.adapters(), *references, *layout.run_folders()]
