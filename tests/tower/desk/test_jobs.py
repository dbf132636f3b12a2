"""A job is a process of its own: within a deadline, whatever it does, and a few at a time."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tower.desk.jobs import KEPT_S, MAX_KEPT, MAX_RUNNING, Job, Jobs, TooManyJobs

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
PYTHON = (sys.executable, "-S", "-E", "-c")
SLEEPS = "import time; time.sleep(60)"


def scenario(
    test: Callable[[Jobs], Coroutine[Any, Any, None]],
    command: tuple[str, ...] = PYTHON,
    deadline_s: float = 30.0,
) -> None:
    """Runs the test in an event loop; one that hangs fails."""

    async def run() -> None:
        jobs = Jobs(command, deadline_s, lambda: AT)
        async with asyncio.timeout(40):
            try:
                await test(jobs)
            finally:
                await jobs.close()

    asyncio.run(run())


async def ended(job: Job) -> Job:
    while job.state == "running":  # noqa: ASYNC110 (a job has no event)
        await asyncio.sleep(0.01)
    return job


def test_a_job_reads_what_is_asked_and_its_output_is_the_result() -> None:
    async def test(jobs: Jobs) -> None:
        code = "import sys, json; print(json.dumps([json.load(sys.stdin), sys.argv[1:]]))"
        job = jobs.start("kind", code, "ana", {"text": "é"}, ["--", "-x", "a b"])
        assert job.state == "running"
        await ended(job)
        assert (job.state, job.error, job.at) == ("done", None, AT)
        assert job.result == [{"text": "é"}, ["--", "-x", "a b"]]
        assert jobs.get(job.id) is job
        assert jobs.newest("kind") is job
        assert jobs.newest("other") is None

    scenario(test)


def test_a_result_is_kept_for_an_hour() -> None:
    now = [AT]

    async def run() -> None:
        jobs = Jobs(PYTHON, clock=lambda: now[0])
        done = await ended(jobs.start("kind", "print(1)", "ana"))
        now[0] = AT + timedelta(seconds=KEPT_S)
        assert jobs.get(done.id) is done
        now[0] += timedelta(seconds=1)
        assert jobs.get(done.id) is None
        assert jobs.newest("kind") is None, "it is not in memory any more"

    asyncio.run(run())


def test_lines_of_text_are_a_result_too() -> None:
    async def test(jobs: Jobs) -> None:
        code = "import sys; sys.stdout.buffer.write(b'one\\ntwo \\xff\\n'); sys.exit(1)"
        job = await ended(jobs.start("kind", code, "ana", statuses=(0, 1)))
        assert (job.state, job.result) == ("done", ["one", "two \ufffd"])

    scenario(test)


def test_a_status_that_counts_without_a_result_is_a_failure() -> None:
    async def test(jobs: Jobs) -> None:
        job = await ended(jobs.start("kind", "raise SystemExit('why')", "ana", statuses=(0, 1)))
        assert (job.state, job.error) == ("failed", "why")

    scenario(test)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise SystemExit('first\\nthe last line')", "the last line"),
        ("import sys; sys.exit(7)", "it ended with 7"),
        ("import os; os.kill(os.getpid(), 9)", "it ended with -9"),
        ("raise SystemExit('x' * 5000)", "x" * 300),
        ("import sys; sys.stderr.buffer.write(b'\\xff'); sys.exit(1)", "\ufffd"),
        ("import os; os.close(0); os.close(1); os._exit(3)", "it ended with 3"),
        ("print('x' * (8 * 2**20 + 1))", "it ended with 0"),
    ],
)
def test_a_job_that_crashes_says_why(code: str, why: str) -> None:
    async def test(jobs: Jobs) -> None:
        job = await ended(jobs.start("kind", code, "ana", {"much": "x" * 100_000}))
        assert (job.state, job.error, job.result) == ("failed", why, None)
        assert job.at == AT

    scenario(test)


def test_a_job_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """Whatever it does: this one ignores the polite signal and holds its output open."""
    file = tmp_path / "pid"
    code = (
        "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )

    async def test(jobs: Jobs) -> None:
        job = await ended(jobs.start("kind", code, "ana"))
        assert (job.state, job.error) == ("failed", "it took more than 2 s")
        # The next one has a place.
        await ended(jobs.start("kind", "print(1)", "ana"))
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.read_text()), 0)

    scenario(test, deadline_s=2.0)


def test_a_job_that_cannot_be_started_fails() -> None:
    async def test(jobs: Jobs) -> None:
        job = await ended(jobs.start("kind", "x", "ana"))
        assert job.state == "failed"
        assert job.error is not None and job.error.startswith("it could not be run: ")
        jobs.start("kind", "x", "ana")

    scenario(test, command=("/nonexistent/python",))


def test_few_run_at_a_time_and_one_of_a_person() -> None:
    async def test(jobs: Jobs) -> None:
        first = jobs.start("kind", SLEEPS, "ana")
        with pytest.raises(TooManyJobs):
            jobs.start("other", SLEEPS, "ana")
        for number in range(1, MAX_RUNNING):
            jobs.start("kind", SLEEPS, f"person {number}")
        with pytest.raises(TooManyJobs):
            jobs.start("kind", SLEEPS, "chloé")
        assert first.state == "running"

    scenario(test)


def test_old_jobs_are_forgotten_and_one_that_runs_is_not() -> None:
    async def test(jobs: Jobs) -> None:
        running = jobs.start("slow", "60", "ana")
        oldest = await ended(jobs.start("kind", "x", "ben"))
        for _ in range(MAX_KEPT):
            last = await ended(jobs.start("kind", "x", "ben"))
        assert jobs.get(running.id) is running
        assert jobs.get(oldest.id) is None
        assert jobs.newest("kind") is last
        with pytest.raises(TooManyJobs):
            jobs.start("kind", "x", "ana")

    scenario(test, command=("/bin/sleep",))


def test_an_id_cannot_be_guessed() -> None:
    async def test(jobs: Jobs) -> None:
        ids = set()
        for _ in range(5):
            job = await ended(jobs.start("kind", "print(1)", "ana"))
            ids.add(job.id)
        assert len(ids) == 5
        assert all(len(id_) >= 12 for id_ in ids)
        assert json.dumps(sorted(ids)).isascii()

    scenario(test)
