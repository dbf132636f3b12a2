"""Mutants of the ingestors, of Kafka's producers and consumers, and of enrichment.

See :mod:`tests.chaos.mutant_table`.
"""

from tests.chaos.mutant import Mutant

RUNNER = ("tests/ingestors/test_runner.py",)
SENDER = ("tests/ingestors/test_sender.py", *RUNNER)
WORKER = ("tests/processors/enrichment/test_worker_delivery.py",)
BATCH = ("tests/processors/enrichment/test_batch.py",)
ENRICHER = ("tests/processors/enrichment/test_enricher.py",)
CONSUMER = (
    "tests/runtime/kafka/test_consumer.py",
    "tests/runtime/kafka/test_consumer_letters.py",
)
LETTERS = ("tests/runtime/kafka/test_dead_letters.py",)
REGISTRY = ("tests/brands/test_registry.py", "tests/brands/test_registry_removals.py")
WATCHDOG = ("tests/processors/faust/test_watchdog.py",)
GROUPS = ("tests/runtime/kafka/test_group_positions.py", "tests/runtime/kafka/test_membership.py")

MUTANTS = (
    # --- ingestors: a checkpoint follows the acknowledgements, and nothing is dropped ----------
    Mutant(
        "a checkpoint before the acknowledgement",
        "ingestors/runner.py",
        "        self._sent.append(sent)\n",
        "        self._sent.append(sent)\n        self._position = batch.position\n",
        RUNNER,
    ),
    Mutant(
        "one acknowledgement of a batch is enough",
        "ingestors/runner.py",
        "if not all(message.future.is_done for message in sent.messages):",
        "return any(message.future.is_done for message in sent.messages)\n        if True:",
        RUNNER,
    ),
    Mutant(
        "an event that Kafka refused counts as delivered",
        "ingestors/runner.py",
        "return all(message.future.succeeded() for message in sent.messages)",
        "return True",
        SENDER,
    ),
    Mutant(
        "no backpressure",
        "ingestors/runner.py",
        "        if self._in_flight < self.settings.buffer_events:",
        "        if True:",
        RUNNER,
    ),
    Mutant(
        "unreadable items are dropped",
        "ingestors/runner.py",
        "messages += [self._sender.unreadable(item) for item in batch.unreadable]",
        "messages += []",
        RUNNER,
    ),
    Mutant(
        "a post that is too large is sent all the same",
        "ingestors/sender.py",
        "        if size > self._max_event:",
        "        if False:",
        SENDER,
    ),
    Mutant(
        "a post that cannot be encoded ends the service",
        "ingestors/sender.py",
        "        except InvalidMessage as error:\n            payload",
        "        except ZeroDivisionError as error:\n            payload",
        SENDER,
    ),
    Mutant(
        "no checkpoint at the stop",
        "ingestors/runner.py",
        "self._save_checkpoint(now=True)",
        "self._save_checkpoint()",
        RUNNER,
    ),
    Mutant(
        "a stop with messages in flight is in good order",
        "ingestors/runner.py",
        "        if self._sent:\n            raise",
        "        if False:\n            raise",
        RUNNER,
    ),
    Mutant(
        "a refused checkpoint is not noticed",
        "ingestors/runner.py",
        "self._checkpoint_sent is not None and self._checkpoint_sent.failed()",
        "False",
        RUNNER,
    ),
    Mutant(
        "what a source still holds at the stop is not read",
        "ingestors/runner.py",
        "            if not batch.events and not batch.unreadable:\n                break",
        "            break",
        RUNNER,
    ),
    # --- producers and consumers of Kafka ------------------------------------------------------
    Mutant(
        "commit before the batch is handled",
        "runtime/kafka/consumer.py",
        "        dead = self._handle(records)\n        self._forget_revoked()\n",
        "        self._uncommitted.handled(records)\n        self._commit()\n"
        "        dead = self._handle(records)\n        self._forget_revoked()\n",
        CONSUMER,
    ),
    Mutant(
        "one message too many is committed",
        "runtime/kafka/offset_holds.py",
        "[partition_of(record)] = record.offset + 1",
        "[partition_of(record)] = record.offset + 2",
        CONSUMER,
    ),
    Mutant(
        "the last message is never committed",
        "runtime/kafka/offset_holds.py",
        "[partition_of(record)] = record.offset + 1",
        "[partition_of(record)] = record.offset",
        CONSUMER,
    ),
    Mutant(
        "the sinks have no brake",
        "runtime/kafka/consumer.py",
        "self.brake.record(max(0, len(records) - dead - held), dead)",
        "pass",
        CONSUMER,
    ),
    Mutant(
        "a consumer that waits is not paused",
        "runtime/kafka/consumer.py",
        "self.consumer.pause(*self.consumer.assignment())",
        "pass",
        CONSUMER,
    ),
    Mutant(
        "what is polled during a wait is lost",
        "runtime/kafka/consumer.py",
        "            self._poll(min(left, _POLL_S))",
        "            self.consumer.poll(timeout_ms=1)",
        CONSUMER,
    ),
    Mutant(
        "a wait ends paused",
        "runtime/kafka/consumer.py",
        "        self.consumer.resume(*self.consumer.paused())",
        "        pass",
        CONSUMER,
    ),
    Mutant(
        "letters are not awaited",
        "runtime/kafka/consumer.py",
        "        deliver(self.producer, outgoing)\n",
        "        [self.producer.send(o.topic, key=o.key, value=o.value) for o in outgoing]\n",
        CONSUMER,
    ),
    Mutant(
        "records of partitions that moved away are handled",
        "runtime/kafka/consumer.py",
        "return [record for record in records if partition_of(record) not in self._moved]",
        "return list(records)",
        CONSUMER,
    ),
    Mutant(
        "a stop during a wait counts the batch as handled",
        "runtime/kafka/consumer.py",
        "        if self._stop.is_set():\n            raise Stopped",
        "        if False:\n            raise Stopped",
        CONSUMER,
    ),
    Mutant(
        "the brake trips one message late",
        "runtime/kafka/dead_letters.py",
        "if self._run > self.consecutive:",
        "if self._run > self.consecutive + 1:",
        LETTERS,
    ),
    Mutant(
        "good messages do not end a run of bad ones",
        "runtime/kafka/dead_letters.py",
        "self._run = bad if good else self._run + bad",
        "self._run = self._run + bad",
        LETTERS,
    ),
    Mutant(
        "the share of bad messages counts before the window is full",
        "runtime/kafka/dead_letters.py",
        "elif len(self._recent) == self.window and",
        "elif",
        LETTERS,
    ),
    Mutant(
        "a payload larger than the topic is not cut",
        "runtime/kafka/dead_letters.py",
        "payload=letter.payload[:MAX_PAYLOAD_BYTES]",
        "payload=letter.payload",
        LETTERS,
    ),
    Mutant(
        "expired messages are not counted",
        "runtime/kafka/group_positions.py",
        "expired={tp.partition: max(0, starts[tp] - claimed[tp]) for tp in ends}",
        "expired={}",
        GROUPS,
    ),
    # --- enrichment: acknowledged after delivery, in order -------------------------------------
    Mutant(
        "a batch is acknowledged before its delivery",
        "processors/enrichment/worker.py",
        "            await delivered\n",
        "            piece.acknowledge()\n            await delivered\n",
        WORKER,
    ),
    Mutant(
        "batches overtake each other",
        "processors/enrichment/worker.py",
        "self._sent: asyncio.Queue[_Sent] = asyncio.Queue(maxsize=2)",
        "self._sent: asyncio.Queue[_Sent] = asyncio.LifoQueue(maxsize=2)",
        WORKER,
    ),
    Mutant(
        "the processor has no brake",
        "processors/enrichment/worker.py",
        "self._brake.record(result.good, result.bad)",
        "pass",
        WORKER,
    ),
    Mutant(
        "posts are matched while no brand is published",
        "processors/enrichment/worker.py",
        "if self.holding:",
        "if False:",
        WORKER,
    ),
    Mutant(
        "an unreadable post is dropped",
        "processors/enrichment/batch.py",
        "            _give_up(result, message, error.reason, error.detail, clock())\n",
        "",
        BATCH,
    ),
    Mutant(
        "a batch is given up whole",
        "processors/enrichment/batch.py",
        "        if len(decoded) > 1:",
        "        if False:",
        BATCH,
    ),
    Mutant(
        "a mention that is too large is sent",
        "processors/enrichment/batch.py",
        "    if largest > MAX_MENTION_BYTES:",
        "    if False:",
        BATCH,
    ),
    Mutant(
        "an edit that drops the brand leaves the mention",
        "processors/enrichment/enricher.py",
        "            if may_have_matched(event, stored):",
        "            if False:",
        ENRICHER,
    ),
    Mutant(
        "a stuck partition is not noticed",
        "processors/faust/watchdog.py",
        "elif now - before[1] > self.stuck_after_s:",
        "elif False:",
        WATCHDOG,
    ),
    Mutant(
        "a brand that is taken away stays",
        "brands/registry.py",
        "            self._brands.pop(name, None)\n",
        "            pass\n",
        REGISTRY,
    ),
    Mutant(
        "the last brand is taken away, and nobody holds",
        "brands/registry.py",
        "            self.filled.clear()",
        "            pass",
        REGISTRY,
    ),
)
