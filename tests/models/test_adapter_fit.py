"""Adapters that people bring: taken, or refused in one sentence before anything is trained."""

from pathlib import Path

import pytest
import torch

from core.errors import ModelError
from core.models.external_adapter import check_given_adapter
from core.models.validation import check_folder
from core.pipeline.prepare import prepare
from core.workspace import WorkspaceSettings
from tests.conftest import CONFIGS, TINY, small_dataset
from tests.models.adapter_folders import CASES, change_config, change_weights, make_adapter, make_base

DEMO_BASE = Path(__file__).parents[2] / "assets/demo/base"
EMBEDDING = "base_model.model.model.embed_tokens.weight"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_base(tmp_path_factory.mktemp("base") / "llama")


@pytest.fixture
def adapter(base, tmp_path):
    return make_adapter(base, tmp_path / "adapter")


def empty(adapter):
    change_weights(adapter, lambda weights: {})


def of_another_prefix(adapter):
    def renamed(name):
        return name.replace("model.layers", "model.language_model.layers")

    change_weights(adapter, lambda weights: {renamed(name): weight for name, weight in weights.items()})


def half(adapter):
    change_weights(adapter, lambda weights: {name: value for name, value in weights.items() if "layers.1." in name})


def with_more_than_it_names(adapter):
    change_config(adapter, target_modules=["q_proj", "v_proj"])


def of_another_rank(adapter):
    change_config(adapter, r=16)


def of_another_width(adapter):
    cut = "q_proj.lora_A.weight"
    change_weights(
        adapter, lambda weights: {n: value[:, :-1] if n.endswith(cut) else value for n, value in weights.items()}
    )


def of_a_larger_vocabulary(adapter):
    change_weights(adapter, lambda weights: weights | {EMBEDDING: torch.ones(99, 32)})


def with_trained_embeddings(adapter):
    change_weights(adapter, lambda weights: weights | {EMBEDDING: torch.ones(96, 32)})


def damaged(adapter):
    path = adapter / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])


def not_finite(adapter):
    change_weights(adapter, lambda weights: {name: value / 0 for name, value in weights.items()})


def deep(adapter):
    (adapter / "adapter_config.json").write_text('{"a":' * 100_000 + "1" + "}" * 100_000)


def nested(adapter):
    (adapter / "adapter_config.json").write_text('{"a":' * 100 + "1" + "}" * 100)


def huge(adapter):
    change_config(adapter, layers_to_transform=list(range(300_000)))


def of_type(dtype):
    def change(adapter):
        change_weights(adapter, lambda weights: {name: value.to(dtype) for name, value in weights.items()})

    change.__name__ = str(dtype)
    return change


def beyond_float32(adapter):
    change_weights(adapter, lambda weights: {name: value.double() * 1e300 for name, value in weights.items()})


def untrained(adapter):
    change_weights(adapter, lambda weights: {n: value * (".lora_A." in n) for n, value in weights.items()})


def of_many_names(adapter):
    change_weights(adapter, lambda _: {f"{n:0200}": torch.zeros(0) for n in range(40_000)})


def hostile(**values):
    def change(adapter):
        change_config(adapter, **values)

    change.__name__ = next(iter(values))
    return change


FAULTS = [
    (empty, "holds no weights in adapter_model.safetensors: save it again"),
    (of_another_prefix, "none of its weights has a place there, for example .*language_model.*Name the base model"),
    (half, r"holds 14 of the 28 weights .*layers\.0\..* is absent, so save it again"),
    (with_more_than_it_names, "holds 20 weights that adapter_config.json does not name, for example .*: name in"),
    (of_another_rank, r"has weights of rank 4 \(.*\), but adapter_config.json says 16: set r \(or rank_pattern\) to 4"),
    (of_another_width, "q_proj.lora_A.weight is 4 x 31 instead of 4 x 32. Name an adapter"),
    (
        of_a_larger_vocabulary,
        "another vocabulary: .*embed_tokens.weight is 99 x 32, and in base model .* 96 x 32. Name",
    ),
    (with_trained_embeddings, "holds .*embed_tokens.weight with other values than base model .*: train an adapter"),
    (damaged, "has a damaged adapter_model.safetensors"),
    (not_finite, "not a finite number"),
    (deep, "restore the file"),
    (nested, "is nested deeper than 40 levels"),
    (huge, "bytes, and 1,048,576 are read: restore"),
    (
        hostile(target_modules="(((a|.)+)+)+ "),
        "target_modules in adapter_config.json that take longer .*: name the modules",
    ),
    (hostile(exclude_modules="(((a|.)+)+)+ "), "exclude_modules in adapter_config.json that take longer"),
    (hostile(rank_pattern={"(((a|.)+)+)+ ": 4}), "rank_pattern in adapter_config.json that take longer"),
    (hostile(alpha_pattern={"(((a|.)+)+)+ ": 4}), "alpha_pattern in adapter_config.json that take longer"),
    (hostile(layers_pattern="(((a|.)+)+)+ ", layers_to_transform=[0]), "layers_pattern in .* that take longer"),
    (hostile(target_modules="("), "target_modules in adapter_config.json that are no patterns"),
    (hostile(target_modules=7), "target_modules in adapter_config.json that are no patterns"),
    (hostile(r=10**9), "has r = 1000000000 in adapter_config.json: set the rank of its weights"),
    (hostile(r="eight"), "has r = eight in"),
    (hostile(r=True), "has r = True in"),
    (hostile(r=10**4000), "has r = 10{50,59} in"),
    (hostile(r=3, init_lora_weights="orthogonal"), "has r = 3 in .*: orthogonal needs an even one"),
    (hostile(lora_alpha=float("nan")), "has lora_alpha = nan in .*: set the alpha of its training, a number above 0"),
    (hostile(lora_alpha=float("inf")), "has lora_alpha = inf in"),
    (hostile(lora_alpha=0), "has lora_alpha = 0 in"),
    (hostile(lora_alpha=-8), "has lora_alpha = -8 in"),
    (hostile(lora_alpha=10**400), "has lora_alpha = 10{50,59} in"),
    (hostile(lora_alpha="16"), "has lora_alpha = 16 in"),
    (hostile(alpha_pattern={"q_proj": float("nan")}), "has q_proj = nan in"),
    (hostile(use_rslora="no"), "has use_rslora = no in adapter_config.json: set true or false"),
    (hostile(fan_in_fan_out=[0]), r"has fan_in_fan_out = \[0\] in .*: set true or false"),
    (hostile(lora_dropout=2), "has lora_dropout = 2 in .*: set a share from 0 to below 1"),
    (hostile(lora_dropout=float("nan")), "has lora_dropout = nan in"),
    (hostile(revision=5, r=0), "has r = 0 in"),
    (hostile(auto_mapping={"base_model_class": ["X"], "parent_library": "transformers.models.x"}), "not a plain LoRA"),
    (hostile(peft_type="x" * 200_000), "peft_type 'x{60}'"),
    (of_type(torch.int8), "stores .* as I8: save it as float32"),
    (of_type(torch.complex64), "stores .* as C64: save it as float32"),
    (of_type(torch.float8_e4m3fn), "stores .* as F8_E4M3: save it as float32"),
    (beyond_float32, "not a finite number"),
    (untrained, r"was never trained \(each lora_B is zero\)"),
    (of_many_names, "has more than 8,388,608 bytes of names in adapter_model.safetensors"),
    (hostile(rank_pattern={"q_proj": 10**30}), "has q_proj = 10{30} in"),
    (hostile(rank_pattern=[4]), r"has rank_pattern = \[4\] in"),
    (hostile(layers_to_transform="all", target_modules=["q_proj"]), "does not fit base model"),
    (hostile(lora_alpha="much"), "has lora_alpha = much in"),
    (hostile(layer_replication=[[0, 10**6]]), "not a plain LoRA adapter"),
    (hostile(somebody_elses={"a": 1}), "unknown key 'somebody_elses'"),
    (hostile(auto_mapping={"base_model_class": "Model", "parent_library": "evil"}), "not a plain LoRA adapter"),
    (hostile(auto_mapping={"base_model_class": "LlamaForCausalLM", "parent_library": "evil"}), "not a plain LoRA"),
    (hostile(peft_type="LOHA"), "peft_type 'LOHA'"),
]


@pytest.mark.parametrize(("fault", "words"), FAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_an_unfit_adapter_is_one_sentence(base, adapter, fault, words):
    fault(adapter)
    with pytest.raises(ModelError, match=words) as refusal:
        check_given_adapter(adapter, base)
    text = str(refusal.value)
    assert str(adapter) in text and text.endswith(".") and "\n" not in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bias": "all"}, r"trained more than LoRA weights \(bias = all in adapter_config.json\).*with bias='none'"),
        ({"bias": "lora_only"}, "bias = lora_only"),
        ({"lora_bias": True}, "lora_bias = True .*with lora_bias=False"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save = .*lm_head.* with modules_to_save=None"),
        ({"trainable_token_indices": [1, 2]}, r"trainable_token_indices = \[1, 2\]"),
        ({"trainable_token_indices": []}, r"trainable_token_indices = \[\] .*again with trainable_token_indices=None"),
        ({"target_modules": ["q_proj", "lm_head"]}, "has LoRA weights in lm_head, which is no attention or MLP layer"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "has LoRA weights in model.embed_tokens, which is no"),
        ({"target_modules": ["lm_head"]}, "reaches no attention and no MLP layer: train it with"),
    ],
)
def test_what_unlearning_cannot_move_is_refused(tmp_path, options, words):
    base = make_base(tmp_path / "base", "qwen2")  # its q, k and v have biases
    adapter = make_adapter(base, tmp_path / "adapter", **options)
    with pytest.raises(ModelError, match=words):
        check_given_adapter(adapter, base)


@pytest.mark.parametrize("target", [["q_proj", "v_proj"], ["o_proj"], ["up_proj", "down_proj"]])
@pytest.mark.parametrize("layers", [None, [1]])
def test_layouts_of_some_layers_are_taken(base, tmp_path, target, layers):
    adapter = make_adapter(base, tmp_path / "adapter", target_modules=target, layers_to_transform=layers)
    assert check_given_adapter(adapter, base) == ()


@pytest.mark.parametrize("family", CONFIGS)
def test_adapters_of_every_family_fit(family, tmp_path):
    base = make_base(tmp_path / "base", family)
    assert check_given_adapter(make_adapter(base, tmp_path / "adapter"), base) == ()


@pytest.mark.parametrize(
    "values",
    [
        {"a_key_of_a_later_peft": None, "another": False, "a_third": {}, "a_fourth": [], "a_fifth": ""},
        {"auto_mapping": {"base_model_class": "LlamaForCausalLM", "parent_library": "transformers.models.llama.x"}},
        {"task_type": None},
    ],
)
def test_harmless_keys_are_taken(base, adapter, values):
    change_config(adapter, **values)
    assert check_given_adapter(adapter, base) == ()


def test_patterns_that_end_are_taken(base, tmp_path):
    options = {"target_modules": r".*layers\.\d+\.(self_attn|mlp)\..*_proj", "rank_pattern": {r".*\.q_proj": 2}}
    assert check_given_adapter(make_adapter(base, tmp_path / "adapter", **options), base) == ()


def test_a_base_with_more_layers_than_weights_is_refused(tmp_path):
    base = make_base(tmp_path / "base")
    change_config(base, "config.json", num_hidden_layers=10**6)
    with pytest.raises(ModelError, match="has num_hidden_layers = 1000000 in config.json and 21 weights: restore"):
        check_folder(base)


@pytest.mark.parametrize("fault", [empty, of_another_prefix, of_another_rank])
def test_prepare_refuses_before_any_work(base, adapter, tmp_path, fault):
    fault(adapter)
    settings = WorkspaceSettings("ws", "test", base=str(base), window=12)
    with pytest.raises(ModelError, match="Adapter"):
        prepare(small_dataset(), tmp_path / "ws", settings, TINY, lambda *step: pytest.fail("trained"), adapter)
    assert not (tmp_path / "ws").exists()


def test_an_adapter_needs_its_base_model(adapter, tmp_path):
    with pytest.raises(ModelError, match=r"comes without a base model: name the one it was trained on \(--base\)"):
        prepare(small_dataset(), tmp_path / "ws", WorkspaceSettings("ws", "test"), TINY, lambda *step: False, adapter)


def test_embeddings_that_repeat_the_base_are_left_out(tmp_path):
    adapter = make_adapter(DEMO_BASE, tmp_path / "adapter", embeddings=True)
    settings = WorkspaceSettings("ws", "test", base=str(DEMO_BASE), window=12)
    made = prepare(small_dataset(), tmp_path / "ws", settings, TINY, lambda *step: False, adapter)
    assert EMBEDDING in check_given_adapter(adapter, DEMO_BASE)
    assert check_given_adapter(made.adapter, DEMO_BASE) == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "holds no weights"),
        ("prefix", "none of its weights has a place there, for example .*language_model"),
        ("wrongrank", "has weights of rank 8"),
        ("embtrained", "with other values than base model"),
        ("embsaved", None),
        ("notask", None),
        ("qv", None),
    ],
)
@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/data/cases is not on this machine")
def test_cases(name, words):
    folder = CASES / "16-adapters"
    if words is None:
        check_given_adapter(folder / f"ad-{name}", folder / "llama")
    else:
        with pytest.raises(ModelError, match=words):
            check_given_adapter(folder / f"ad-{name}", folder / "llama")
