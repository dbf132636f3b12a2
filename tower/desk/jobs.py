"""Work that takes longer than a request: one process each, within a deadline, results kept a while.

A process of its own cannot block the pages, and can be ended whatever it does.
"""

import asyncio
import contextlib
import secrets
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.clock import Clock, utc_now
from runtime.logs import get_logger
from schemas.types import Time

MAX_KEPT: Final = 200
KEPT_S: Final = 3_600.0
"""How long a result is kept: it may have texts of posts."""
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
    at: Annotated[Time | None, Meta(description="When it ended.")] = None


class Jobs:
    """For one event loop. ``command``: what runs a module of ours."""

    def __init__(
        self,
        command: Sequence[str] = (sys.executable, "-m"),
        deadline_s: float = DEADLINE_S,
        clock: Clock = utc_now,
    ) -> None:
        self._command = tuple(command)
        self._clock = clock
        self._deadline_s = deadline_s
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, id_: str) -> Job | None:
        self._forget_old()
        return self._jobs.get(id_)

    def newest(self, kind: str) -> Job | None:
        """The last job of a kind, of whoever started it."""
        return next((job for job in reversed(self._jobs.values()) if job.kind == kind), None)

    def start(
        self,
        kind: str,
        module: str,
        by: str,
        given: object = None,
        arguments: Sequence[str] = (),
        statuses: Collection[int] = (0,),
    ) -> Job:
        """Run a module: it reads ``given`` as JSON, and writes its result: JSON, or lines of text.

        ``statuses``: the exit statuses with which a result counts.

        :raises TooManyJobs: too many are running, of everybody or of this person.
        """
        running = [job for job in self._jobs.values() if job.state == "running"]
        own = sum(job.by == by for job in running)
        if len(running) >= MAX_RUNNING or own >= MAX_RUNNING_PER_PERSON:
            raise TooManyJobs
        job = Job(id=secrets.token_urlsafe(9), kind=kind, by=by)
        self._jobs[job.id] = job
        self._forget_old()
        # One that runs stays: it counts among those that do.
        ended = [id_ for id_, one in self._jobs.items() if one.state != "running"]
        for id_ in ended[: max(0, len(self._jobs) - MAX_KEPT)]:
            del self._jobs[id_]
        run = partial(self._run, job, [module, *arguments], msgspec.json.encode(given), statuses)
        task = asyncio.create_task(self._told(job, run), name=job.id)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def _forget_old(self) -> None:
        now = self._clock()
        for id_, job in list(self._jobs.items()):
            if job.at is not None and (now - job.at).total_seconds() > KEPT_S:
                del self._jobs[id_]

    async def ended(self, job: Job) -> None:
        """Return when the job is done or has failed, at its deadline at the latest."""
        running = [task for task in self._tasks if task.get_name() == job.id]
        if running:
            await asyncio.wait(running)

    async def _told(self, job: Job, run: Callable[[], Awaitable[None]]) -> None:
        """Whatever happens, the job does not stay running."""
        try:
            await run()
        except Exception as error:  # noqa: BLE001
            job.error, job.state = f"it could not be run: {error}"[:300], "failed"
        finally:
            job.at = self._clock()
            if job.state == "failed":
                log.warning("a job failed", kind=job.kind, why=job.error)

    async def _run(
        self, job: Job, arguments: Sequence[str], given: bytes, statuses: Collection[int]
    ) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *arguments,
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
        # A status that counts, and not a word: the command did not come to its result.
        silent = process.returncode != 0 and not out.strip()
        if process.returncode not in statuses or silent or len(out) > MAX_OUTPUT:
            lines = err.decode("utf-8", "replace").strip().splitlines()
            job.error = lines[-1][:300] if lines else f"it ended with {process.returncode}"
            job.state = "failed"
            return
        try:
            job.result = msgspec.json.decode(out)
        except msgspec.DecodeError:
            job.result = out.decode("utf-8", "replace").splitlines()
        job.state = "done"

    async def close(self) -> None:
        """End what runs."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
