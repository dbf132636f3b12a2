"""Mutants of what is told of the time of a source. See :mod:`tests.chaos.mutant_table`."""

from tests.chaos.mutant import Mutant

LOG = ("tests/ingestors/test_coverage_log.py",)
TELLER = ("tests/ingestors/test_coverage_teller.py",)
TIMELINE = ("tests/sinks/elasticsearch/coverage/test_timeline.py",)
OUTBOX = ("tests/runtime/test_coverage_outbox.py",)
SINK = ("tests/sinks/elasticsearch/coverage/test_coverage_sink.py",)

MUTANTS = (
    Mutant(
        "a kill is not told",
        "ingestors/coverage_log.py",
        "if self.is_live and saved_at is not None and self._open is None:",
        "if False:",
        LOG,
    ),
    Mutant(
        "what came before the first post is made up for",
        "ingestors/coverage_log.py",
        'record.state == "away" and record.why != "connecting"',
        'record.state == "away"',
        LOG,
    ),
    Mutant(
        "a quiet source saves nothing",
        "ingestors/coverage_teller.py",
        "return self._live is not None and self._clock() - self._saved_at >= self._every",
        "return False",
        TELLER,
    ),
    Mutant(
        "what is not made up for counts as heard",
        "sinks/elasticsearch/coverage/timeline.py",
        '"listening" if was_made_up else record.state',
        '"listening" if record.state in ("late", "away") else record.state',
        TIMELINE,
    ),
    Mutant(
        "an ingestor that says nothing listens",
        "sinks/elasticsearch/coverage/timeline.py",
        "    believed = record.told_at + MAX_SILENCE\n",
        "    believed = now\n",
        TIMELINE,
    ),
    Mutant(
        "an error of coverage ends the posts",
        "ingestors/coverage_teller.py",
        "except Exception as error:",
        "except ValueError as error:",
        TELLER,
    ),
    Mutant(
        "coverage that Kafka does not take fills the memory",
        "runtime/coverage_outbox.py",
        "while len(self._held) > MAX_HELD:",
        "while False:",
        OUTBOX,
    ),
    Mutant(
        "an older state of an interval takes the place of a newer one",
        "runtime/coverage_outbox.py",
        "before.version > record.version",
        "False",
        OUTBOX,
    ),
    Mutant(
        "a sink of coverage that fails stays ended",
        "sinks/elasticsearch/coverage/coverage_sink.py",
        "                self._stop.wait(self._backoff.failed())\n",
        "                return\n",
        SINK,
    ),
)
