"""What the demo worlds are made of: their data, models, requests and runs; `core.demo.build` builds them."""

from dataclasses import dataclass

from core.pipeline.prepare import Scratch
from core.workspace import WorkspaceSettings

SOURCE = "core.data.world, seed 7"  # an old module name, kept because every demo's workspace.json holds it


@dataclass(frozen=True)
class DemoRun:
    """One finished run of the demo.

    Attributes:
        id: Id of the run.
        method: Key of `METHODS`.
        created: When it was launched.
        steps: Largest number of steps; 0 for the method's own.
        lists: Whether the lists of all other users are compared.
    """

    id: str
    method: str
    created: str
    steps: int = 0
    lists: bool = False


@dataclass(frozen=True)
class DemoRequest:
    """One request of the demo with its runs, of which the last one is shown.

    Attributes:
        id: Id of the request.
        subjects: Who asks: a slice of the training users, ranked by how clear their favourite word is.
        genre: Whether the request covers only the user's most frequent genre, instead of all data.
        reason: Why they ask.
        created: When they asked.
        runs: The runs, the oldest first.
    """

    id: str
    subjects: slice
    reason: str
    created: str
    runs: tuple[DemoRun, ...]
    genre: bool = False


@dataclass(frozen=True)
class DemoWorld:
    """One world.

    Attributes:
        people: Users of the cinema.
        films: Films of its catalogue.
        ratings: Fewest and most ratings of a user.
        crowd: Users elsewhere whom the base model is trained on; 0 where it is pretrained.
        settings: Settings of the workspace.
        scratch: Settings of the base model, and the split of the users.
        requests: Its requests.
        references: Retrained references of each request.
        reference_weights: Whether the references are shipped as weights, which answer every question, or as answers.
        full: Whether its verifications run the slow checks too.
    """

    people: int
    films: int
    ratings: tuple[int, int]
    crowd: int
    settings: WorkspaceSettings
    scratch: Scratch
    requests: tuple[DemoRequest, ...]
    references: int = 5
    reference_weights: bool = True
    full: bool = True


CINEMA = DemoWorld(
    people=400,
    films=240,
    ratings=(40, 70),
    crowd=4000,
    settings=WorkspaceSettings(
        name="Lantern Street Cinema (demo)",
        data=SOURCE,
        window=24,
        epochs=10,
        learning_rate=1.05e-3,
        rank=16,
        batch_size=4,
        average=0.5,
        adapter_dtype="bfloat16",
        base_note="a small Llama trained from nothing on the fictional crowd",
    ),
    scratch=Scratch(
        held_out_share=0.15,
        vocabulary=1000,
        min_title_interactions=1,
        width=128,
        layers=4,
        heads=8,
        kv_heads=8,
        epochs=6,
        learning_rate=1.5e-3,
        user_split_seed=0,
    ),
    requests=(
        DemoRequest(
            "req-one", slice(20, 21), "She moved away and asked to be erased.", "2026-01-02T09:00:00+00:00",
            (
                DemoRun("run-demo", "cure_merge_circuit", "2026-01-05T09:00:00+00:00", lists=True),
                DemoRun("run-retrained", "retrain", "2026-01-06T09:00:00+00:00"),
            ),
        ),
        DemoRequest(
            "req-genre", slice(0, 1), "He wants one genre to be forgotten.", "2026-01-07T09:00:00+00:00",
            (DemoRun("run-broken", "gradient_ascent_uncapped", "2026-01-08T09:00:00+00:00"),), genre=True,
        ),
        DemoRequest(
            "req-demo", slice(0, 17), "They closed their accounts and asked to be erased.", "2026-01-09T09:00:00+00:00",
            (DemoRun("run-forgotten", "cure_merge", "2026-01-12T09:00:00+00:00", lists=True),),
        ),
    ),
)  # fmt: skip


PRETRAINED = DemoWorld(
    people=48,
    films=120,
    ratings=(20, 20),
    crowd=0,
    settings=WorkspaceSettings(
        name="Lantern Street Cinema on SmolLM2 (demo)",
        data=SOURCE,
        base="smollm2-135m",
        ranking_titles=700,  # six lists; more would take longer than the rest of a run
        window=8,
        epochs=6,
        learning_rate=3e-3,
        rank=2,
        batch_size=4,
        average=0.5,
        adapter_dtype="bfloat16",
    ),
    scratch=Scratch(held_out_share=0.15, user_split_seed=0),
    requests=(
        DemoRequest(
            "req-six", slice(0, 6), "They closed their accounts and asked to be erased.", "2026-01-02T09:00:00+00:00",
            (DemoRun("run-merge", "cure_merge", "2026-01-05T09:00:00+00:00"),),
        ),
        DemoRequest(
            "req-one", slice(10, 11), "She moved away and asked to be erased.", "2026-01-06T09:00:00+00:00",
            (DemoRun("run-circuit", "cure", "2026-01-07T09:00:00+00:00"),),
        ),
        DemoRequest(
            "req-genre", slice(6, 7), "He wants one genre to be forgotten.", "2026-01-08T09:00:00+00:00",
            (DemoRun("run-difference", "graddiff", "2026-01-09T09:00:00+00:00"),), genre=True,
        ),
    ),
    reference_weights=False,
    full=False,
)  # fmt: skip

WORLDS = {"cinema": CINEMA, "smollm2": PRETRAINED}  # by the name that commands take
