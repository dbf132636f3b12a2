"""The command ``tocsin tower`` as a process, and links that sign in to it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.settings import TowerSettings
from tower.service import link_of, sessions_of

READY_S: Final = 60.0
_WRITING: Final = re.compile(r"writing to (http://127\.0\.0\.1:[0-9]+)")


@dataclass(frozen=True)
class TowerCommand:
    """A running one."""

    process: "subprocess.Popen[bytes]"
    origin: str
    folder: Path

    def link(self, path: str = "/live") -> str:
        """A link that signs in once: the key of sessions is in the folder."""
        return link_of(sessions_of(TowerSettings(data_dir=self.folder)), self.origin, path)


@contextmanager
def running_tower(folder: Path, environment: Mapping[str, str]) -> Iterator[TowerCommand]:
    """It listens on a free port, and is killed at the end if it still runs."""
    data, log = folder / "tower", folder / "tower.log"
    settings = {
        **os.environ,
        "TOCSIN_TOWER_PORT": "0",
        "TOCSIN_MONITOR_PORT": "0",
        "TOCSIN_TOWER_DATA_DIR": str(data),
        **environment,
    }
    command = [sys.executable, "-m", "tocsin", "tower"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=settings, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + READY_S
        while (found := _WRITING.search(told := log.read_text("utf-8", "replace"))) is None:
            assert process.poll() is None, told[-2_000:]
            assert time.monotonic() < deadline, told[-2_000:]
            time.sleep(0.05)
        yield TowerCommand(process, found[1], data)
    finally:
        process.kill()
        process.wait()
