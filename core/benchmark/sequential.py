"""Sequential requests: users unlearned one after the other on one adapter.

After each request the model is measured against references that were retrained without all of these users.
"""

from collections.abc import Iterator
from dataclasses import replace

from core.benchmark.entrants import Entrant, Setting, with_setting
from core.benchmark.meter import Meter
from core.benchmark.results import Result
from core.benchmark.trials import Scenario, groups_of
from core.pipeline.stages import encode_unlearning_prompts
from core.unlearning.unlearn import unlearn_adapter


def sequential_requests(
    scenario: Scenario, name: str, entrant: Entrant, setting: Setting, seed: int
) -> Iterator[Result]:
    """Serve the scenario's users one after the other and measure the model after each.

    Each run ends by the method's own stopping rule. Every measurement covers all users of the scenario, so the residual
    falls as more of them are served.

    Args:
        scenario: A scenario with sequential requests.
        name: Name of the entrant.
        entrant: Method and its groups.
        setting: Learning rate and weight of the forget gradient.
        seed: Seed of every random choice.

    Yields:
        One result after each request; `strength` is the number of requests served.
    """
    method = with_setting(entrant.method, setting)
    meter, circuit_seconds = Meter(scenario.recommender.device), 0.0
    users = scenario.context.request.users
    for served in range(1, len(users) + 1):
        current = _request_of(scenario, users[served - 1], users[served:])
        meter.pause()
        groups, spent = groups_of(current, entrant, seed)
        circuit_seconds += spent
        meter.resume()
        outcome = unlearn_adapter(scenario.recommender.model, current.prompts, groups, method, seed)
        meter.pause()
        yield scenario.row(
            name,
            scenario.evaluate(),
            rate=setting[0],
            weight=setting[1],
            strength=float(served),
            stopped=served == len(users),
            circuit_seconds=circuit_seconds,
            seconds=meter.seconds,
            peak_mib=meter.peak_mib,
            movable_share=outcome.movable / outcome.total,
        )
        meter.resume()
    scenario.restore()


def _request_of(scenario: Scenario, user: str, later: tuple[str, ...]) -> Scenario:
    """The scenario at the time of one user's request.

    Users of later requests still belong to the retain set; users of earlier ones belong to neither set.
    """
    whole = scenario.context.split
    own, others = ([p for p in whole.forget if p.user in users] for users in ((user,), later))
    split = replace(whole, forget=tuple(own), retain=(*whole.retain, *others))
    context = replace(scenario.context, split=split)
    return replace(
        scenario, context=context, prompts=encode_unlearning_prompts(scenario.recommender, context), found={}
    )
