"""The local pipeline: its folder, its ports and its commands, before anything starts."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.make import brand
from tocsin.local.pipeline import (
    Command,
    LocalOptions,
    LocalPipeline,
    monitor_ports_of,
    service_commands,
)
from tocsin.local.stack import Endpoints, Launched, Progress, StackError


def options(folder: Path, *, fresh: bool = False) -> LocalOptions:
    return LocalOptions("engines", folder, [brand()], service_commands(), fresh=fresh)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file where the folder would be")
    with pytest.raises(StackError, match=r"cannot be written .*: start tocsin in a folder"):
        LocalPipeline(options(tmp_path / "file" / "engines"), lambda text: None)


def test_a_fresh_start_removes_the_data_of_the_last_one(tmp_path: Path) -> None:
    old = tmp_path / "data" / "kafka" / "log"
    old.parent.mkdir(parents=True)
    old.touch()
    LocalPipeline(options(tmp_path), lambda text: None)
    assert old.exists()
    LocalPipeline(options(tmp_path, fresh=True), lambda text: None)
    assert not old.exists()


def test_a_fresh_start_leaves_the_data_of_a_running_stack(tmp_path: Path) -> None:
    lock = tmp_path / "data" / "stack.lock"
    lock.parent.mkdir()
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StackError, match="is in use by another running stack"):
            LocalPipeline(options(tmp_path, fresh=True), lambda text: None)
    assert lock.exists()


def test_each_service_has_a_port_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOCSIN_MONITOR_PORT", raising=False)
    assert len(set(monitor_ports_of(5))) == 5
    monkeypatch.setitem(os.environ, "TOCSIN_MONITOR_PORT", "9464")
    assert monitor_ports_of(3) == [9464, 9465, 9466]


def test_the_commands_of_a_pipeline() -> None:
    names = [command.name for command in service_commands(2, tier="fast")]
    assert names == ["process-1", "process-2", "sink", "detector", "alerts"]
    assert service_commands(tier="fast")[0].environment == {"TOCSIN_PROCESS_TIER": "fast"}
    assert service_commands()[0].environment == {}
    assert [c.name for c in service_commands(detector=False)] == ["process", "sink"]
    of = LocalOptions("auto", Path(), [], [Command("x", ["ingest", "x"]), *service_commands()])
    assert of.ingestors == ["x"]


class TwiceStarted:
    """A stack whose servers start on other ports the second time, and then fail for good."""

    def __init__(self, look: Callable[[], list[str]]) -> None:
        self.look = look
        self.seen: list[list[str]] = []

    def start(self, progress: Progress, launched: Launched = lambda endpoints: None) -> Endpoints:
        for port in (1, 2):
            launched(Endpoints(f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"))
            self.seen.append(self.look())
        raise StackError("no more")

    def stop(self) -> None:
        return None

    def failure(self) -> str | None:
        return "no server"


def test_services_follow_servers_that_start_again_on_other_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    held = [Command("sink", ["sink", "elasticsearch"], needs_index=True)]

    def servers() -> list[str]:
        services = pipeline.supervisor.services
        assert all(service.running for service in services)
        return [service.environment["TOCSIN_KAFKA_BOOTSTRAP_SERVERS"] for service in services]

    stack: Any = TwiceStarted(servers)
    pipeline = LocalPipeline(
        LocalOptions("engines", tmp_path, [brand()], held), lambda text: None, stack
    )
    with pytest.raises(StackError, match="no more"), pipeline:
        pass
    assert stack.seen == [["127.0.0.1:1"], ["127.0.0.1:2"]]
    assert not any(service.running for service in pipeline.supervisor.services)
