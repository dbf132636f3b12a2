"""A small log on disk of what a source received and Kafka has not acknowledged.

For sources whose platform cannot repeat: what was read survives the end of the process, also by
``kill -9``, and is sent first at the next start. Records go to the operating system at once and to
the disk when a segment ends: a crash of the machine can lose the last segment.

A segment is deleted once Kafka has acknowledged all of it, so a restart repeats up to one segment;
ids and versions make that harmless. The total is bounded: when it is full, or the disk refuses,
records are counted as missed and the source goes on.
"""

import os
import struct
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ingestors.source import SourceError
from runtime import metrics
from runtime.logs import get_logger

MAX_SEGMENT_BYTES = 2**20
MAX_RECORD_BYTES = 4 * 2**20
"""A longer record is missed; in a segment it is damage."""
_HEAD = struct.Struct(">II")
"""Length and CRC-32 of a record."""
log = get_logger("ingest")


@dataclass(slots=True)
class _Segment:
    path: Path
    last: int
    """The number of its last record."""
    size: int = 0


class Spool:
    """One source's log; safe from any thread."""

    def __init__(self, folder: Path, source_id: str, max_bytes: int) -> None:
        self._folder = folder
        self._source_id = source_id
        self._max_bytes = max_bytes
        self._segments: deque[_Segment] = deque()
        self._file: BinaryIO | None = None
        self._next = 1
        self._bytes = 0
        self._is_missing = False
        self._start = 1
        self._lock = threading.Lock()

    def open(self) -> list[bytes]:
        """The records that are left from before, oldest first; they stay until acknowledged."""
        left: list[bytes] = []
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(self._folder.glob("*.spool")):
                records = list(_records(path.read_bytes()))
                left += records
                self._next += len(records)
                size = path.stat().st_size
                self._segments.append(_Segment(path, self._next - 1, size))
                self._bytes += size
            self._start = _number_after(self._segments)
        except OSError as error:
            raise SourceError(
                f"TOCSIN_INGEST_SPOOL_DIR: {self._folder} cannot be used ({error.strerror}); "
                "correct its permissions, or unset it"
            ) from None
        if left:
            metrics.INGEST_SPOOL_REPLAYED.labels(self._source_id).inc(len(left))
            log.info("sending what was not acknowledged", source=self._source_id, items=len(left))
        metrics.INGEST_SPOOLED.labels(self._source_id).set(self._bytes)
        return left

    def append(self, record: bytes) -> int:
        """Keep a record; returns its number, also if it could not be kept."""
        with self._lock:
            return self._append(record)

    def _append(self, record: bytes) -> int:
        number, self._next = self._next, self._next + 1
        data = _HEAD.pack(len(record), zlib.crc32(record)) + record
        try:
            if len(record) > MAX_RECORD_BYTES:
                raise OSError(f"a record has {len(record)} bytes, of {MAX_RECORD_BYTES}")
            if self._bytes + len(data) > self._max_bytes:
                raise OSError(f"it has {self._bytes} bytes, of {self._max_bytes}")
            segment, file = self._current()
            self._write(segment, file, data)
            segment.last, segment.size = number, segment.size + len(data)
            self._bytes += len(data)
            if segment.size >= MAX_SEGMENT_BYTES:
                self._end_segment()
            self._is_missing = False
        except OSError as error:
            metrics.INGEST_SPOOL_MISSED.labels(self._source_id).inc()
            if not self._is_missing:
                log.error("the spool takes no more", source=self._source_id, why=str(error))
            self._is_missing = True
        metrics.INGEST_SPOOLED.labels(self._source_id).set(self._bytes)
        return number

    def _write(self, segment: _Segment, file: BinaryIO, data: bytes) -> None:
        """Write all of a record or nothing: a part would hide the records after it."""
        try:
            written = file.write(data)
            if written < len(data):  # a disk that gets full takes a part without an error
                raise OSError(f"the disk takes {written} bytes of {len(data)}")
        except OSError:
            try:
                file.truncate(segment.size)
                file.seek(segment.size)
            except OSError:
                self._end_segment()
            raise

    def acknowledge(self, number: int) -> None:
        """Kafka has all records up to this one: delete the segments that hold nothing else."""
        with self._lock:
            self._acknowledge(number)

    def _acknowledge(self, number: int) -> None:
        while self._segments and self._segments[0].last <= number:
            if len(self._segments) == 1:
                self._end_segment()
            segment = self._segments.popleft()
            self._bytes -= segment.size
            try:
                segment.path.unlink(missing_ok=True)
            except OSError as error:  # it is sent again at the next start
                log.error("a segment stays", path=str(segment.path), why=str(error))
        metrics.INGEST_SPOOLED.labels(self._source_id).set(self._bytes)

    def close(self) -> None:
        with self._lock:
            self._end_segment()

    def _current(self) -> tuple[_Segment, BinaryIO]:
        if self._file is None:
            path = self._folder / f"{self._start:012}.spool"
            self._start += 1
            self._file = path.open("xb", buffering=0)
            self._segments.append(_Segment(path, 0))
        return self._segments[-1], self._file

    def _end_segment(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            os.fsync(file.fileno())
        except OSError as error:
            log.error("the spool is not on disk", source=self._source_id, why=str(error))
        finally:
            file.close()


def _number_after(segments: deque[_Segment]) -> int:
    names = [segment.path.stem for segment in segments]
    return 1 + max((int(name) for name in names if name.isdigit()), default=0)


def _records(data: bytes) -> Iterator[bytes]:
    """The whole records of a segment; what a crash has cut off ends it."""
    at = 0
    while at + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        record = data[at : at + length]
        if length > MAX_RECORD_BYTES or zlib.crc32(record) != checksum or len(record) < length:
            return
        yield record
        at += length
