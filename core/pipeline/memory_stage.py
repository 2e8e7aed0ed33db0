"""Groups of the modules for a method without circuits: by memory contrast, or all alike."""

from core.models.families import anatomy
from core.models.recommender import Recommender
from core.pipeline.events import MemoryFound, StageTimer
from core.types import Group
from core.unlearning.memory_contrast import memory_contrasts
from core.unlearning.methods import Method
from core.unlearning.training_types import UnlearningPrompts


def groups_without_circuits(
    recommender: Recommender, prompts: UnlearningPrompts, method: Method, seed: int, timer: StageTimer
) -> dict[str, Group]:
    """Assign groups for a method without circuits: by memory contrast, or every module is shared."""
    if method.uses_memory_contrast:
        timer.stage("groups")
        rows = memory_contrasts(recommender.model, prompts.forget, prompts.holdout, seed, timer.progress)
        timer.observer.on_event(MemoryFound(rows))
        return {row.module: row.group for row in rows}
    return dict.fromkeys(anatomy(recommender.model).modules, Group.SHARED)
