"""The interaction store: every question has the answer of plain Python over all rows, from memory and from files."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.data import interaction_store
from core.data.interaction_files import open_interactions, parse_interactions, write_interactions
from core.data.interaction_store import ROW_GROUP, InteractionStore, Totals
from core.data.splits import ForgottenRows, by_user, forget_set, forgotten_of, make_split, split_users
from core.errors import RequestError, WorkspaceError
from core.types import Interaction, Request, Task
from core.utils.serialization import read_json_lines, write_json_lines

HOSTILE = (
    "a",
    "A",
    "ä",
    "a\0",
    "'",
    '"',
    "' OR 1=1 --",
    "a|b",
    "?",
    "$1",
    "*.parquet",
    "\u2028",
    "\U0010ffff",
    "1",
    "1.0",
)
ids = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=3)
times = st.integers(-(2**40), 2**40)


def data_of(names: st.SearchStrategy[str]) -> tuple[st.SearchStrategy, st.SearchStrategy]:
    """Interactions in time order, and requests, with these ids."""
    events = st.lists(st.builds(Interaction, names, names, st.booleans(), times, st.floats(0, 10)), max_size=30)
    pairs = st.lists(st.tuples(names, names), max_size=3).map(tuple)
    requests = st.builds(Request, st.just("r"), st.lists(names, max_size=3).map(tuple), pairs)
    return events.map(lambda rows: sorted(rows, key=lambda event: event.time)), requests


events, requests = data_of(ids)
few_events, few_requests = data_of(st.sampled_from(HOSTILE[:5]))
ALL = [Interaction(name, name, True, number, 5.0) for number, name in enumerate(HOSTILE)]


PLACES = ("memory", "it's [a]*.parquet", "b.jsonl")


def stored(rows: list[Interaction], place: str, folder: Path, unsealed: bool) -> InteractionStore:
    """The rows in memory, or in a file or its bytes."""
    store = InteractionStore.of(rows)
    if place == "memory":
        return store
    write_interactions(folder / place, store)
    return parse_interactions(place, (folder / place).read_bytes()) if unsealed else open_interactions(folder / place)


@settings(max_examples=30, deadline=None)
@given(events, requests, st.sampled_from(PLACES), st.booleans())
@example(ALL, Request("r", HOSTILE[:9], tuple((name, name) for name in HOSTILE[9:12])), PLACES[1], False)
def test_every_answer_is_that_of_plain_python(rows, request, place, unsealed):
    users, items = (list(dict.fromkeys(getattr(one, name) for one in rows)) for name in ("user", "item"))
    with TemporaryDirectory() as folder:
        store = stored(rows, place, Path(folder), unsealed)
        assert list(store) == rows and len(store) == len(rows)
        assert store.users() == users and store.items() == items
        assert store.of_users(request.users) == [one for one in rows if one.user in request.users]
        assert store.covered(request) == list(filter(request.covers, rows))
        assert list(store.without(request)) == [one for one in rows if not request.covers(one)]
        for task in Task:
            lengths = {user: len(own) for user, own in by_user(rows, task).items()}
            assert list(store.history_lengths(task).items()) == list(lengths.items())
        pairs = {(one.user, one.item) for one in rows}
        for pair in (*list(pairs)[:5], *request.interactions, ("x", "a")):
            assert store.holds(*pair) is (pair in pairs)
        assert store.knows_any(request.users) is any(user in users for user in request.users)
        if rows:
            liked = sum(one.liked for one in rows)
            assert store.totals() == Totals(len(rows), len(users), len(items), liked, rows[0].time, rows[-1].time)


@settings(max_examples=60, deadline=None)
@given(few_events, few_requests, st.sampled_from(Task))
def test_what_a_request_takes_is_that_of_the_whole_split(rows, request, task):
    store = InteractionStore.of(rows)
    roles = split_users(store.users(), 0.2, 0.2)
    try:
        whole = make_split(rows, roles, request, 4, task)
    except RequestError:
        with pytest.raises(RequestError):
            forget_set(store, roles, request, 4, task)
    else:
        kept = sum(len(prompt.targets) for prompt in whole.retain)
        assert forget_set(store, roles, request, 4, task) == whole.forget
        assert forgotten_of(store, roles, request, 4, task) == ForgottenRows(whole.forget, kept)


@settings(max_examples=20, deadline=None)
@given(events, st.sampled_from([1, 2, 5]))
@example(ALL, 1)
def test_parts_of_a_large_file_hold_every_row_once(rows, size):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(interaction_store, "PART", size)
        write_interactions(Path(folder) / "a.parquet", InteractionStore.of(rows))
        assert list(open_interactions(Path(folder) / "a.parquet")) == rows


def test_rows_keep_their_order_and_users_lie_together_in_large_files(tmp_path):
    from pyarrow import parquet

    rows = [Interaction(f"u{n * 7919 % 500}", f"i{n % 1000}", n % 3 == 0, 1000, 3.5) for n in range(3 * ROW_GROUP)]
    write_interactions(tmp_path / "a.parquet", InteractionStore.of(rows))
    store = open_interactions(tmp_path / "a.parquet")
    assert list(store) == rows and store.of_users(["u17"]) == [one for one in rows if one.user == "u17"]
    file = parquet.ParquetFile(tmp_path / "a.parquet")
    bounds = [file.metadata.row_group(n).column(1).statistics for n in range(file.num_row_groups)]
    assert len(bounds) >= 3 and sum(one.min <= "u17" <= one.max for one in bounds) <= 2


def test_threads_ask_at_the_same_time(tmp_path):
    write_interactions(tmp_path / "a.parquet", InteractionStore.of(ALL * 50))
    store = open_interactions(tmp_path / "a.parquet")
    with ThreadPoolExecutor(8) as pool:
        for user, found in pool.map(lambda user: (user, store.of_users([user])), HOSTILE * 10):
            assert [one.user for one in found] == [user] * 50


def test_half_a_character_on_the_command_line_is_nobody():
    store = InteractionStore.of(ALL)
    assert not store.holds("\udcff", "a") and store.of_users(["\udcff", "a"]) == ALL[:1]


ROW = {"user": "a", "item": "b", "liked": True, "time": 3, "rating": 2.5}


@pytest.mark.parametrize(
    "change",
    [{"user": 7}, {"liked": 1}, {"time": 3.5}, {"time": None}, {"rating": "5"}, {"rating": True}, {"item": None}],
)
def test_values_of_another_type_are_refused_with_their_line(tmp_path, change):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(ROW) + "\n\n" + json.dumps(ROW | change) + "\n")
    for read in (lambda: open_interactions(path), lambda: parse_interactions(path.name, path.read_bytes())):
        with pytest.raises(WorkspaceError, match=rf"a\.jsonl is damaged \(line 3: field {next(iter(change))} must be"):
            read()


@pytest.mark.parametrize("row", [ROW | {"rating": 5}, ROW | {"new": [1]}, {k: ROW[k] for k in list(ROW)[:4]}])
def test_lines_of_other_versions_are_read_as_before(tmp_path, row):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps(ROW) + "\n\n")
    assert list(open_interactions(path)) == read_json_lines(path, Interaction)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"\xff\xfe", None])
@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl"])
def test_file_that_cannot_be_read_is_refused_in_one_sentence(tmp_path, content, name):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    if (name, content) == ("a.jsonl", b""):
        assert list(open_interactions(tmp_path / name)) == []
        return
    with pytest.raises(WorkspaceError, match=r"is (damaged|not there).*run `prepare` again\.$"):
        open_interactions(tmp_path / name)


def test_parquet_file_of_something_else_is_refused(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"user": ["a"], "row": [0]}), tmp_path / "a.parquet")
    with pytest.raises(WorkspaceError, match=r"a\.parquet is damaged"):
        open_interactions(tmp_path / "a.parquet")


OTHERS = {"row": [1], "user": b"\xff", "item": [1], "liked": 1, "time": float("nan"), "rating": "5"}


@pytest.mark.parametrize("missing", [True, False])
@pytest.mark.parametrize("column", OTHERS)
def test_column_of_another_type_or_without_a_value_is_named(tmp_path, column, missing):
    import pyarrow as pa
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    write_interactions(path, InteractionStore.of(ALL))
    table = parquet.read_table(path)
    values = table[column].to_pylist()
    one = pa.array([*values[:-1], None], table.schema.field(column).type) if missing else [OTHERS[column]] * len(ALL)
    parquet.write_table(table.set_column(table.column_names.index(column), column, pa.array(one)), path)
    flaw = "has a row without a value" if missing else "is .*, not "
    with pytest.raises(WorkspaceError, match=rf"a\.parquet is damaged \(column {column} {flaw}"):
        open_interactions(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"\xff\xfe"])
def test_sealed_parquet_that_cannot_be_read_is_refused_in_one_sentence(content):
    with pytest.raises(WorkspaceError, match=r"a\.parquet is damaged.*run `prepare` again\.$"):
        parse_interactions("a.parquet", content)


def test_missing_values_are_found_without_reading_rows(tmp_path):
    """Files of millions of rows are opened by each command."""
    write_interactions(tmp_path / "a.parquet", InteractionStore.of(ALL))
    store = open_interactions(tmp_path / "a.parquet")
    (_, plan), *_ = store._all("EXPLAIN SELECT 1 FROM interactions WHERE user IS NULL OR time IS NULL LIMIT 1")
    assert "PARQUET" not in plan.upper()


def test_totals_of_no_rows_are_refused():
    with pytest.raises(WorkspaceError, match="it is empty"):
        InteractionStore.of([]).totals()


def test_lines_are_written_as_earlier_versions_wrote_them(tmp_path):
    write_json_lines(tmp_path / "a.jsonl", ALL)
    write_interactions(tmp_path / "b.jsonl", InteractionStore.of(ALL))
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
