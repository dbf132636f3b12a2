"""Remembers beyond a process which message it was at: a process that hangs cannot tell any more.

The memory is the metadata of a commit of a group of its own (``tocsin.process-attempts``) to the
same topic. Kafka keeps it a partition, it needs no topic, and it outlives process and machine.

The rule, for each partition: a process that starts where another started, without a commit in
between, goes **one message at a time** for ``CAREFUL`` messages. It records each message before
and after it. A message that was begun ``MAX_TRIES`` times and never finished is given up. A
message that only waited behind it was never begun alone, so it is never given up.
"""

import re
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from kafka.structs import OffsetAndMetadata, TopicPartition

from runtime.kafka.client import consumer, kafka_errors
from runtime.settings import KafkaSettings

CAREFUL: Final = 2_000
"""Messages from the first offset that are handled one at a time: more than are in flight."""
MAX_TRIES: Final = 3
"""A message begun so often without an end is given up: once or twice may be the machine's fault."""
MAX_GONE: Final = 100
"""Messages given up that are remembered until the next commit; Kafka keeps 4 kB of metadata."""
_NEVER: Final = -1
_NUMBER = re.compile(r"-?[0-9]{1,19}")


class Attempt(NamedTuple):
    """Where the last process started in a partition, and the last message it began alone."""

    start: int
    """The first offset that it read."""
    starts: int
    """How often a process started there."""
    at: int = _NEVER
    """The newest offset that was begun alone; those before it were finished."""
    tries: int = 0
    """How often ``at`` was begun since it was last finished; 0: it was finished."""
    gone: tuple[int, ...] = ()
    """Offsets that were given up here: their letters may be delivered, but not committed."""

    def written(self) -> str:
        return " ".join(map(str, (*self[:4], *self.gone)))

    def concerns(self, offset: int) -> bool:
        """Whether it tells something about the messages from ``offset`` on."""
        suspect = self.tries > 0 and self.at >= offset
        return suspect or any(gone >= offset for gone in self.gone)


def attempt_of(written: str | None) -> Attempt | None:
    """The attempt in the metadata of a commit; None if another program wrote it."""
    parts = (written or "").split(" ")
    if not 4 <= len(parts) <= 4 + MAX_GONE or not all(map(_NUMBER.fullmatch, parts)):
        return None
    start, starts, at, tries, *gone = map(int, parts)
    return Attempt(start, starts, at, tries, tuple(gone))


class AttemptStore(Protocol):
    """Where attempts outlive the process."""

    def read(self, partition: int) -> Attempt | None: ...
    def write(self, partition: int, attempt: Attempt) -> None: ...


class Attempts:
    """Decides which messages are handled alone and which are given up. Safe from any thread."""

    def __init__(self, store: AttemptStore, careful: int = CAREFUL) -> None:
        self._store = store
        self._careful = careful
        self._known: dict[int, Attempt] = {}
        self._next: dict[int, int] = {}
        self._lock = threading.Lock()

    def is_alone(self, partition: int, offset: int) -> bool:
        """Whether the message is handled alone. Call it for each message, in order of offsets."""
        with self._lock:
            # After a rebalance a partition comes back at an offset that was read before.
            if self._next.get(partition, _NEVER) > offset or partition not in self._known:
                self._start(partition, offset)
            self._next[partition] = offset + 1
            attempt = self._known[partition]
        return attempt.starts > 1 and offset < attempt.start + self._careful

    def begin(self, partition: int, offset: int) -> bool:
        """Record that the message is begun alone; False: give it up instead."""
        with self._lock:
            return self._begin(partition, offset)

    def _begin(self, partition: int, offset: int) -> bool:
        attempt = self._known[partition]
        if offset in attempt.gone:
            return False
        if offset < attempt.at or (offset == attempt.at and attempt.tries == 0):
            return True  # it was finished before
        tries = attempt.tries if offset == attempt.at else 0
        if tries >= MAX_TRIES:
            gone = (*attempt.gone, offset)[-MAX_GONE:]
            self._keep(partition, attempt._replace(tries=0, gone=gone))
            return False
        self._keep(partition, attempt._replace(at=offset, tries=tries + 1))
        return True

    def finish(self, partition: int, offset: int) -> None:
        """Record that the message was handled."""
        with self._lock:
            attempt = self._known[partition]
            if offset == attempt.at and attempt.tries:
                self._keep(partition, attempt._replace(tries=0))

    def _start(self, partition: int, offset: int) -> None:
        before = self._store.read(partition)
        if before is not None and before.start == offset:
            self._keep(partition, before._replace(starts=before.starts + 1))
        elif before is not None and before.concerns(offset):
            # Some of the messages before the one that hangs were committed.
            self._keep(partition, before._replace(start=offset, starts=2))
        else:
            self._keep(partition, Attempt(offset, 1))

    def _keep(self, partition: int, attempt: Attempt) -> None:
        self._store.write(partition, attempt)
        self._known[partition] = attempt


class GroupAttempts:
    """Attempts in the commits of the group ``<service>-attempts``.

    Raises :class:`ServiceUnavailable` without Kafka. Connects at first use; use from one thread.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        service: str,
        topic: str,
        connect: Callable[..., Any] = consumer,
    ) -> None:
        self._settings = settings
        self._service = service
        self._topic = settings.topic_prefix + topic
        self._connect = connect
        self._consumer: Any = None

    def read(self, partition: int) -> Attempt | None:
        where = TopicPartition(self._topic, partition)
        with kafka_errors(self._settings):
            committed = self._client(where).committed(where, metadata=True, timeout_ms=30_000)
        return None if committed is None else attempt_of(committed.metadata)

    def write(self, partition: int, attempt: Attempt) -> None:
        where = TopicPartition(self._topic, partition)
        offsets = {where: OffsetAndMetadata(attempt.start, attempt.written(), -1)}
        with kafka_errors(self._settings):
            self._client(where).commit(offsets, timeout_ms=30_000)

    def close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _client(self, where: TopicPartition) -> Any:
        if self._consumer is None:
            name = f"{self._service}-attempts"
            self._consumer = self._connect(self._settings, name, name)
        if where not in self._consumer.assignment():
            self._consumer.assign([where])
        return self._consumer
