"""People who ask one after the other: unlearned in turn on one adapter, measured against retraining without all of them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from core.benchmark.entrants import Entrant, Setting, with_setting
from core.benchmark.results import Row
from core.benchmark.trials import Meter, Scene, groups_of
from core.pipeline.stages import make_material
from core.unlearning.unlearn import unlearn


def in_a_row(scene: Scene, name: str, contestant: Entrant, setting: Setting, seed: int) -> Iterator[Row]:
    """One row after each request; strength: how many were served. Each run stops by the method's own rule.

    What is measured is measured over all people of the scene, so the residual falls as more of them are served.
    """
    method, meter, circuit_seconds = (
        with_setting(contestant.method, setting),
        Meter(scene.recommender.device),
        0.0,
    )
    people = scene.context.request.users
    for served in range(1, len(people) + 1):
        turn = _turn(scene, people[served - 1], people[served:])
        meter.pause()
        kinds, spent = groups_of(turn, contestant, seed)
        circuit_seconds += spent
        meter.go_on()
        outcome = unlearn(scene.recommender.model, turn.material, kinds, method, seed)
        meter.pause()
        told: dict[str, Any] = {
            "rate": setting[0],
            "weight": setting[1],
            "moved": outcome.movable / outcome.total,
            "memory": meter.memory,
        }
        told |= {"circuit_seconds": circuit_seconds, "seconds": meter.seconds, "stopped": served == len(people)}
        yield scene.row(name, scene.ask(), strength=float(served), **told)
        meter.go_on()
    scene.restore()


def _turn(scene: Scene, user: str, later: tuple[str, ...]) -> Scene:
    """The scene as it is when `user` asks: who asks later is still kept, who asked before is in neither set."""
    whole = scene.context.split
    own, others = ([p for p in whole.forget if p.user in users] for users in ((user,), later))
    split = replace(whole, forget=tuple(own), retain=(*whole.retain, *others))
    context = replace(scene.context, split=split)
    return replace(scene, context=context, material=make_material(scene.recommender, context), found={})
