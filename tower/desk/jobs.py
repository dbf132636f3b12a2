"""Work that takes longer than a request: one process each, within a deadline, results kept a while.

A process of its own cannot block the pages, and can be ended whatever it does.
"""

import asyncio
import contextlib
import secrets
import sys
from collections import OrderedDict
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.logs import get_logger

MAX_KEPT: Final = 200
MAX_RUNNING: Final = 2
MAX_RUNNING_PER_PERSON: Final = 1
DEADLINE_S: Final = 120.0
MAX_OUTPUT: Final = 8 * 2**20
log = get_logger("tower")


class TooManyJobs(Exception):
    """All places are taken."""


class Job(Struct, kw_only=True):
    """One piece of work."""

    id: str
    kind: str
    by: str
    state: Annotated[
        Literal["running", "done", "failed"], Meta(description="What has become of it.")
    ] = "running"
    result: Any = None
    error: str | None = None


class Jobs:
    """For one event loop. ``command``: what runs a module of ours."""

    def __init__(
        self, command: Sequence[str] = (sys.executable, "-m"), deadline_s: float = DEADLINE_S
    ) -> None:
        self._command = tuple(command)
        self._deadline_s = deadline_s
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, id_: str) -> Job | None:
        return self._jobs.get(id_)

    def start(self, kind: str, module: str, by: str, given: object) -> Job:
        """Run a module: it reads ``given`` as JSON, and writes its result as JSON.

        :raises TooManyJobs: too many are running, of everybody or of this person.
        """
        running = [job for job in self._jobs.values() if job.state == "running"]
        own = sum(job.by == by for job in running)
        if len(running) >= MAX_RUNNING or own >= MAX_RUNNING_PER_PERSON:
            raise TooManyJobs
        job = Job(id=secrets.token_urlsafe(9), kind=kind, by=by)
        self._jobs[job.id] = job
        while len(self._jobs) > MAX_KEPT:
            self._jobs.popitem(last=False)
        task = asyncio.create_task(self._run(job, module, msgspec.json.encode(given)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    async def _run(self, job: Job, module: str, given: bytes) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(given), self._deadline_s)
        except TimeoutError:
            job.error, job.state = f"it took more than {self._deadline_s:.0f} s", "failed"
            return
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode or len(out) > MAX_OUTPUT:
            lines = err.decode("utf-8", "replace").strip().splitlines()
            job.error = lines[-1][:300] if lines else f"it ended with {process.returncode}"
            job.state = "failed"
            log.warning("a job failed", kind=job.kind, why=job.error)
            return
        job.result, job.state = msgspec.json.decode(out), "done"

    async def close(self) -> None:
        """End what runs."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
