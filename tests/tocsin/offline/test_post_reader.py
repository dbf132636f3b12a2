"""The reader of the offline commands: ids as written, what was decided, what is no post."""

import gzip
import io
import json
from pathlib import Path

import openpyxl
import pytest

from schemas.errors import ConfigurationError
from schemas.post import PostUpsert
from tocsin.offline.post_reader import PostReader


def test_ids_come_as_the_file_writes_them() -> None:
    rows = [{"id": 7, "text": "a", "lang": "FR"}, {"id": "7", "text": "b", "targets": ["food"]}]
    data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    lines = list(PostReader(io.BytesIO(data)).posts())
    assert [line.id for line in lines] == [7, "7"]
    assert lines[0].mention.language is not None
    assert lines[0].mention.language.code == "fr"
    _, (_, fields) = PostReader(io.BytesIO(data)).events()
    assert fields.targets == ["food"]


def test_json_that_is_not_quite_json_keeps_what_its_line_says() -> None:
    data = b'{"id":"1","text":"a \\ud83d","lang":"fr","targets":["food"]}\n{"id":2,"text":"b",'
    data += b'"likes":NaN,"targets":3}\n'
    reader = PostReader(io.BytesIO(data))
    ((event, fields),) = reader.events()
    assert isinstance(event, PostUpsert)
    assert (event.post.text, fields.lang, fields.targets) == ("a \ufffd", "fr", ["food"])
    assert reader.bad.first == ["line 2: targets must be a list of strings"]


def test_what_is_decided_and_left_out_is_said_once(tmp_path: Path) -> None:
    path, said = tmp_path / "a.gz", list[str]()
    path.write_bytes(gzip.compress(b"tweet_id,tweet,country\n1,a,Oz\n2,b\n"))
    with PostReader(path, say=said.append) as reader:
        assert [line.id for line in reader.posts()] == ["1"]
    assert said == [
        "read id from tweet_id, text from tweet; --mapping sets them",
        "country of 1 post could not be read and is left out (first: 'Oz')",
        "no post says when it was written: all count as written now",
    ]
    assert (reader.bad.count, reader.bad.first[0].partition(":")[0]) == (1, "line 3")


def test_a_workbook_may_come_from_a_pipe() -> None:
    book, data = openpyxl.Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.append(["id", "text"])
    book.active.append(["1", "a"])
    book.save(data)
    data.seek(0)
    assert [line.id for line in PostReader(data).posts()] == ["1"]


def test_a_mapping_and_an_encoding(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("source: a\nfields: {id: n, text: t}")
    data = io.BytesIO("n,t\n1,été\n".encode("cp1252"))
    reader = PostReader(data, mapping=str(tmp_path / "m.yaml"), encoding="latin1")
    (line,) = reader.posts()
    assert (line.mention.post.id, line.mention.post.text) == ("a:1", "été")


def test_an_encoding_of_none_is_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match="there is no encoding 'klingon'"):
        list(PostReader(io.BytesIO(b"{}"), encoding="klingon").posts())
