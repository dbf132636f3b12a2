"""A Faust service serves its metrics once, also if it was prepared before it starts."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.events import Event
from faust.types.tuples import TP, ConsumerMessage

from processors.faust.app import acknowledge_offsets, create_app, held_offsets
from runtime.settings import KafkaSettings


def test_a_prepared_service_serves_its_metrics_once() -> None:
    command = (
        "from processors.faust.app import monitor, start\n"
        "prepared = monitor('process')\n"
        "print(start('process') is prepared, monitor('process') is prepared)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", command],
        env={**os.environ, "TOCSIN_MONITOR_PORT": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "True True\n"


def test_a_start_leaves_no_folder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def begin() -> None:
        await create_app(KafkaSettings(), "process", 10).on_first_start()

    asyncio.run(begin())
    assert list(tmp_path.iterdir()) == []


class Consumer:
    def __init__(self) -> None:
        self.acknowledged: list[tuple[Any, list[int]]] = []

    def acknowledge(self, tp: Any, offsets: Iterable[int]) -> None:
        self.acknowledged.append((tp, list(offsets)))


def event(partition: int, offset: int) -> Event:
    at = TP("activity", partition)
    message = ConsumerMessage("activity", partition, offset, 1.0, 0, [], b"k", b"v", None, tp=at)
    app: Any = None
    return Event(app, b"k", b"v", [], message)


def test_events_that_wait_for_their_acknowledgement_are_held_as_offsets_alone() -> None:
    held = held_offsets([event(0, 5), event(1, 3), event(0, 6), event(0, 2)])
    assert {tp: offsets.itemsize for tp, offsets in held.items()} == {
        TP("activity", 0): 8,
        TP("activity", 1): 8,
    }
    app: Any = SimpleNamespace(consumer=Consumer())
    acknowledge_offsets(app, held)
    assert app.consumer.acknowledged == [
        (TP("activity", 0), [5, 6, 2]),
        (TP("activity", 1), [3]),
    ]
