"""Does harm to processes, clocks, disks and networks, by a seed, and counts what it did."""

import contextlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from kafka.admin import MemberToRemove

from runtime.kafka import client as kafka
from runtime.settings import KafkaSettings
from tests.engines.pipeline import Child


class Nemesis:
    """The faults of one scenario; ``fired`` counts each when it has happened."""

    def __init__(self, seed: int, settings: KafkaSettings, folder: Path) -> None:
        self.random = random.Random(seed)
        self.fired: Counter[str] = Counter()
        self._settings = settings
        self._folder = folder

    def pause(self, least_s: float, most_s: float) -> None:
        time.sleep(self.random.uniform(least_s, most_s))

    def kill(self, child: Child, *groups: str) -> None:
        """SIGKILL; the members that it leaves in ``groups`` are taken out of them.

        Kafka takes them out by itself, after 15 s; a hundred kills need not wait for that.
        """
        child.kill()
        self.fired["kill -9"] += 1
        for group in groups:
            self.evict(group)

    def evict(self, group: str) -> None:
        """Take all members out of a group; those that live come back."""
        name = self._settings.group_prefix + group
        with kafka.admin(self._settings) as client:
            members = client.describe_groups([name])[name]["members"]
            gone = [MemberToRemove(member_id=member["member_id"]) for member in members]
            if gone:
                client.remove_group_members(name, gone)

    @contextlib.contextmanager
    def frozen(self, child: Child, name: str = "SIGSTOP") -> Iterator[None]:
        """Stopped as in a long pause of garbage collection: no heartbeat, no answer."""
        child.process.send_signal(signal.SIGSTOP)
        _wait(lambda: psutil.Process(child.process.pid).status() == psutil.STATUS_STOPPED)
        self.fired[name] += 1
        try:
            yield
        finally:
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGCONT)

    def terminate(self, child: Child) -> int:
        """SIGTERM, and the exit status."""
        self.fired["SIGTERM"] += 1
        return child.stop()

    def clock(self, role: str) -> "ClockOffset":
        """The clock of one role; hand its :attr:`ClockOffset.environment` to the start."""
        return ClockOffset(self._folder / f"{role}.offset", self.fired)


class ClockOffset:
    """Shifts the wall clock of the services that got its environment; starts at 0."""

    def __init__(self, file: Path, fired: Counter[str]) -> None:
        self._file, self._fired = file, fired
        self._write(0.0)

    @property
    def environment(self) -> dict[str, str]:
        return {"TOCSIN_TEST_CLOCK_OFFSET_FILE": str(self._file)}

    def step(self, offset_s: float) -> None:
        """From now on the clock is so many seconds ahead of the true one."""
        self._write(offset_s)
        self._fired["clock step"] += 1

    def _write(self, offset_s: float) -> None:
        scratch = self._file.with_suffix(".new")
        scratch.write_text(f"{offset_s}\n")
        scratch.replace(self._file)


def _wait(condition: Callable[[], bool], limit_s: float = 20.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "the fault did not take effect"
        time.sleep(0.02)


def no_small_disk() -> str | None:
    """Why no file system of a given size can be mounted here; None if one can."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-disk-"))
    try:
        with SmallDisk(folder, 1):
            return None
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no tmpfs can be mounted here ({error})"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class SmallDisk:
    """A tmpfs of some megabytes on ``folder``; a context manager."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder, self.megabytes = folder, megabytes

    def __enter__(self) -> "SmallDisk":
        options = f"size={self.megabytes}m,mode=0777"
        _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder))
        return self

    def __exit__(self, *details: object) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], capture_output=True, check=False)

    def resize(self, megabytes: int) -> None:
        _run("mount", "-o", f"remount,size={megabytes}m", str(self.folder))
        self.megabytes = megabytes

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free


def no_network_emulation() -> str | None:
    """Why ``tc netem`` in a network namespace does not work here; None if it does."""
    script = "ip link set lo up && tc qdisc add dev lo root netem delay 1ms"
    try:
        ran = subprocess.run(
            ["unshare", "-n", "sh", "-c", script],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no network namespace can be made here ({error})"
    return None if ran.returncode == 0 else f"no tc netem here ({ran.stderr.strip()})"


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)
