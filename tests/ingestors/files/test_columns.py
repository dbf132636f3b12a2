"""Columns recognised by their names, in English and French; what is not certain is asked for."""

from datetime import UTC

import pytest

from ingestors.files.cells import time_of_text
from ingestors.files.columns import Recognised, key_of, recognise_json, recognise_table, times_of
from ingestors.files.records import TableShape
from schemas.errors import ConfigurationError


def recognised(text: str) -> Recognised:
    return recognise_table(text.splitlines(keepends=True), "file", "a.csv", TableShape())


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (
            "tweet_id,tweet_created,name,text,retweet_count",
            "id=tweet_id text=text created_at=tweet_created metrics.reposts=retweet_count",
        ),
        (
            "identifiant;texte;auteur;J'aime;abonnés;langue;lien",
            "id=identifiant text=texte author.handle=auteur metrics.likes=J'aime "
            "author.followers=abonnés language=langue url=lien",
        ),
        ("Created At\tFull Text\tTweet ID", "id=Tweet ID text=Full Text created_at=Created At"),
        ("id|message|username|shares", "id=id text=message author.handle=username "
                                       "metrics.reposts=shares"),
        ("createdAt,tweetId,content", "id=tweetId text=content created_at=createdAt"),
        ("id,text,message,content", "id=id text=text"),
        ("id,text,created_at,date,timestamp", "id=id text=text created_at=created_at"),
    ],
)  # fmt: skip
def test_headers(header: str, fields: str) -> None:
    found = recognised(header + "\n").file.fields
    for pair in fields.split(" ") if " " not in header else []:
        field, _, column = pair.partition("=")
        assert found[field] == column
    assert set(found) == {part.partition("=")[0] for part in fields.split() if "=" in part}


def test_the_note_says_what_was_read_from_where() -> None:
    assert recognised("tweet_id,tweet,date\n1,a,2026-03-01\n").note == (
        "read id from tweet_id, text from tweet, created_at from date; --mapping sets them"
    )
    assert recognised("url,body\n").note == (
        "read text from body; ids are made of url; --mapping sets them"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,colour\n1,2\n", "no column that is known to hold the text; it has name, colour"),
        ("hello\n", "neither JSON nor a table"),
        ("id,message,content\n", "several columns that may be the text: message, content"),
        ("id,tweet_id,text\n", "several columns that may be the id: id, tweet_id"),
        ("id,text,full_text\n", "several columns that may be the text: text, full_text"),
        ("id,text,date,time\n", "several columns that may be the created_at: date, time"),
        ("id,text,text\n", "several columns that may be the text: text, text"),
        ("id,text,date\n1,a,01/03/2026\n2,b,02/03/2026\n", "day/month or month/day"),
        ("id,text,date\n1,a,44256.75\n", "numbers such as 44256.8"),
        ("id,text,date\n1,a,soon\n", "no known form of a time"),
    ],
)
def test_what_is_not_certain_is_asked_for(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        recognised(text)


def test_a_header_below_a_preamble_is_found_and_named() -> None:
    found = recognised("Report:,Velmora\nFrom:,2021\n\nDate,Full Text,Url\n2021-03-01,a,b\n")
    assert found.shape.skip_lines == 3
    assert found.note.endswith("the header is line 4")
    assert recognised("sep=;\nid;text\n").shape == TableShape(";", skip_lines=1)


def test_quotes_of_texts_between_tabs_are_not_those_of_csv() -> None:
    rows = '1\t"so-called" friends\n2\t"half a quote\n3\tplain\n'
    assert not recognised("id\ttext\n" + rows).shape.is_quoted
    assert recognised('id\ttext\n1\t"a whole one"\n2\tb\n').shape.is_quoted


@pytest.mark.parametrize(
    "values",
    [
        ["2026-03-01T10:00:00Z", "2026-03-01 10:00:00"],
        ["Sun Mar 01 10:00:00 +0000 2026"],
        ["2026-03-01 10:00:00 -0800"],
        ["1772359200", "1772359201"],
        ["1772359200000"],
        ["13/03/2026 10:00", "01/03/2026 10:00"],
        ["03/13/2026 10:00 PM", "03/01/2026 10:00 AM"],
        ["13.03.26"],
        ["1.3.2026 9:05"],
        ["Mar 1, 2026 10:00", "2026-03-02"],
        ["13-Mar-2026 10:00:00"],
        ["2026/03/01 10:00"],
    ],
)
def test_forms_of_time(values: list[str]) -> None:
    found = times_of(values, "date", "a.csv")
    for value in values:
        assert any(time_of_text(value, how, UTC) for how in found), value


def test_days_and_months_are_told_by_one_date_that_is_certain() -> None:
    found = times_of(["01/03/2026", "31/03/2026"], "date", "a.csv")
    assert time_of_text("01/03/2026", found[0], UTC).month == 3  # type: ignore[union-attr]
    found = times_of(["01/03/2026", "03/31/2026"], "date", "a.csv")
    assert time_of_text("01/03/2026", found[0], UTC).month == 1  # type: ignore[union-attr]


def test_json_of_other_names_is_recognised_and_other_json_is_not() -> None:
    file = recognise_json([{"tweet_id": "1", "full_text": "a"}, {"lang": "fr"}], "file", "a")
    assert file is not None
    assert file.fields == {"id": "tweet_id", "text": "full_text", "language": "lang"}
    assert recognise_json([{"a": 1}], "file", "a") is None


def test_names_are_the_same_however_they_are_written() -> None:
    names = ("Created At", "created_at", "createdAt", "CREATED-AT", "créated at (UTC)")
    assert {key_of(name) for name in names} == {"createdat"}
