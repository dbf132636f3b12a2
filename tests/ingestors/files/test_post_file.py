"""One file of posts in every shape that exports come in: what is read, and what is said."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import assume, given
from hypothesis import strategies as st

from ingestors.files.mapping import load_mapping
from ingestors.files.post_file import PostFile, ReadOptions, lines_of
from ingestors.source import SourceError, Unreadable
from schemas.errors import ConfigurationError
from schemas.post import Post, PostUpsert

FRENCH = "id;date;texte\n1;01/03/2021 10:00;Réseau Énergie en panne à Orléans\n"
FRENCH_MAPPING = """
source: fr
fields: {id: id, text: texte, created_at: date}
times: ["%d/%m/%Y %H:%M"]
"""


class Read:
    """What came of a file."""

    def __init__(self, file: PostFile) -> None:
        self.posts: list[Post] = []
        self.bad: list[str] = []
        for item in file:
            if isinstance(item.content, Unreadable):
                self.bad.append(item.content.detail)
            elif isinstance(item.content, PostUpsert):
                self.posts.append(item.content.post)
        self.notes, self.remarks = file.notes, list(file.remarks())

    @property
    def texts(self) -> list[str]:
        return [post.text for post in self.posts]


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Any]:
    def reader(data: bytes | str, mapping: str | None = None, encoding: str | None = None) -> Read:
        path = tmp_path / "file"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        options = ReadOptions(encoding=encoding)
        if mapping is not None:
            (tmp_path / "m.yaml").write_text(mapping, "utf-8")
            options = ReadOptions(load_mapping(str(tmp_path / "m.yaml")), encoding)
        with closing(PostFile(lines_of(path), options)) as file:
            return Read(file)

    yield reader


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize(
    "shape",
    [
        '{"id":"1","text":"a"}\n{"id":"2","text":"b"}',
        '[{"id":"1","text":"a"},\n {"id":"2","text":"b"}]\n',
        '[\n  {\n    "id": "1",\n    "text": "a"\n  },\n  {"id": "2", "text": "b"}\n]',
        '{\n  "id": "1",\n  "text": "a"\n}\n{\n  "id": "2",\n  "text": "b"\n}\n',
        '{"tweet_id":"1","full_text":"a"}\n{"tweet_id":"2","full_text":"b"}\n',
        "id,text\n1,a\n2,b\n",
        "id;text\r\n1;a\r\n2;b\r\n",
        "id\ttext\n1\ta\n2\tb",
        "id|text\n1|a\n\n2|b\n",
        "id,text\r1,a\r2,b\r",
        "sep=;\r\nid;text\r\n1;a\r\n2;b\r\n",
        "Report:,Velmora\nFrom:,2021\n\nid,text\n1,a\n2,b\n",
        "\ufeffid,text\n1,a\n\ufeffid,text\n2,b\n",
    ],
)
def test_every_shape_gives_the_same_posts(read: Any, shape: str, packing: str) -> None:
    pack = {"gzip": gzip.compress, "zstd": zstandard.compress}.get(packing, bytes)
    found = read(pack(shape.encode()))
    assert [(post.id, post.text) for post in found.posts] == [("file:1", "a"), ("file:2", "b")]
    assert found.bad == []
    assert found.remarks[-1] == "no post says when it was written: all count as written now"


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_every_usual_encoding_is_told(read: Any, charset: str) -> None:
    found = read(FRENCH.encode(charset), FRENCH_MAPPING)
    assert found.texts == ["Réseau Énergie en panne à Orléans"]
    said = [] if charset.startswith("utf-8") else [f"is read as {charset}; --encoding sets another"]
    assert [note.split("/file ")[1] for note in found.notes] == said


def test_an_encoding_may_be_given(read: Any) -> None:
    data = "id,text\n1,Žižkov\n".encode("cp1250")
    assert read(data, encoding="cp1250").texts == ["Žižkov"]
    assert read(data, "source: a\nencoding: cp1250\nfields: {id: id, text: text}").texts == [
        "Žižkov"
    ]
    found = read(b"id,text\n1,a\x81b\n", encoding="cp1252")
    assert found.texts == ["a\ufffdb"]
    assert found.remarks[0].startswith("1 characters are not in the encoding")


def test_a_line_that_is_not_utf_8_is_told_and_the_others_read(read: Any) -> None:
    lines = "id,text\n1,été\n2,été\n".encode()
    found = read(lines + b"3,\xe9t\xe9\n")
    assert found.texts == ["été", "été"]
    assert found.bad == [
        "line 4: this is not UTF-8 (0xe9 at byte 3); correct it, or name the encoding"
    ]


MAPPING = "source: feed\nfields: {id: id, text: text}\n"


@pytest.mark.parametrize(
    ("data", "mapping", "says"),
    [
        (
            "Page,Post Created,id,text\n",
            MAPPING.replace("}", ", created_at: Created}"),
            "no column 'Created', which is mapped; did you mean 'Post Created'",
        ),
        ("id,text\n", MAPPING + "labels: [mood]", "no column 'mood'"),
        ("id,text,date,text\n1,a,b,c\n", MAPPING, "2 columns named 'text'; rename"),
        ("Report,x\n\nid,text\n1,a\n", MAPPING, "header in line 3; set 'skip_lines: 2'"),
        ('{"id":"1","body":"a"}\n', MAPPING, "none of the first 1 lines of .* has `text`"),
        ("id,text\n1370140000000000000,a\n1380140000000000000,b\n", MAPPING, "rounded to 15"),
    ],
)
def test_a_file_is_held_against_its_mapping(read: Any, data: str, mapping: str, says: str) -> None:
    with pytest.raises((ConfigurationError, SourceError), match=says):
        read(data, mapping)


def test_an_absent_path_of_json_that_is_not_essential_is_said(read: Any) -> None:
    found = read('{"id":"1","text":"a"}', MAPPING.replace("}", ", url: link}"))
    assert found.texts == ["a"]
    assert "has `link`" in found.notes[0]


def test_a_header_that_is_repeated_is_skipped_and_counted(read: Any) -> None:
    found = read("id,text\n1,a\nid,text\n2,b\n", MAPPING)
    assert found.texts == ["a", "b"]
    assert "1 lines repeat the header and are skipped" in found.remarks


@pytest.mark.parametrize(
    ("data", "keys", "texts"),
    [
        ('id\ttext\n1\t"a" b\n2\t"c\n3\td\n', 'delimiter: "\\t"\nquoting: none',
         ['"a" b', '"c', "d"]),
        ("id,text\n1,'a, b'\n", "quotechar: \"'\"", ["a, b"]),
        ('id,text\n1,"a \\"b\\", c"\n', 'escape: "\\\\"', ['a "b", c']),
        ("x\ny\nid,text\n1,a\n", "skip_lines: 2", ["a"]),
        ("1;a\n", "columns: [id, text]\ndelimiter: ;", ["a"]),
        ("id,text\n1,D&amp;F\n", "", ["D&F"]),
        ("id,text\n1,D&amp;F\n", "unescape: none", ["D&amp;F"]),
        ("id,text\n1," + "a" * 200_000 + "\n", "", ["a" * 100_000]),
    ],
)  # fmt: skip
def test_keys_of_a_mapping(read: Any, data: str, keys: str, texts: list[str]) -> None:
    found = read(data, MAPPING + keys)
    assert (found.texts, found.bad) == (texts, [])


def test_rows_that_a_quote_swallows_are_refused_and_not_melted(read: Any) -> None:
    rows = 'id\tat\ttext\n1\t2021-03-01\t"one\n2\t2021-03-02\ttwo\n3\t2021-03-03\tthree"\n'
    found = read(rows + "4\t2021-03-04\tfour\n", MAPPING.replace("}", ", created_at: at}"))
    assert found.texts == ["four"]
    assert "swallowed the 2 rows after it; set 'quoting: none'" in found.bad[0]
    found = read('id,text\n1,"a" b\n2,c\n', MAPPING)
    assert found.texts == ["c"]
    assert "set 'quoting: none'" in found.bad[0]


def test_a_time_zone_of_the_file(read: Any) -> None:
    mapping = MAPPING.replace("}", ", created_at: at}") + "time_zone: Europe/Paris"
    summer, winter = read("id,text,at\n1,a,2026-07-01 10:00\n2,b,2026-01-01 10:00\n", mapping).posts
    assert (summer.created_at.hour, winter.created_at.hour) == (8, 9)


def test_ids_of_x_are_numbers(read: Any) -> None:
    found = read("id,text\n7,a\nabc,b\n1.37E+18,c\n", MAPPING.replace("feed", "x"))
    assert [post.id for post in found.posts] == ["x:7"]
    assert ["no id of X" in found.bad[0], "was rounded" in found.bad[1]] == [True, True]


def test_values_that_cannot_be_read_are_counted(read: Any) -> None:
    found = read('id,text,country,likes\n1,a,Oz,many\n2,b,Ireland,"1,2 k"\n')
    assert [(post.country, post.metrics.likes) for post in found.posts] == [
        (None, None),
        ("IE", 1200),
    ]
    assert [remark.partition(" could")[0] for remark in found.remarks[:2]] == [
        "country of 1 post",
        "metrics.likes of 1 post",
    ]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@given(
    rows=st.lists(CELL, min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    charset=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    packed=st.booleans(),
)
def test_a_table_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[str],
    delimiter: str,
    charset: str,
    packed: bool,
) -> None:
    # A text that holds a line like a row is taken for a row that a stray quote has swallowed.
    assume(all(len(text.splitlines()) < 2 or delimiter not in text for text in rows))
    table = io.StringIO()
    writer = csv.writer(table, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "text"], *([n, f"={text}"] for n, text in enumerate(rows))])
    data = table.getvalue().encode(charset)
    path = tmp_path_factory.getbasetemp() / "table"
    path.write_bytes(gzip.compress(data) if packed else data)
    mapping = tmp_path_factory.getbasetemp() / "table.yaml"
    mapping.write_text(
        json.dumps({"source": "a", "fields": {"id": "id", "text": "text"}, "unescape": "none",
                    "delimiter": delimiter})
    )  # fmt: skip
    with closing(PostFile(lines_of(path), ReadOptions(load_mapping(str(mapping))))) as file:
        found = Read(file)
    assert found.bad == []
    assert found.texts == [f"={text}" for text in rows]
