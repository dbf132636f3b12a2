"""The archives of classes: which flags read or write them, and that a fault is never an error."""

import os
from pathlib import Path

import pytest

from tocsin.local.stack.account import our_account
from tocsin.local.stack.java import Java
from tocsin.local.stack.start_cache import StartCache, start_cache


def java(home: Path, *, archive: bool) -> Java:
    (home / "lib" / "server").mkdir(parents=True)
    (home / "release").write_text('JAVA_VERSION="25"')
    if archive:
        (home / "lib" / "server" / "classes.jsa").touch()
    return Java(home, 25, frozenset())


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "scratch" / "kafka.jsa"
    path.parent.mkdir()
    path.write_bytes(b"classes")
    return path


def test_the_first_run_writes_an_archive_and_the_next_reads_it(tmp_path: Path, new: Path) -> None:
    cache = start_cache(tmp_path, Path("/kafka"), java(tmp_path / "j", archive=True), our_account())
    assert cache.flags(new) == [f"-XX:ArchiveClassesAtExit={new}", "-Xlog:disable"]
    assert cache.dump_command(new.parent, new) is None
    cache.keep_kafka_classes(new)
    assert not new.exists()
    kept = cache.folder / "kafka.jsa"
    assert kept.read_bytes() == b"classes"
    assert cache.flags(new) == [f"-XX:SharedArchiveFile={kept}", "-Xlog:disable"]
    assert [path.name for path in cache.folder.iterdir()] == ["kafka.jsa"]


def test_a_runtime_without_an_archive_of_its_own_gets_one_first(tmp_path: Path, new: Path) -> None:
    cache = start_cache(
        tmp_path, Path("/kafka"), java(tmp_path / "j", archive=False), our_account()
    )
    assert cache.flags(new) == []
    command = cache.dump_command(new.parent, new)
    assert command is not None and "-Xshare:dump" in command.arguments
    below = cache.folder / "java.jsa"
    below.touch()
    assert cache.dump_command(new.parent, new) is None
    assert cache.flags(new)[:2] == [
        f"-XX:SharedArchiveFile={below}",
        f"-XX:ArchiveClassesAtExit={new}",
    ]
    cache.keep_kafka_classes(new)
    assert cache.flags(new)[0] == f"-XX:SharedArchiveFile={below}:{cache.folder / 'kafka.jsa'}"


def test_another_java_or_kafka_has_a_cache_of_its_own(tmp_path: Path) -> None:
    one, two = (java(tmp_path / name, archive=True) for name in "ab")
    account = our_account()
    folders = {
        start_cache(tmp_path, kafka, runtime, account).folder
        for kafka in (Path("/kafka-1"), Path("/kafka-2"))
        for runtime in (one, two)
    }
    assert len(folders) == 4


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(
    tmp_path: Path, new: Path
) -> None:
    cache = StartCache(Path("/proc/x"), java(tmp_path / "j", archive=True), our_account())
    cache.keep_kafka_classes(new)
    assert cache.flags(new)[0] == f"-XX:ArchiveClassesAtExit={new}"
    made = start_cache(Path("/proc/x"), Path("/kafka"), cache.java, cache.account)
    assert not made.folder.exists()


def test_an_archive_that_takes_too_long_is_not_tried_again_for_a_day(
    tmp_path: Path, new: Path
) -> None:
    cache = start_cache(tmp_path, Path("/kafka"), java(tmp_path / "j", archive=True), our_account())
    cache.give_up(new)
    assert not new.exists()
    assert cache.flags(new) == []
    (marker,) = cache.folder.iterdir()
    yesterday = marker.stat().st_mtime - 90_000
    os.utime(marker, (yesterday, yesterday))
    assert cache.flags(new)[0] == f"-XX:ArchiveClassesAtExit={new}"
