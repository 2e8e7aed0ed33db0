"""Keys that official models carry: loaded right, or refused by `prepare` in one sentence before any work."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from core.data.prompts import encode, escape
from core.data.splits import by_user, windows
from core.data.templates import FILMS, read_template
from core.errors import ModelError
from core.evaluation.ranking import score_candidates
from core.models.base_parts import load_config, load_tokenizer
from core.models.recommender import answer_tokens
from core.models.validation import check_folder
from core.pipeline.context import load_adapter, make_context
from core.pipeline.prepare import prepare
from core.types import Task
from core.workspace import Workspace, WorkspaceSettings
from tests.circuit.conftest import CONFIGS
from tests.conftest import TINY, small_dataset
from tests.models.adapter_folders import CASES, change_config, make_adapter, make_whole_base

DATA = small_dataset(users=16)
SETTINGS = WorkspaceSettings("official", "test", window=10, epochs=1, rank=2)
MARKER = "code-of-the-model-ran"


def make_base(folder: Path, family: str = "llama", positions: int = 512) -> Path:
    make_whole_base(folder, CONFIGS[family], DATA)
    change_config(
        folder, "config.json", **{"n_positions" if family == "gpt2" else "max_position_embeddings": positions}
    )
    return folder


def prepared(base: Path, folder: Path) -> Workspace:
    return prepare(DATA, folder, replace(SETTINGS, base=str(base)), TINY, lambda *_: False)


def refusal(base: Path, folder: Path, **changes) -> str:
    """The sentence with which `prepare` refuses a base model, before it trains or writes anything."""
    settings = replace(SETTINGS, base=str(base), **changes)
    with pytest.raises(ModelError) as refused:
        prepare(DATA, folder, settings, TINY, lambda *_: pytest.fail("trained"))
    assert not folder.exists()
    text = str(refused.value)
    assert str(base) in text and text.endswith(".") and "\n" not in text
    return text


def logits(workspace: Workspace) -> torch.Tensor:
    """Logits of the workspace's adapter on its first prompt."""
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    context = make_context(workspace, None, recommender.tokenizer)
    ids = torch.tensor([context.encode(context.split.retain[:1])[0].ids])
    return recommender.model(ids).logits


def with_cache(base: Path) -> None:
    change_config(base, "generation_config.json", cache_implementation="hybrid", use_cache=True)


def with_cache_in_config(base: Path) -> None:
    change_config(base, "config.json", cache_implementation="static")


def with_flash_attention(base: Path) -> None:
    change_config(base, "config.json", _attn_implementation="flash_attention_2")


def with_public_flash_attention(base: Path) -> None:
    change_config(base, "config.json", attn_implementation="flash_attention_2", use_flash_attn=True)


def with_code(base: Path) -> None:
    """Code that the folder brings along, as the official Phi-3 does; it leaves a file when it runs."""
    code = f"from pathlib import Path\nPath({str(base / MARKER)!r}).touch()\nraise SystemExit('code ran')\n"
    for name in ("configuration_own", "modeling_own", "tokenization_own"):
        (base / f"{name}.py").write_text(code)
    names = {"AutoConfig": "configuration_own.Config", "AutoModelForCausalLM": "modeling_own.Model"}
    change_config(base, "config.json", auto_map=names)
    change_config(base, "tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization_own.Own", None]})


@pytest.mark.parametrize(
    ("family", "change"),
    [
        ("gemma2", with_cache),
        ("gemma3", with_cache),
        ("llama", with_cache_in_config),
        ("mistral", with_flash_attention),
        ("phi3", with_public_flash_attention),
        ("phi3", with_code),
    ],
)
def test_keys_that_change_no_answer_are_taken(tmp_path, family, change):
    base = make_base(tmp_path / "base", family)
    expected = logits(prepared(base, tmp_path / "plain"))
    change(base)
    torch.testing.assert_close(logits(prepared(base, tmp_path / "official")), expected)
    assert not (base / MARKER).exists()


@pytest.mark.parametrize(
    "name", [CASES.parent / f"cases/14-gemma-phi-config/{name}" for name in ("gemma2", "gemma3", "phi3", "llama-fa2")]
)
@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/data/cases is not on this machine")
def test_cases_that_load(name, tmp_path):
    assert torch.isfinite(logits(prepared(name, tmp_path / "ws"))).all()


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/data/cases is not on this machine")
def test_case_of_an_unknown_type(tmp_path):
    text = refusal(CASES / "14-gemma-phi-config/newtype", tmp_path / "ws")
    assert "is of type 'nextllm': use one of llama, " in text


@pytest.mark.parametrize("kind", ["nextllm", "gemma3", "t5", None, 7])
@pytest.mark.parametrize("change", [with_code, lambda base: None])
def test_an_unknown_type_is_named(tmp_path, kind, change):
    base = make_base(tmp_path / "llama")  # transformers would guess the type from the folder's name
    change(base)
    change_config(base, "config.json", model_type=kind)
    assert f"is of type {kind!r}: use one of llama, mistral, " in refusal(base, tmp_path / "ws")
    assert not (base / MARKER).exists()


@pytest.mark.parametrize("values", [{"hidden_size": "wide"}, {"rms_norm_eps": None}, {"rope_parameters": 7}])
def test_a_config_with_wrong_values_is_one_sentence(tmp_path, values):
    base = make_base(tmp_path / "base")
    change_config(base, "config.json", **values)
    assert "has a config.json that cannot be used (" in refusal(base, tmp_path / "ws")


def ending(base: Path, template: str) -> None:
    """Make the base's tokenizer put special tokens around every text."""
    path = base / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.post_processor = TemplateProcessing(single=template, special_tokens=[("<pad>", 0)])
    tokenizer.save(str(path))


@pytest.mark.parametrize("template", ["$A <pad>", "<pad> $A <pad>", "<pad> $A <pad> <pad>", "<pad> $A"])
@pytest.mark.parametrize("task", Task)
def test_tokens_that_end_every_text_are_left_out(tmp_path, template, task):
    base = make_base(tmp_path / "base")
    plain = load_tokenizer(base)
    ending(base, template)
    tokenizer, before = load_tokenizer(base), template.startswith("<pad>")
    titles = {item.id: escape(item.title) for item in DATA.items}
    prompts = [prompt for events in by_user(DATA.interactions, task).values() for prompt in windows(events, 6)]
    assert tokenizer("a")["input_ids"] != plain("a")["input_ids"]
    for known, one in zip(
        *(encode(prompts, titles, read_template(FILMS, task), each) for each in (plain, tokenizer)), strict=True
    ):
        assert one.ids == (0,) * before + known.ids
        for name in ("spans", "answers"):
            assert getattr(one, name) == tuple((a + before, b + before) for a, b in getattr(known, name))
    answers = (" Yes", " No")
    assert answer_tokens(tokenizer, answers) == answer_tokens(plain, answers)


def test_a_tokenizer_that_ends_every_text_changes_no_score(tmp_path):
    base = make_base(tmp_path / "base")
    scores = []
    for name in ("plain", "ended"):
        workspace = prepared(base, tmp_path / name)
        recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
        context = make_context(workspace, None, recommender.tokenizer)
        scores.append(
            score_candidates(recommender, context.split.test[0], list(workspace.items)[:9], context.prompt_setup)
        )
        ending(base, "$A <pad>")
    assert scores[0] == pytest.approx(scores[1], abs=1e-6) and max(scores[0]) > min(scores[0])


@pytest.mark.parametrize("fault", ["absent", "damaged"])
def test_a_base_without_a_tokenizer_is_one_sentence(tmp_path, fault):
    base = make_base(tmp_path / "base")
    path = base / "tokenizer.json"
    path.write_text("{}") if fault == "damaged" else [one.unlink() for one in base.glob("tokenizer*")]
    assert "has no tokenizer that can be loaded (" in refusal(base, tmp_path / "ws")


def test_answers_of_several_tokens_are_refused_with_a_given_adapter_too(tmp_path):
    base = make_base(tmp_path / "base")
    path = base / "tokenizer.json"
    content = json.loads(path.read_text())
    content["model"]["merges"] = []
    content["model"]["vocab"] = {k: v for k, v in content["model"]["vocab"].items() if len(k) == 1 or k == "<pad>"}
    path.write_text(json.dumps(content))
    adapter = make_adapter(base, tmp_path / "adapter")
    settings = replace(SETTINGS, base=str(base))
    with pytest.raises(ModelError, match="The tokenizer writes ' Yes' as 4 and ' No' as 3 tokens"):
        prepare(DATA, tmp_path / "ws", settings, TINY, lambda *_: pytest.fail("trained"), adapter)


def test_the_configuration_names_no_implementation_of_a_library(tmp_path):
    base = make_base(tmp_path / "base")
    for name in ("flash_attention_2", "flash_attention_3", "flex_attention", "eager", "sdpa"):
        change_config(base, "config.json", _attn_implementation=name)
        check_folder(base)
        assert load_config(base)._attn_implementation in ("eager", "sdpa", None)
