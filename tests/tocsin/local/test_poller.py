"""The poller: its owner never waits, and sees how old an answer is and why none is newer."""

import threading
import time
from collections.abc import Callable

from schemas.errors import ServiceUnavailable
from tocsin.local.poller import Observed, Poller


class Counter:
    """Counts its looks; fails where it is told to."""

    def __init__(self, fails: Callable[[int], bool] = lambda number: False) -> None:
        self.looks, self.closed, self.fails = 0, 0, fails

    def look(self) -> int:
        self.looks += 1
        if self.fails(self.looks):
            raise ServiceUnavailable("Kafka is away")
        return self.looks

    def close(self) -> None:
        self.closed += 1


def wait_for(condition: Callable[[], object]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.005)


def test_the_latest_answer_is_there_at_once() -> None:
    observer = Counter()
    poller = Poller(lambda: observer, 0, 0.001)
    assert poller.latest.value == 0
    poller.start()
    wait_for(lambda: poller.latest.value > 2)
    poller.stop()
    wait_for(lambda: observer.closed == 1)


def test_an_error_is_told_beside_the_last_answer_and_the_observer_is_made_anew() -> None:
    broken, healthy = Counter(lambda number: number == 3), Counter()
    observers = [broken, healthy]
    poller = Poller(lambda: observers.pop(0), 0, 0.05)  # long enough to be seen
    seen: list[Observed[int]] = []

    def troubled() -> bool:
        seen.append(poller.latest)
        return any(latest.trouble for latest in seen)

    poller.start()
    wait_for(troubled)
    (trouble,) = {latest for latest in seen if latest.trouble}
    assert (trouble.value, trouble.trouble) == (2, "Kafka is away")
    wait_for(lambda: healthy.looks > 0 and poller.latest.trouble is None)
    poller.stop()
    assert broken.closed == 1


def test_a_look_that_hangs_holds_up_nobody() -> None:
    hangs, asked = threading.Event(), threading.Event()

    class Hanging(Counter):
        def look(self) -> int:
            asked.set()
            hangs.wait()
            return 1

    poller = Poller(Hanging, 7, 0.001)
    poller.start()
    assert asked.wait(60)
    assert poller.latest.value == 7
    assert poller.latest.age_s(poller.latest.at + 4) == 4
    poller.stop()  # it returns although the look still hangs
    hangs.set()


def test_one_that_never_started_can_be_stopped() -> None:
    Poller(Counter, 0, 1.0).stop()
