"""A tower with one alert that people act on, and jobs that end as a test says."""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from schemas.alert import Alert, Evidence, ShownPost
from schemas.types import JsonObject
from sinks.alerts.store import merged
from tests import make
from tests.tower.questions.corpus import BRANDS, NOW
from tests.tower.stored_documents import StoredClient
from tests.tower.towers import TowerRig
from tower.desk.jobs import Job, Jobs

ALERT_ID = "velmora/1 é"
ROOM = "/alerts/velmora/1%20%C3%A9"
_JOB = """
import json, sys, time
plan = json.loads(sys.argv[1])
module, *arguments = sys.argv[2:]
given, what = json.load(sys.stdin), plan.get(module, {})
time.sleep(what.get("sleeps", 0))
if "crash" in what:
    sys.exit(what["crash"])
result = what.get("result", {})
if isinstance(result, dict):
    result = {**result, "arguments": arguments, "given": given}
print(json.dumps(result))
sys.exit(what.get("status", 0))
"""
BACKTEST = "tower.desk.backtest_job"
DRY_RUN = "tower.desk.dry_run_job"
DONE = {
    BACKTEST: {"result": {"mentions": 4_321, "present": [], "changed": [], "sensitivity": 2.0}},
    DRY_RUN: {"result": {"posts": 7, "both": 3, "gained": 2, "lost": 1}},
}


def planned(plan: Mapping[str, Any]) -> list[str]:
    """The command of jobs that do what is planned: module to its result, crash or sleep."""
    return [sys.executable, "-S", "-E", "-c", _JOB, json.dumps(plan)]


def crisis() -> Alert:
    shown = [
        ShownPost(id=f"x:{number}", role="typical", at=NOW, author=f"{number:016x}")
        for number in (1, 2)
    ]
    return make.alert(
        id=ALERT_ID,
        began_at=NOW - timedelta(hours=2),
        raised_at=NOW - timedelta(hours=1),
        evidence=Evidence(shown=shown),
        title="Velmora: many mentions",
    )


class _Stored:
    """The alerts as they are written now."""

    def __init__(self, client: StoredClient) -> None:
        self._client = client

    def __iter__(self) -> Iterator[JsonObject]:
        return iter(self._client.stored.of(self._client.names.alerts))


class DeskRig(TowerRig):
    def __init__(self, plan: Mapping[str, Any] = DONE, **settings: Any) -> None:
        super().__init__(**settings)
        document = merged(crisis(), None)
        assert document is not None
        self.client.stored.put(self.client.names.alerts, ALERT_ID, document)
        self.search.alerts = _Stored(self.client)
        self.tower.jobs = Jobs(planned(plan), clock=self.now)

    @property
    def document(self) -> Any:
        """The alert as it is written."""
        (document,) = self.search.alerts
        return document

    @property
    def desk(self) -> Any:
        return self.document["desk"]

    def done(self, job_id: str) -> Job:
        """The job when it has ended."""
        return self.run(self._ended(job_id))  # type: ignore[no-any-return]

    async def _ended(self, job_id: str) -> Job:
        job = self.tower.jobs.get(job_id)
        assert job is not None
        while job.state == "running":  # noqa: ASYNC110 (a job has no event)
            await asyncio.sleep(0.01)
        return job

    def change_brand(self, **fields: Any) -> None:
        """As if somebody published another state of velmora."""
        self.brands.known = {**BRANDS, "velmora": replace(BRANDS["velmora"], **fields)}


def plain(value: object) -> Any:
    return msgspec.to_builtins(value)
