"""Tells the coverage of the source that a runner drives; never stops the reading of its posts.

What is told goes to ``put``, which does not wait. An error in it is logged once and counted.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ingestors.coverage_log import CoverageLog, Seen
from ingestors.source import Batch, Live, Played, Source
from runtime import metrics
from runtime.clock import Clock
from runtime.logs import get_logger
from schemas.checkpoint import Checkpoint
from schemas.coverage import CoverageInterval, CoverageReason
from schemas.types import JsonObject

Put = Callable[[CoverageInterval], None]
"""Takes a record and returns at once."""
log = get_logger("ingest")


def nowhere(record: CoverageInterval) -> None:
    """A :data:`Put` for a run that tells nobody."""


class CoverageTeller:
    """One for each run of a source. The methods are called on the runner's thread."""

    def __init__(self, source: Source, put: Put, clock: Clock, interval_s: float) -> None:
        self._live = source if isinstance(source, Live) else None
        self._played = source if isinstance(source, Played) else None
        self._every = timedelta(seconds=interval_s)
        self._log = CoverageLog(source.source_id, is_live=self._live is not None, every=self._every)
        self._put = put
        self._clock = clock
        self._saved: list[JsonObject] = []
        self._saved_at: datetime | None = None
        self._has_failed = False

    def start(self, checkpoint: Checkpoint | None) -> None:
        saved_at = None if checkpoint is None else checkpoint.saved_at
        left = () if checkpoint is None else checkpoint.coverage
        if checkpoint is not None:
            self._saved_at = self._clock()
        self._tell(lambda now: self._log.start(now, saved_at, left))

    def read(self, batch: Batch) -> None:
        """A batch was read, or was not because of its obstacle."""
        why: CoverageReason | None = None
        if batch.obstacle is not None:
            why = batch.cause or "connecting"
        self._tell(lambda now: self._log.observe(now, self._seen(why, batch.obstacle, batch)))

    def held_up(self, detail: str) -> None:
        """The source is not read, since Kafka does not take what was read."""
        self._tell(lambda now: self._log.observe(now, self._seen("kafka", detail, Batch())))

    def stop(self, why: CoverageReason | None, detail: str | None = None) -> None:
        """The source is closed; ``why`` is None if it came to its end."""
        self._tell(lambda now: self._log.stop(now, why, detail))

    def unsaved(self, final: bool) -> bool:
        """Whether a checkpoint is due though the position is the saved one.

        A start takes the time of the checkpoint for the last moment at which the source was read.
        """
        if self._saved_at is None:
            return False
        if final:
            return self._unfinished() != self._saved
        return self._live is not None and self._clock() - self._saved_at >= self._every

    def to_save(self, at: datetime) -> list[JsonObject]:
        """What the checkpoint of this moment has to keep."""
        self._saved, self._saved_at = self._unfinished(), at
        return self._saved

    def _unfinished(self) -> list[JsonObject]:
        built: list[Any] = [msgspec.to_builtins(record) for record in self._log.unfinished]
        return built

    def _seen(self, why: CoverageReason | None, detail: str | None, batch: Batch) -> Seen:
        heard = None if self._live is None else self._live.heard_until()
        played = None if self._played is None else self._played.played()
        return Seen(why, detail, heard, played, batch.gaps)

    def _tell(self, follow: Callable[[datetime], Sequence[CoverageInterval]]) -> None:
        try:
            for record in follow(self._clock()):
                self._put(record)
        except Exception as error:
            metrics.COVERAGE_RECORDS.labels("ingest", "dropped").inc()
            if not self._has_failed:
                log.exception("coverage is not told; posts go on", why=repr(error))
            self._has_failed = True
