"""The supervisor: what ends for good, what is started again, and how all of it stops.

The children are a stand-in for the ``tocsin`` package that does as its arguments say; one test
starts the real one.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tocsin.local.supervisor import MAX_LOG_BYTES, Service, Supervisor

ROOT = Path(__file__).parents[3]
CHILD = """
import signal, sys, time
what, *rest = sys.argv[1:]
if what == "exit":
    print("last words of", rest[0], flush=True)
    sys.exit(int(rest[0]))
if what == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if what == "drain":
    signal.signal(signal.SIGTERM, lambda *_: print("drained", flush=True) or sys.exit(0))
print("ready", flush=True)
if what == "talk":
    signal.signal(signal.SIGUSR1, lambda *_: print("more", flush=True))
    print("x" * (21 * 2**20), flush=True)
while True:
    time.sleep(600)
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    package = tmp_path / "stand-in" / "tocsin"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(CHILD)
    # The folder that the tests run in would come first otherwise.
    environment = {"PYTHONPATH": str(package.parent), "PYTHONSAFEPATH": "1"}
    supervisor = Supervisor(tmp_path / "logs", environment)
    yield supervisor
    supervisor.stop(0.1)


def wait_for(condition: Callable[[], object]) -> None:
    """Wait for something that will come; the limit is only there so that a bug ends the test."""
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.01)


def watch_until(supervisor: Supervisor, condition: Callable[[], object]) -> list[Service]:
    ended: list[Service] = []

    def look() -> object:
        ended.extend(supervisor.watch())
        return condition()

    wait_for(look)
    return ended


def started(supervisor: Supervisor, name: str, arguments: list[str]) -> Service:
    service = supervisor.start(name, arguments)
    wait_for(lambda: "ready" in service.log.read_text())
    return service


@pytest.mark.parametrize("status", [0, 2, 4])
def test_an_end_that_is_final_is_not_started_again(supervisor: Supervisor, status: int) -> None:
    service = supervisor.start("s", ["exit", str(status)])
    ended = watch_until(supervisor, lambda: service.ended)
    assert ended == [service]
    assert service.status == status
    # Later looks change nothing.
    service.due = 0.0
    assert [supervisor.watch() for _ in range(5)] == [[]] * 5
    assert (service.restarts, service.running) == (0, False)
    assert service.log.read_text().splitlines() == [f"last words of {status}"]


@pytest.mark.parametrize("status", [1, 3, 70])
def test_a_crash_is_started_again(supervisor: Supervisor, status: int) -> None:
    service = supervisor.start("s", ["exit", str(status)])
    ended = watch_until(supervisor, lambda: service.restarts == 1 and service.status == status)
    assert ended[0] is service
    assert not service.ended
    assert service.last_words() == f"last words of {status}"


def test_the_pause_grows_with_every_crash(supervisor: Supervisor) -> None:
    service = supervisor.start("s", ["exit", "1"])
    pauses = []
    for _ in range(3):
        watch_until(supervisor, lambda: service.process is None)
        pauses.append(service.due - time.monotonic())
        service.due = 0.0
        watch_until(supervisor, lambda: service.process is not None)
    assert pauses == sorted(pauses)
    assert service.restarts == 3
    # One that crashes for ever does not end the supervisor.
    service.restarts = 100_000
    watch_until(supervisor, lambda: service.process is None)
    assert service.due - time.monotonic() <= 30


def test_a_killed_service_is_started_again(supervisor: Supervisor) -> None:
    service = started(supervisor, "s", ["run"])
    assert service.process is not None
    # One that runs is left alone.
    assert supervisor.watch() == []
    assert service.running and service.restarts == 0
    service.process.kill()
    (ended,) = watch_until(supervisor, lambda: service.restarts == 1)
    assert ended.status == -9
    assert service.running


def test_stop_ends_all_kills_who_does_not_listen_and_says_so(supervisor: Supervisor) -> None:
    deaf, polite = (started(supervisor, name, [name]) for name in ("deaf", "polite"))
    ended = supervisor.start("ended", ["exit", "0"])
    watch_until(supervisor, lambda: ended.ended)
    assert supervisor.stop(0.5) == ["deaf"]
    assert (deaf.status, polite.status, ended.status) == (-9, -15, 0)
    assert not any(service.running for service in supervisor.services)


def test_a_service_that_left_no_word_has_an_empty_log(supervisor: Supervisor) -> None:
    service = started(supervisor, "s", ["run"])
    service.log.write_text("")
    assert service.last_words() == "its log is empty"


def test_a_stop_says_for_whom_it_waits(supervisor: Supervisor) -> None:
    for name in ("deaf", "polite"):
        started(supervisor, name, [name])
    told: list[list[str]] = []
    supervisor.stop(1.0, told.append)
    assert told[-1] == ["deaf"]
    assert not any(service.running for service in supervisor.services)


def test_a_long_log_of_a_running_service_is_cut_and_its_end_kept(supervisor: Supervisor) -> None:
    service = started(supervisor, "s", ["talk"])
    wait_for(lambda: service.log.stat().st_size > MAX_LOG_BYTES)
    supervisor.watch()
    previous = service.log.with_suffix(".log.1")
    assert MAX_LOG_BYTES // 2 < previous.stat().st_size <= MAX_LOG_BYTES
    assert service.process is not None
    service.process.send_signal(signal.SIGUSR1)
    # It goes on at the start of its log.
    wait_for(lambda: "more" in service.log.read_text())
    assert service.log.stat().st_size < 100


def test_a_held_service_begins_when_it_is_released(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, {"TOCSIN_KAFKA_TOPIC_PREFIX": "no spaces"})
    service = supervisor.start("topics", ["topics", "list"], held=True)
    other = supervisor.start("other", ["topics", "list"], held=True)
    supervisor.release({"topics"})
    watch_until(supervisor, lambda: service.ended)
    assert service.status == 2
    assert "TOCSIN_KAFKA_TOPIC_PREFIX is wrong" in service.log.read_text()
    assert other.running and other.held
    assert other.log.read_text() == ""
    supervisor.stop()
    assert other.status == -signal.SIGTERM


def test_a_held_service_that_dies_is_held_again(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, {})
    service = supervisor.start("topics", ["topics", "list"], held=True)
    assert service.process is not None
    service.process.kill()
    watch_until(supervisor, lambda: service.restarts == 1)
    assert service.held
    supervisor.stop()


def test_a_held_service_ends_with_its_supervisor(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, {})
    service = supervisor.start("topics", ["topics", "list"], held=True)
    assert service.process is not None and service.process.stdin is not None
    service.process.stdin.close()
    watch_until(supervisor, lambda: service.ended)
    assert service.status == 0


def test_the_port_of_a_service_stays_over_a_restart(supervisor: Supervisor) -> None:
    service = supervisor.start("s", ["exit", "1"], monitor_port=20_001)
    watch_until(supervisor, lambda: service.restarts == 1)
    assert service.environment["TOCSIN_MONITOR_PORT"] == "20001"
    assert supervisor.monitor_ports() == {"s": 20_001}


def test_the_environment_of_a_service_is_its_own(supervisor: Supervisor) -> None:
    service = supervisor.start("s", ["exit", "0"], {"TOCSIN_MONITOR_PORT": "1"})
    other = supervisor.start("o", ["exit", "0"])
    assert service.environment["TOCSIN_MONITOR_PORT"] == "1"
    assert other.environment.get("TOCSIN_MONITOR_PORT") == os.environ.get("TOCSIN_MONITOR_PORT")


def test_the_real_tocsin_with_a_wrong_setting_ends_for_good(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, {"TOCSIN_KAFKA_TOPIC_PREFIX": "no spaces"})
    service = supervisor.start("topics", ["topics", "list"])
    watch_until(supervisor, lambda: service.ended)
    assert service.status == 2
    assert "TOCSIN_KAFKA_TOPIC_PREFIX is wrong" in service.log.read_text()


PARENT = """
import sys, time
from pathlib import Path
from tocsin.local.supervisor import Supervisor
Supervisor(Path(sys.argv[1]), {"PYTHONPATH": sys.argv[2], "PYTHONSAFEPATH": "1"}).start(
    "s", ["drain"]
)
time.sleep(600)
"""
LISTENER = """
import sys
from runtime.service import stop_on_signals
stop = stop_on_signals()
print("ready", flush=True)
stop.wait()
print("stopping", flush=True)
sys.stdin.readline()
print("in order", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children")
def test_services_drain_when_their_parent_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    arguments = [str(tmp_path / "orphans"), str(tmp_path / "stand-in")]
    with subprocess.Popen([sys.executable, "-c", PARENT, *arguments], cwd=ROOT) as parent:
        log = tmp_path / "orphans" / "s.log"
        wait_for(lambda: log.exists() and "ready" in log.read_text())
        parent.kill()
    wait_for(lambda: "drained" in log.read_text())


def listen(hang_up: signal.Handlers = signal.SIG_DFL) -> subprocess.Popen[str]:
    """A listener that starts with this disposition to SIGHUP, whatever the tests run under."""
    ours = signal.signal(signal.SIGHUP, hang_up)
    try:
        listener = subprocess.Popen(
            [sys.executable, "-c", LISTENER],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGHUP, ours)
    assert listener.stdout is not None and listener.stdout.readline() == "ready\n"
    return listener


@pytest.mark.parametrize(
    ("hang_up", "numbers"),
    [
        (signal.SIG_DFL, [signal.SIGTERM]),
        (signal.SIG_DFL, [signal.SIGINT]),
        (signal.SIG_DFL, [signal.SIGHUP]),
        # As nohup leaves it.
        (signal.SIG_IGN, [signal.SIGHUP, signal.SIGTERM]),
    ],
)
def test_a_signal_stops_in_order(hang_up: signal.Handlers, numbers: list[signal.Signals]) -> None:
    with listen(hang_up) as listener:
        for number in numbers:
            listener.send_signal(number)
        assert listener.communicate("go on\n", timeout=60)[0] == "stopping\nin order\n"
    assert listener.returncode == 0


def test_the_second_hang_up_of_a_closed_terminal_changes_nothing() -> None:
    with listen() as listener:
        listener.send_signal(signal.SIGHUP)
        assert listener.stdout is not None and listener.stdout.readline() == "stopping\n"
        listener.send_signal(signal.SIGHUP)
        assert listener.communicate("go on\n", timeout=60)[0] == "in order\n"
    assert listener.returncode == 0


def test_a_second_signal_ends_at_once() -> None:
    with listen() as listener:
        listener.send_signal(signal.SIGHUP)
        assert listener.stdout is not None and listener.stdout.readline() == "stopping\n"
        listener.send_signal(signal.SIGTERM)
        assert listener.wait() == -signal.SIGTERM
