"""What a model folder may not bring with it."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError
from peft import LoraConfig

from core.errors import ModelError
from core.models.hub import resolve
from core.models.validation import check_adapter, check_folder

DEMO = Path(__file__).parents[2] / "assets/demo"


def changed(path: Path, **keys: object) -> None:
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(known | keys), encoding="utf-8")


def test_the_demo_passes() -> None:
    check_folder(DEMO / "base")
    check_adapter(DEMO / "adapter", DEMO / "base")


@pytest.mark.parametrize("file", ["config.json", "generation_config.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    "keys",
    [
        {"text_config": {"auto_map": {"AutoConfig": "somebody/model--evil.Config"}}},
        {"custom_pipelines": {"text-generation": {"impl": "evil.Pipeline"}}},
        {"custom_generate": "somebody/generate"},
        {"transformers_weights": "evil.bin"},
        {"_attn_implementation": "somebody/kernel"},
        {"attn_implementation": {"": "kernels-community/flash-attn@main"}},
        {"_experts_implementation": "somebody/experts:run"},
    ],
)
def test_a_base_that_names_code_is_refused(workspace, file: str, keys: dict) -> None:
    changed(workspace.root / "base" / file, **keys)
    with pytest.raises(ModelError, match=f"wants to run other code or load other files \\({file}"):
        check_folder(workspace.root / "base")


@pytest.mark.parametrize(
    "keys", [{"_attn_implementation": "sdpa"}, {"a_key_nobody_knows": 1}, {"auto_map": {"AutoModel": "evil.Model"}}]
)
def test_a_harmless_key_of_a_base_is_kept(workspace, keys: dict) -> None:
    changed(workspace.root / "base/config.json", **keys)
    check_folder(workspace.root / "base")


@pytest.mark.parametrize("shard", ["evil.bin", "../evil.safetensors", "/evil.safetensors"])
def test_an_index_names_safetensors_of_its_folder_only(workspace, shard: str) -> None:
    changed(workspace.root / "base/model.safetensors.index.json", weight_map={"a": "model.safetensors", "b": shard})
    with pytest.raises(ModelError, match="list safetensors of this folder only"):
        check_folder(workspace.root / "base")


def test_a_base_with_an_adapter_inside_is_refused(workspace) -> None:
    changed(workspace.root / "base/adapter_config.json", peft_type="LORA", base_model_name_or_path="somebody/model")
    with pytest.raises(ModelError, match="holds an adapter_config.json"):
        check_folder(workspace.root / "base")


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_damaged_config_is_one_sentence(workspace, text: str) -> None:
    (workspace.root / "base/config.json").write_text(text)
    with pytest.raises(ModelError, match="restore the file"):
        check_folder(workspace.root / "base")


@pytest.mark.parametrize("key", ["auto_map", "somebody_elses", "trust_remote_code"])
def test_an_unknown_key_of_an_adapter_is_refused(workspace, key: str) -> None:
    assert key not in {field.name for field in fields(LoraConfig)}
    changed(workspace.root / "adapter/adapter_config.json", **{key: 1})
    with pytest.raises(ModelError, match=f"unknown key '{key}'"):
        check_adapter(workspace.root / "adapter", workspace.root / "base")


@pytest.mark.parametrize(
    "keys",
    [
        {"peft_type": "LOHA"},
        {"use_dora": True},
        {"auto_mapping": {"base_model_class": "Model", "parent_library": "evil"}},
        {"megatron_config": {"a": 1}},
        {"layer_replication": [[0, 2]]},
        {"modules_to_save": ["lm_head"]},
    ],
)
def test_more_than_a_plain_adapter_is_refused(workspace, keys: dict) -> None:
    changed(workspace.root / "adapter/adapter_config.json", **keys)
    with pytest.raises(ModelError, match="not a plain LoRA adapter"):
        check_adapter(workspace.root / "adapter", workspace.root / "base")


def test_an_adapter_belongs_to_its_base(workspace) -> None:
    changed(workspace.root / "base/config.json", rms_norm_eps=1e-4)
    with pytest.raises(ModelError, match="made for another base"):
        check_adapter(workspace.root / "adapter", workspace.root / "base")


@pytest.mark.parametrize("revision", [None, "main", "v1.0", "abc1234"])
def test_a_hub_id_without_a_commit_is_refused(revision) -> None:
    """What a branch or a tag names may change over night."""
    with pytest.raises(ModelError, match="ID@COMMIT"):
        resolve("somebody/model", revision)


@pytest.mark.parametrize("base", ["https://host/model", "file:///etc", "a/b/c", "a--b", "no where", "a\x00b"])
def test_a_base_that_is_no_hub_id_is_refused(base) -> None:
    with pytest.raises(ModelError, match="ID@COMMIT"):
        resolve(base, "a" * 40)


def test_only_models_of_the_list_are_fetched(monkeypatch, tmp_path) -> None:
    """A workspace that came from elsewhere names no model that nobody here allowed."""
    asked = []

    def fetch(base: str, local_files_only: bool = False, **_: object) -> str:
        if local_files_only and base != "old/model":
            raise LocalEntryNotFoundError("not here")
        asked.append(base)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    monkeypatch.setenv("CURE_LENS_MODELS", "good/model, other/model")
    with pytest.raises(ModelError, match="'somebody/model' is not among those that may be fetched"):
        resolve("somebody/model", "a" * 40)
    assert asked == []
    for name in ("other/model", "old/model"):  # the latter is here already
        assert resolve(name, "a" * 40) == tmp_path
    assert asked == ["other/model", "old/model"]
