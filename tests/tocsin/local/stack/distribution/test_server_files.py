"""The installation of a server, from a Maven that is made up and from a local repository."""

import os
import shutil
from pathlib import Path

import pytest

from tests.tocsin.local.stack.distribution.maven_repository import MavenRepository, locked
from tocsin.local.stack import StackError
from tocsin.local.stack.account import Account, our_account
from tocsin.local.stack.distribution import server_files
from tocsin.local.stack.distribution.server_files import cache_folder, install

NOBODY = Account("nobody", 65534, 65534)
BELL = locked("org.example:bell:1.2:jar", b"bell")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def maven(folder: Path, script: str) -> dict[str, str]:
    """An environment whose `mvn` is this script; `$OUT` is where it must copy files to."""
    folder.mkdir()
    program = folder / "mvn"
    program.write_text(
        script
        if script.startswith("#!")
        else '#!/bin/sh\nfor word in "$@"; do case $word in -DoutputDirectory=*) '
        f'OUT="${{word#*=}}";; esac; done\n{script}\n'
    )
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)}


def test_maven_fetches_where_it_is_on_the_path(cache: Path, tmp_path: Path) -> None:
    folder = "$OUT/org/example/bell/1.2"
    environment = maven(tmp_path / "bin", f"mkdir -p {folder}; printf bell >{folder}/bell-1.2.jar")
    home = install("kafka", cache, print, environment, [BELL])
    assert [path.name for path in home.iterdir()] == ["bell-1.2.jar"]
    assert install("kafka", cache, print, {"PATH": ""}, [BELL]) == home, "it is not fetched again"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo '[ERROR] no route to it -> [Help 1]'; exit 1", "no route to it"),
        ("mkdir -p $OUT/a/b/c/1; printf x >$OUT/a/b/c/1/c-1.jar", "Maven did not deliver"),
        ("#!/nowhere/sh", "could not be run (No such file or directory)"),
    ],
)
def test_where_maven_fails_the_files_are_fetched_without_it_and_it_is_said(
    cache: Path, tmp_path: Path, script: str, words: str
) -> None:
    said: list[str] = []
    with MavenRepository({BELL.repository_path: b"bell"}) as repository:
        environment = maven(tmp_path / "bin", script)
        repository.name_in_settings(tmp_path / "bin")
        home = install("kafka", cache, said.append, environment, [BELL])
    assert (home / "bell-1.2.jar").read_bytes() == b"bell"
    assert any(words in line and line.endswith("Fetching without Maven.") for line in said)


def test_a_refused_installation_leaves_nothing_behind(cache: Path) -> None:
    with MavenRepository({BELL.repository_path: b"other"}) as repository:
        environment = {"PATH": "", "TOCSIN_MAVEN_REPOSITORY": repository.url}
        with pytest.raises(StackError, match="is larger than"):
            install("kafka", cache, print, environment, [BELL])
    assert [path.name for path in (cache / "engines").iterdir()] == ["downloads"]
    assert list((cache / "engines" / "downloads").iterdir()) == []


def test_an_archive_is_unpacked_without_its_top_folder_and_readable_for_all(
    cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "top" / "search-1" / "lib").mkdir(parents=True, mode=0o700)
    (tmp_path / "top" / "search-1" / "lib" / "a.jar").write_bytes(b"a")
    content = Path(
        shutil.make_archive(str(tmp_path / "search"), "zip", tmp_path / "top")
    ).read_bytes()
    file = locked("org.example:search:1:zip", content)
    with MavenRepository({file.repository_path: content}) as repository:
        environment = {"PATH": "", "TOCSIN_MAVEN_REPOSITORY": repository.url}
        home = install("elasticsearch", cache, print, environment, [file])
    assert (home / "lib" / "a.jar").read_bytes() == b"a"
    assert [oct(path.stat().st_mode & 0o777) for path in (home, home / "lib" / "a.jar")] == [
        "0o755",
        "0o644",
    ]


def test_a_cache_that_cannot_be_written_is_a_sentence() -> None:
    with pytest.raises(
        StackError, match=r"folder /proc/x/engines cannot be written .*TOCSIN_CACHE"
    ):
        install("kafka", Path("/proc/x"), print, {"PATH": ""}, [BELL])


def test_a_cache_is_where_it_is_chosen_unless_the_servers_cannot_read_it(tmp_path: Path) -> None:
    assert cache_folder(our_account(), {"TOCSIN_CACHE_DIR": str(tmp_path)}) == tmp_path
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert cache_folder(NOBODY, {"XDG_CACHE_HOME": str(closed)}) == server_files.MACHINE_CACHE
    with pytest.raises(StackError, match="cannot pass through"):
        cache_folder(NOBODY, {"TOCSIN_CACHE_DIR": str(closed)})
