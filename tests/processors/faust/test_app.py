"""A Faust service serves its metrics once, also if it was prepared before it starts."""

import os
import subprocess
import sys

from faust.events import Event
from faust.types.tuples import TP, ConsumerMessage

from processors.faust.app import without_payload


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


def test_an_event_that_waits_for_its_acknowledgement_keeps_its_offset_alone() -> None:
    message = ConsumerMessage(
        "activity", 0, 5, 1.0, 0, [("a", b"b")], b"key", b"value", None, tp=TP("activity", 0)
    )
    (event,) = without_payload([Event(None, b"key", b"value", [("a", b"b")], message)])
    assert (event.key, event.value, message.key, message.value) == (None, None, None, None)
    acked = []

    class Consumer:
        def ack(self, message: ConsumerMessage) -> bool:
            acked.append(message.offset)
            return True

    message.incref()
    assert message.ack(Consumer())
    assert acked == [5]
