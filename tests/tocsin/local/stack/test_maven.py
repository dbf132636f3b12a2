"""The lock file, and the refusal of everything else, without a network."""

from pathlib import Path

import pytest

from tocsin.local.stack import StackError, maven
from tocsin.local.stack.account import Account, our_account

NOBODY = Account("nobody", 65534, 65534)


def artifact(repository: Path, content: bytes) -> tuple[str, Path]:
    path = repository / "org" / "example" / "bell" / "1.2" / "bell-1.2.jar"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return "org.example:bell:1.2:jar", path


def test_the_committed_lock_is_as_it_is_written_and_names_both_servers_and_no_address() -> None:
    text, lock = maven.LOCK.read_text(), maven.read_lock()
    assert maven.write_lock(lock) == text
    assert "org.apache.kafka:kafka_2.13:4.3.0:jar" in lock
    assert f"{maven.ELASTICSEARCH}9.5.0:zip" in lock
    assert "//" not in text


def test_what_the_repository_holds_must_be_what_the_lock_names(tmp_path: Path) -> None:
    name, path = artifact(tmp_path, b"bell")
    (path.parent / "bell-1.2.pom").write_text("not a server")
    assert maven.artifacts(tmp_path) == {name: path}
    maven.verify({name: path}, {name: maven.sha256(path)})
    with pytest.raises(StackError, match=f"The checksum of {name} is not the one"):
        maven.verify({name: path}, {name: "0" * 64})
    with pytest.raises(StackError, match="does not name"):
        maven.verify({name: path}, {})
    with pytest.raises(StackError, match=f"did not deliver {name}"):
        maven.verify({}, {name: "0" * 64})


def test_a_refused_installation_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maven, "fetch", lambda folder: artifact(folder, b"bell"))
    lock = {"org.example:bell:1.2:jar": "0" * 64}
    with pytest.raises(StackError, match="checksum"):
        maven.install(tmp_path / "cache", lambda line: None, lock)
    assert list((tmp_path / "cache" / "engines").iterdir()) == []


def test_without_maven_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="install Maven, or use the embedded stack"):
        maven.fetch(tmp_path)


def test_a_cache_is_where_it_is_chosen_unless_the_servers_cannot_read_it(tmp_path: Path) -> None:
    assert maven.cache_folder(our_account(), {"TOCSIN_CACHE_DIR": str(tmp_path)}) == tmp_path
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert maven.cache_folder(NOBODY, {"XDG_CACHE_HOME": str(closed)}) == maven.MACHINE_CACHE
    with pytest.raises(StackError, match="cannot pass through"):
        maven.cache_folder(NOBODY, {"TOCSIN_CACHE_DIR": str(closed)})
