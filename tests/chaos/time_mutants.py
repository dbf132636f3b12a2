"""Mutants of event time, of late records, and of what one record or one message may cost.

See :mod:`tests.chaos.mutant_table`.
"""

from tests.chaos.mutant import Mutant

TIME = ("tests/processors/detector/test_worker_time.py",)
CLAIMS = (
    "tests/processors/detector/test_worker_time.py",
    "tests/processors/detector/test_brand_detector_late.py",
)
LATE = ("tests/processors/detector/test_brand_detector_late.py",)
AFTERWARDS = ("tests/processors/detector/test_afterwards.py",)
FAULTS = ("tests/processors/detector/test_worker_faults.py",)
WAITING = ("tests/processors/detector/test_merge_buffer.py",)
ACTIVITY = ("tests/processors/enrichment/test_activity_records.py",)
ATTEMPTS = (
    "tests/runtime/kafka/test_attempts.py",
    "tests/processors/enrichment/test_worker.py",
)

MUTANTS = (
    # --- event time is what strangers write ------------------------------------------------------
    Mutant(
        "a record may be younger than its ingestion",
        "processors/detector/event_time.py",
        "at = max(min(record.at, ingested_at), EARLIEST)",
        "at = max(record.at, EARLIEST)",
        CLAIMS,
    ),
    Mutant(
        "an ingestion ahead of our clock is believed",
        "processors/detector/event_time.py",
        "ingested_at = record.ingested_at if now is None else min(record.ingested_at, now)",
        "ingested_at = record.ingested_at",
        TIME,
    ),
    Mutant(
        "activity has the time that an author claims",
        "processors/enrichment/activity_records.py",
        "at=min(post.created_at, ingested_at),",
        "at=post.created_at,",
        ACTIVITY,
    ),
    Mutant(
        "a step of the wall clock sets time back",
        "runtime/clock.py",
        "return max(self._wall(), self._without_steps())",
        "return self._wall()",
        TIME,
    ),
    Mutant(
        "time goes on though nothing can be heard",
        "processors/detector/event_time.py",
        "passed if horizon is None else min(passed, horizon)",
        "passed",
        TIME,
    ),
    # --- late records count, and their alert is told once ----------------------------------------
    Mutant(
        "a late record does not count",
        "processors/detector/brand_detector.py",
        "counted = not self._counts.knows(record) and self._late.add(record, self.looked)",
        "counted = False",
        LATE,
    ),
    Mutant(
        "late windows are not looked at again",
        "processors/detector/brand_detector.py",
        "if looks > 0 and self._late.has_settled(self.looked):",
        "if False:",
        LATE,
    ),
    Mutant(
        "a storm that was told is told again",
        "processors/detector/afterwards.py",
        "if worst.severity > max(peer.severity for peer in peers):",
        "if True:",
        LATE,
    ),
    Mutant(
        "a late part of an open alert is an alert of its own",
        "processors/detector/afterwards.py",
        "if not current.is_open:\n        return list(told)",
        "if True:\n        return list(told)",
        AFTERWARDS,
    ),
    Mutant(
        "a storm that was found is left before it is over",
        "processors/detector/brand_detector.py",
        "or (lane.is_open and minute < beyond)",
        "or False",
        AFTERWARDS,
    ),
    Mutant(
        "an alert that was over goes on under another id",
        "processors/detector/afterwards.py",
        "lane.opened, lane.began = _opened(home.id), min(lane.began, home.began)",
        "lane.began = min(lane.began, home.began)",
        AFTERWARDS,
    ),
    Mutant(
        "an alert that goes on again stays closed",
        "processors/detector/brand_detector.py",
        "if retold.reopened is not None:",
        "if False:",
        AFTERWARDS,
    ),
    Mutant(
        "an alert opens within one that was found",
        "processors/detector/afterwards.py",
        "if home is None or home.end < lane.began:",
        "if True:",
        AFTERWARDS,
    ),
    Mutant(
        "what was found does not cool down",
        "processors/detector/afterwards.py",
        "if not current.is_open and told.end > current.closed:",
        "if False:",
        AFTERWARDS,
    ),
    Mutant(
        "a late part between two alerts makes them overlap",
        "processors/detector/afterwards.py",
        "key=lambda one: max(one.began - minute, minute - one.end, 0)",
        "key=lambda one: one.began",
        AFTERWARDS,
    ),
    Mutant(
        "late minutes of an open alert are learnt",
        "processors/detector/brand_detector.py",
        "if not overlapping(told, m.start, m.start, 0)",
        "if not overlapping(self._told, m.start, m.start, 0)",
        AFTERWARDS,
    ),
    Mutant(
        "an older state closes an alert that is open",
        "processors/detector/brand_detector.py",
        "self._told = [one for one in state.told if one.id != opened]",
        "self._told = list(state.told)",
        AFTERWARDS,
    ),
    Mutant(
        "late minutes grow without a bound",
        "processors/detector/state/late_counts.py",
        "return max(len(self._minutes), len(self.dirty)) >= MAX_LATE_MINUTES",
        "return False",
        LATE,
    ),
    # --- a record, a brand and a message cost themselves alone -----------------------------------
    Mutant(
        "what waits is not counted before a save",
        "processors/detector/worker.py",
        "        bad = await self._count_waiting(every=True)\n",
        "        bad = 0\n",
        WAITING,
    ),
    Mutant(
        "a record that cannot be counted ends the process",
        "processors/detector/worker.py",
        "except BaseException as error:  # noqa: BLE001 - a panic",
        "except ZeroDivisionError as error:  # a panic",
        FAULTS,
    ),
    Mutant(
        "a policy that breaks silences every brand",
        "processors/detector/brand_detector.py",
        "except Exception as error:  # noqa: BLE001",
        "except ZeroDivisionError as error:",
        FAULTS,
    ),
    Mutant(
        "a message is given up at its first try",
        "runtime/kafka/attempts.py",
        "if tries >= MAX_TRIES:",
        "if tries >= 1:",
        ATTEMPTS,
    ),
    Mutant(
        "a message that hangs is tried for ever",
        "runtime/kafka/attempts.py",
        "if tries >= MAX_TRIES:",
        "if False:",
        ATTEMPTS,
    ),
    Mutant(
        "messages go on together where a process ended",
        "runtime/kafka/attempts.py",
        "return attempt.starts > 1 and offset < attempt.start + self._careful",
        "return False",
        ATTEMPTS,
    ),
    Mutant(
        "what was finished is still suspected",
        "runtime/kafka/attempts.py",
        "if offset == attempt.at and attempt.tries:",
        "if False:",
        ATTEMPTS,
    ),
)
