"""Files that no search can read: each is named with the reason, nothing hangs, and nothing outside is opened."""

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import resource
import socket
import sqlite3
import struct
import tarfile
import zipfile
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from safetensors.numpy import save_file

from core.review import file_contents, file_parts, leak_scan
from core.review.forgotten_data import forgotten_data_of
from core.review.leak_scan import Findings, find_leaks
from core.types import Request

WORD = "u4242"
TEXT = f"asked by {WORD}, twice. ".encode() * 20


def search(folder: Path, *users: str, **options) -> Findings:
    return find_leaks(folder, forgotten_data_of(Request("r", users=users or (WORD,)), (), {}), **options)


def packed_in_zip(content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", content)
    return target.getvalue()


def packed_in_tar(content: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo("rows.zip")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


def raw_deflate(content: bytes) -> bytes:
    """Compressed without any mark."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def of_objects(content: bytes) -> bytes:
    target = io.BytesIO()
    np.save(target, np.array([{"packed": zlib.compress(content)}], dtype=object), allow_pickle=True)
    return target.getvalue()


def in_database(content: bytes) -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE notes (note)")
        database.execute("INSERT INTO notes VALUES (?)", (content,))
        return database.serialize()


def in_parquet(content: bytes, kind: pa.DataType) -> bytes:
    target = io.BytesIO()
    parquet.write_table(pa.table({"user": pa.array([content], kind)}), target)
    return target.getvalue()


PACKED = {
    "gzip": gzip.compress(TEXT),
    "bzip2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "zlib": zlib.compress(TEXT),
    "zlib, little": zlib.compress(TEXT, 3),
    "deflate": raw_deflate(TEXT),
    "zip": packed_in_zip(TEXT),
    "zip in tar": packed_in_tar(packed_in_zip(TEXT)),
    "lz4": b"\x04\x22\x4d\x18" + bytes(40),
    "rar": b"Rar!\x1a\x07\x01\x00 and more",
    "PDF": b'%PDF-1.7\n1 0 obj << /Filter /ASCII85Decode >> stream\n87cURD]i,"Ebo80~>',
    "PNG": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "objects of NumPy": of_objects(TEXT),
    "bytes in SQLite": in_database(zlib.compress(TEXT)),
    "bytes in Parquet": in_parquet(zlib.compress(TEXT), pa.binary()),
    "bytes of one length in Parquet": in_parquet(b"0123456789", pa.binary(10)),
    "damaged SQLite": b"SQLite format 3\x00" + bytes(100),
    "damaged Parquet": b"PAR1" + bytes(100),
    "damaged NumPy": b"\x93NUMPY\x01\x00 and nothing else",
    "unknown": struct.pack("<7d", *np.linspace(0.1, 0.9, 7)),
}


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("name", ["rows", "data/rows", "sealed/req-1-1/0", "adapter/x.safetensors"])
def test_what_may_hide_text_is_named_as_not_read(tmp_path, kind, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(PACKED[kind])
    found = search(tmp_path)
    assert found.shows == () and [*found.unread] == [name]
    assert found.problems.startswith(f"Not searched, so nobody knows what they hold: {name} (")


@pytest.mark.parametrize("kind", ["zip", "zip in tar"])
def test_what_an_archive_holds_as_it_is_still_shows(tmp_path, kind):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("rows.csv", TEXT)
    (tmp_path / "rows").write_bytes(target.getvalue() if kind == "zip" else packed_in_tar(target.getvalue()))
    assert search(tmp_path) == Findings(("rows",), {})


def test_files_that_show_and_files_that_are_not_read_are_told_apart(tmp_path):
    (tmp_path / "a.txt").write_bytes(TEXT)
    (tmp_path / "b.gz").write_bytes(PACKED["gzip"])
    assert search(tmp_path).problems == (
        "Forgotten data is still in a.txt: remove it. Not searched, so nobody knows what they hold: b.gz (compressed, "
        "an archive or a PDF). Move them out of the workspace."
    )


def test_numbers_and_weights_are_clean(tmp_path):
    np.save(tmp_path / "numbers.npy", np.linspace(0, 1, 1000))
    save_file({"a": np.linspace(0, 1, 1000)}, tmp_path / "x.safetensors", metadata={"format": "pt"})
    (tmp_path / "zeros").write_bytes(bytes(1000))
    (tmp_path / "log.txt").write_bytes(b"\x1b[1mstep\x1b[0m 1\r10 %\x08\xe2\x96 and a character cut in the middle")
    assert search(tmp_path) == Findings((), {})


def test_text_behind_the_tensors_is_searched(tmp_path):
    save_file({"a": np.zeros(3)}, tmp_path / "x.safetensors")
    with (tmp_path / "x.safetensors").open("ab") as file:
        file.write(TEXT)
    assert search(tmp_path).shows == ("x.safetensors",)


@pytest.mark.parametrize("text", ['{"note": "%s", "note": ""}', '{"a": {"x": "%s", "x": 1}}\n{"b": 2}\n'])
def test_repeated_key_hides_nobody(tmp_path, text):
    (tmp_path / "notes.json").write_text(text % WORD)
    assert search(tmp_path).shows == ("notes.json",)


def test_file_with_a_repeated_key_is_not_read(tmp_path):
    """A row in it may stand on two lines."""
    (tmp_path / "notes.json").write_text('{"user": "7",\n "item": "8", "item": "9"}')
    assert search(tmp_path).unread == {"notes.json": "JSON with a key twice in one object"}


@pytest.mark.parametrize(
    "text", ['{"note": "%s", "note": "as was asked in spring"}', "asked by %s, twice and in writing"]
)
def test_statement_with_a_repeated_key_hides_nobody(tmp_path, text):
    (tmp_path / "x.json").write_text(json.dumps({"payload": base64.b64encode((text % WORD).encode()).decode()}))
    assert search(tmp_path).shows == ("x.json",)


def test_repeated_key_of_weights_hides_nobody(tmp_path):
    tensor = '"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'
    header = f'{{"__metadata__": {{"n": "{WORD}"}}, "__metadata__": {{"n": ""}}, {tensor}}}'.encode()
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    assert search(tmp_path).shows == ("x.safetensors",)


@pytest.mark.parametrize("place", ["before the footer", "metadata", "name of metadata", "column", "dictionary"])
def test_parquet_hides_nobody_outside_its_rows(tmp_path, place):
    field, target = pa.field("a", pa.int64()), io.BytesIO()
    if place == "column":
        field = field.with_metadata({"note": WORD})
    schema = pa.schema([field], {"metadata": {"note": WORD}, "name of metadata": {WORD: ""}}.get(place))
    table = pa.table({"a": [1, 2, 3]}, schema=schema)
    if place == "dictionary":  # a row that was filtered out
        kept = pa.array([WORD, "b", "c"]).dictionary_encode().filter(pa.array([False, True, True]))
        table = pa.table({"a": kept})
    parquet.write_table(table, target, store_schema=place != "dictionary")
    whole = target.getvalue()
    end = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    added = f"\0{WORD}\0".encode() if place == "before the footer" else b""
    (tmp_path / "x.parquet").write_bytes(whole[:end] + added + whole[end:])
    assert parquet.read_table(tmp_path / "x.parquet").num_rows == len(table)
    assert search(tmp_path).shows == ("x.parquet",)
    assert search(tmp_path, "u7") == Findings((), {})


def test_bytes_after_a_numpy_array_hide_nobody(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3))
    content = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(content + PACKED["deflate"])
    assert [*search(tmp_path).unread] == ["x.npy"]
    (tmp_path / "x.npy").write_bytes(content + TEXT)
    assert search(tmp_path).shows == ("x.npy",)


def test_header_of_a_numpy_array_hides_nobody(tmp_path):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }} # {WORD}\n".encode()
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(8))
    assert np.load(tmp_path / "x.npy").shape == (1,) and search(tmp_path).shows == ("x.npy",)


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "data")  # opening it waits for a writer
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        assert search(tmp_path).unread == {"data": "no regular file", "s": "no regular file"}


@pytest.mark.parametrize("target", ["{outside}/rows.csv", "{outside}", "../outside/rows.csv", "{outside}/gone", "link"])
def test_a_link_that_leads_out_is_named_and_not_followed(tmp_path, monkeypatch, target):
    outside, root = tmp_path / "outside", tmp_path / "root"
    for folder in (outside, root):
        folder.mkdir()
    (outside / "rows.csv").write_bytes(TEXT)
    (root / "link").symlink_to(target.format(outside=outside))
    opened = []
    monkeypatch.setattr(leak_scan, "parts_of", lambda path, plain: opened.append(path) or ())
    assert search(root) == Findings((), {"link": "a link that leads out of the workspace"})
    assert opened == []


def test_a_link_inside_shows_what_it_names_and_no_more(tmp_path):
    (tmp_path / "rows.csv").write_bytes(TEXT)
    (tmp_path / "link").symlink_to("rows.csv")
    (tmp_path / "other").symlink_to(f"nowhere-{WORD}/{WORD}")
    assert search(tmp_path) == Findings(("other", "rows.csv"), {})


def test_a_folder_that_cannot_be_opened_is_not_read(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    real = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: refuse(path) if path.name == "closed" else real(path))
    monkeypatch.setattr(os, "scandir", refuse)
    assert search(tmp_path).unread == {"closed": "Permission denied"}


@pytest.mark.slow
def test_a_long_file_is_read_in_parts(tmp_path):
    """5 GB of zeros with an id at the end, in half a gigabyte of memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (tmp_path / "long").open("wb") as file:
        file.seek(5_000_000_000)
        file.write(f" {WORD}".encode("utf-16-le"))
    assert search(tmp_path).shows == ("long",)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("filler", ["word ", "|", "x" * 50 + "-"])
@pytest.mark.parametrize("end", ["\n", ""])
def test_an_id_is_found_across_the_parts_of_a_file(tmp_path, monkeypatch, encoding, filler, end):
    for name, size in (("WHOLE", 100), ("BLOCK", 512), ("OVERLAP", 128)):
        monkeypatch.setattr(file_contents, name, size)
    monkeypatch.setattr(file_parts, "OVERLAP", 128)
    for length in range(480, 530):
        text = (filler * 600)[:length] + f" {WORD} " + (filler * 600)[:700] + end
        (tmp_path / "long").write_bytes(text.encode(encoding))
        assert search(tmp_path).shows == ("long",), length
        assert search(tmp_path, WORD[:-1], WORD[1:], WORD[:-1] + "|x").problems == "", length


def test_a_json_document_that_is_too_long_to_parse_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(file_contents, "WHOLE", 1 << 16)
    monkeypatch.setattr(file_contents, "BLOCK", 1 << 12)
    (tmp_path / "lines").write_text(json.dumps({"a": 1}) + "\n" + json.dumps({"b": "x" * 100}) + "\n" * (1 << 16))
    (tmp_path / "whole").write_text(json.dumps({"userId": [1] * 20_000, "more": "x" * (1 << 16)}, indent=1))
    assert search(tmp_path, "4").unread == {"whole": "a JSON document of more than 0 MiB"}


def test_folders_deeper_than_the_stack_are_searched(tmp_path):
    folders = [tmp_path / "d"]
    while len(folders) < 1200:
        folders.append(folders[-1] / "d")
    for folder in folders:
        folder.mkdir()
    (folders[-1] / "log.txt").write_text(f"asked by {WORD}")
    found = search(tmp_path)
    (folders[-1] / "log.txt").unlink()
    for folder in reversed(folders):  # pytest would remove them by recursion
        folder.rmdir()
    assert found == Findings(("d/" * 1200 + "log.txt",), {})
