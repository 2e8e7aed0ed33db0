"""Whether the guided tour has all that it shows, and the numbers of its texts, read from the demo world's runs."""

from core.types import Recommendation
from dashboard.presenters.tour import FILM, ONE, PERSON, TOGETHER, rank, runs_and_requests
from dashboard.services import queries


def tour_is_possible() -> bool:
    """Whether this is the demo world, with all runs and open requests that the tour shows; a deletion removes them."""
    if not queries.demo():
        return False
    needed, requests = runs_and_requests()
    runs = {name: run for name, run in queries.runs().items() if name in needed}
    finished = all(queries.evaluation(run) and queries.verification(run) for run in runs.values())
    return finished and runs.keys() == needed and requests <= {one.id for one in queries.workspace().requests()}


def tour_numbers() -> tuple[str, dict[str, int]]:
    """Return the title of the tour's film, and its ranks, the rows of the person, and the users of the other request.

    Raises:
        RunError: A run of the tour is gone.
    """
    one, together = queries.run(dict(ONE)["run"]), queries.run(dict(TOGETHER)["run"])
    lists = _lists(one)
    workspace, verified = queries.workspace(), queries.verification(one)
    numbers = {name: rank(titles, FILM) for name, titles in lists.items()}
    rows = verified.details.get("rows") if verified else None
    numbers["rows"] = rows if isinstance(rows, int) else 0
    numbers["users"] = len(workspace.request(together.spec.request).subjects)
    return workspace.items[FILM].title, numbers


def _lists(run: queries.RunHandle) -> dict[str, tuple[Recommendation, ...]]:
    """The person's lists before and after the run, and by a retrained reference."""
    evaluation = queries.evaluation(run)
    found = next((one for one in evaluation.lists if one.user == PERSON), None) if evaluation else None
    if found is None:
        return {"before": (), "after": (), "reference": ()}
    return {"before": found.original, "after": found.unlearned, "reference": found.reference}
