"""A Faust service serves its metrics once, also if it was prepared before it starts."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from faust.events import Event
from faust.transport.consumer import Consumer
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


class Stub:
    """As much of an application as Faust's own ``Consumer.ack`` asks."""

    def __init__(self, committed: int) -> None:
        self.app: Any = self
        self.topics = self.consumer = self
        self._committed_offset: dict[Any, int] = defaultdict(lambda: committed)
        self._acked: dict[Any, list[int]] = defaultdict(list)
        self._acked_index: dict[Any, set[int]] = defaultdict(set)
        self._unacked_messages: WeakSet[Any] = WeakSet()
        self._n_acked, self._waiting_for_ack = 0, None

    def acks_enabled_for(self, topic: str) -> bool:
        return topic == "activity"

    def ack(self, message: Any) -> bool:
        itself: Any = self
        return Consumer.ack(itself, message)


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
    stub: Any = Stub(committed=3)
    acknowledge_offsets(stub, held)
    # What is committed already is ignored.
    assert stub._acked == {TP("activity", 0): [5, 6], TP("activity", 1): [3]}
