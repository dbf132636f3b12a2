"""``tocsin ingest replay``: what is wrong with the file is said before anything is connected."""

from pathlib import Path

import pytest

from tests.tocsin.cli.commands import Commands


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.jsonl", None, "absent.jsonl cannot be read (No such file or directory)"),
        ("a.csv", "name,colour\n", "no column that is known to hold the text"),
        ("a.zip", "PK\x03\x04", "damaged zip"),
        ("a.bz2", "BZh9", "packed with bzip2; unpack it first"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_at_once(
    tocsin: Commands,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: str | None,
    says: str,
) -> None:
    # Nothing listens there: a connection would be another error, after seconds.
    monkeypatch.setenv("TOCSIN_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    if content is not None:
        (tmp_path / name).write_text(content)
    error = tocsin.error("ingest", "replay", name)
    assert says in error
    assert "Kafka" not in error


def test_a_column_that_is_not_there_is_named_at_once(tocsin: Commands, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,Post Created,text\n")
    (tmp_path / "m.yaml").write_text(
        "source: a\nfields: {id: id, text: text, created_at: Created}\n"
    )
    error = tocsin.error("ingest", "replay", "a.csv", "--mapping", "m.yaml")
    assert "did you mean 'Post Created'?" in error
