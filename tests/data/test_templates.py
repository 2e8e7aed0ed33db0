"""Templates: of shipped domains, one's own, what is refused, and the domain that the names in the data tell."""

import pytest

from core.data.paraphrases import paraphrases_of
from core.data.readers import Columns, read
from core.data.templates import DOMAINS, FILMS, check_templates, domain_of, read_template, read_words, templates_file
from core.errors import DataError
from core.types import Task

OWN = """
[click]
instruction = "Weine, und ob sie geschmeckt haben."
before = "\\n- \\""
after = "\\" schmeckt:"
yes = " Ja"
no = " Nein"

[paraphrases]
thing = "wine"
things = "wines"
person = "guest"
used = "drank"
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "wines.toml"
    path.write_text(OWN, "utf-8")
    return path


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("domain", DOMAINS)
def test_shipped_templates_can_be_used_and_speak_of_their_domain(domain, task):
    check_templates(templates_file(domain), task)
    texts = [one.words.instruction for one in paraphrases_of(task, DOMAINS[domain]).values()]
    assert domain == "films" or not any("film" in text.lower() or "viewer" in text for text in texts)
    assert not any("{" in text for text in texts)
    if domain != "films":  # same punctuation and answers, so that only the words tell domains apart
        shipped, films = read_template(DOMAINS[domain], task), read_template(FILMS, task)
        assert (shipped.before, shipped.after, shipped.yes, shipped.no) == (
            films.before,
            films.after,
            films.yes,
            films.no,
        )


def test_paraphrases_of_films_have_the_words_of_earlier_versions():
    found = paraphrases_of(Task.CLICK)
    assert found["question"].words.instruction == "Which of these films did this person like?"
    assert found["labelled"].words.before == '\nFilm: "'
    assert found["assistant"].words.instruction == (
        "You recommend films. Below is what one viewer saw; say for each film whether the viewer enjoyed it."
    )


def test_own_templates_are_read(own):
    assert templates_file(str(own)) == own
    check_templates(own, Task.CLICK)
    assert read_template(own, Task.CLICK).yes == " Ja"
    assert read_words(own)["Thing"] == "Wine"
    assert paraphrases_of(Task.CLICK, own)["arrow"].words.after == '" ->'


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("[click]", "[click", "is no templates file"),
        ("[click]", "[watch]", r"\[click\] must hold instruction, before, after, yes, no"),
        ('no = " Nein"', "", r"\[click\] must hold"),
        ('no = " Nein"', 'no = " Nein"\nmaybe = " Vielleicht"', "nothing else"),
        ('no = " Nein"', "no = 7", "no in .click. must be text"),
        ('no = " Nein"', 'no = " ja"', "two different words"),
        ('no = " Nein"', 'no = "Nein"', "one blank before"),
        ('no = " Nein"', 'no = " Nein:"', "without punctuation"),
        ("no = ' Nein'".replace("'", '"'), "no = ' \"'", "without punctuation"),
        ('thing = "wine"', 'thing = " "', "thing in .paraphrases. is empty"),
        ("[paraphrases]", "# " + "x" * 9000 + "\n[paraphrases]", "more than 8,192 bytes"),
        ('no = " Nein"', 'no = " Nein, danke"', "one blank before"),
        ('"\\n- \\""', '"\\n- "', "no title can look like an answer"),
        ('"\\" schmeckt:"', '" schmeckt:"', "no title can look like an answer"),
        ("Weine, und", "Weine,\\u202e und", "control characters"),
        ("Weine, und", "Weine" * 100, "at most 300"),
        ('used = "drank"', "", r"\[paraphrases\] must hold"),
        ("[paraphrases]", "[others]", r"\[paraphrases\] must hold"),
        ("[click]", "click = 3\n[other]", r"\[click\] must hold"),
        ("[click]", "a = " + "[" * 5000 + "\n[click]", "is no templates file"),
    ],
)
def test_unusable_file_is_refused_in_one_sentence(own, before, after, reason):
    assert before in OWN
    own.write_text(OWN.replace(before, after), "utf-8")
    with pytest.raises(DataError, match=reason) as error:
        check_templates(own, Task.CLICK)
    assert str(own) in str(error.value) and str(error.value).count("\n") == 0


def test_bytes_that_are_no_text_are_refused(own):
    own.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="is no templates file"):
        check_templates(own, Task.CLICK)


def test_byte_order_mark_and_words_with_capitals_are_taken(own):
    own.write_bytes(b"\xef\xbb\xbf" + OWN.replace('"wine"', '"DOC wine"').encode())
    check_templates(own, Task.CLICK)
    assert read_words(own)["Thing"] == "DOC wine"


def test_file_of_films_can_be_named_by_its_path(monkeypatch):
    monkeypatch.chdir(FILMS.parent)
    assert templates_file("templates.toml") == FILMS
    check_templates(templates_file("templates.toml"), Task.CLICK)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", ""])
def test_name_that_no_file_can_have_is_refused(name):
    with pytest.raises(DataError, match="are unknown: choose one of films"):
        templates_file(name)


def test_unknown_domain_is_refused():
    with pytest.raises(DataError, match="films, books, games, items, music, products, or name a templates file"):
        templates_file("wines")


@pytest.mark.parametrize(
    ("names", "domain"),
    [
        (["ml-latest-small", "movies.csv"], "films"),
        (["Video_Games.jsonl", "parent_asin", "amazon2023"], "games"),
        (["Books.jsonl", "parent_asin", "amazon2023"], "books"),
        (["reviews.jsonl", "parent_asin", "amazon2023"], "products"),
        (["Movies_and_TV.jsonl", "amazon2023"], "films"),
        (["BX-Books.csv", "ISBN"], "books"),
        (["hetrec", "artists.dat", "artistID", "lastfm"], "music"),
        (["log.csv", "movieId", "title", "csv"], "films"),
        (["log.csv", "item", "title", "csv"], "items"),
        (["scores.csv", "item", "subtitle", "csv"], "items"),
        (["bookings.csv", "hotel", "name", "csv"], "items"),
        (["production.csv", "tracking", "artistic", "csv"], "items"),
        (["ebooks.csv"], "books"),
        (["BXBooks.csv"], "books"),
        (["CDs_and_Vinyl.jsonl", "amazon2023"], "music"),
        (["boardgames.csv"], "games"),
        (["likes.csv", "movie_id"], "films"),
    ],
)
def test_names_in_the_data_tell_the_domain(names, domain):
    assert domain_of(names) == domain


def test_reader_finds_the_domain_of_a_file(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,book,title,rating,time\nu,b1,One,5,1\nu,b2,Two,1,2\n", "utf-8")
    assert read(f"csv:{path}", Columns(item="book")).domain == "books"
