"""The lock file, and the refusal of everything else, without a network."""

from pathlib import Path

import pytest

from tocsin.local.stack import StackError
from tocsin.local.stack.distribution.engines_lock import (
    ELASTICSEARCH,
    LOCK,
    LockedFile,
    files_below,
    lock_text,
    read_lock,
    sha256,
    verify,
)

NAME = "org.example:bell:1.2:jar"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "org" / "example" / "bell" / "1.2" / "bell-1.2.jar"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"bell")
    (path.parent / "bell-1.2.pom").write_text("not a server")
    return path


def test_the_committed_lock_is_as_it_is_written_and_names_both_servers_and_no_address() -> None:
    text = LOCK.read_text()
    kafka, elasticsearch = read_lock("kafka"), read_lock("elasticsearch")
    assert lock_text([*kafka, *elasticsearch]) == text
    assert "org.apache.kafka:kafka_2.13:4.3.0:jar" in {file.coordinate for file in kafka}
    assert [file.coordinate for file in elasticsearch] == [f"{ELASTICSEARCH}9.5.0:zip"]
    assert "//" not in text


def test_a_coordinate_is_a_path_in_a_repository() -> None:
    file = LockedFile(NAME, 4, "")
    assert file.repository_path == "org/example/bell/1.2/bell-1.2.jar"


def test_what_the_repository_holds_must_be_what_the_lock_names(tmp_path: Path, path: Path) -> None:
    files = files_below(tmp_path)
    good = LockedFile(NAME, 4, sha256(path))
    assert files == {good: path}
    verify(files, [good])
    for other in (LockedFile(NAME, 4, "0" * 64), LockedFile(NAME, 5, good.sha256)):
        with pytest.raises(StackError, match=f"The checksum of {NAME} is not the one"):
            verify(files, [other])
    with pytest.raises(StackError, match="does not name"):
        verify(files, [])
    with pytest.raises(StackError, match=f"did not deliver {NAME}"):
        verify({}, [good])
