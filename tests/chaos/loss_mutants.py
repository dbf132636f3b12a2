"""Mutants of blocked indices, of the places of posts, of erasures, and of what Kafka deletes.

See :mod:`tests.chaos.mutant_table`.
"""

from tests.chaos.mutant import Mutant

CONSUMER_FAULTS = ("tests/runtime/kafka/test_consumer_faults.py",)
SINK = ("tests/sinks/elasticsearch/test_sink.py",)
PARKED = ("tests/sinks/elasticsearch/test_sink_parked_posts.py",)
QUEUES = ("tests/sinks/elasticsearch/writes/test_index_queues.py",)
PLACEMENT = ("tests/sinks/elasticsearch/test_placement.py",)
STORE = ("tests/sinks/alerts/test_store.py",)
LAG = (
    "tests/runtime/kafka/test_consumer.py",
    "tests/sinks/elasticsearch/test_sink.py",
)
GROUPS = (
    "tests/runtime/kafka/test_group_positions.py",
    "tests/runtime/kafka/test_membership.py",
)
LOSSES = ("tests/runtime/kafka/test_losses.py",)
AGE = ("tests/runtime/kafka/test_unread_age.py",)
TOPICS = ("tests/runtime/kafka/test_topic_configs.py",)
CONSUMER = ("tests/runtime/kafka/test_consumer.py",)
INTAKE = ("tests/processors/faust/test_intake.py",)
DIRECT = ("tests/processors/faust/test_direct_delivery.py",)
CLIENT = ("tests/runtime/kafka/test_client.py",)
LETTERS = ("tests/runtime/kafka/test_dead_letters.py",)

MUTANTS = (
    # --- one blocked index stops no other --------------------------------------------------------
    Mutant(
        "the offset of a record that waits is committed",
        "runtime/kafka/offset_holds.py",
        "offset = min([handled, *(hold.offset for hold in self._holds.get(tp, ()))])",
        "offset = handled",
        SINK,
    ),
    Mutant(
        "a hold outlives its partition",
        "runtime/kafka/offset_holds.py",
        "for known in (self._next, self._holds, self.positions):",
        "for known in (self._next, self.positions):",
        SINK,
    ),
    Mutant(
        "what was dropped of a partition that comes back is not read again",
        "runtime/kafka/consumer.py",
        "self.consumer.seek(tp, offset)",
        "return False",
        CONSUMER_FAULTS,
    ),
    Mutant(
        "a blocked index is waited for too long",
        "sinks/elasticsearch/writes/index_queues.py",
        "return now - queue.since >= self._wait_s",
        "return now - queue.since >= 2 * self._wait_s",
        QUEUES,
    ),
    Mutant(
        "an index is given up while the whole cluster is blocked",
        "sinks/elasticsearch/writes/index_blocks.py",
        "        self._insist(self._current_month_takes_writes)\n",
        "",
        SINK,
    ),
    Mutant(
        "an erased post that waited is written",
        "sinks/elasticsearch/writes/index_blocks.py",
        "due = self._still_due(queue, queue.parked[:_CHUNK])",
        "due = [each.operation for each in queue.parked[:_CHUNK]]",
        PARKED,
    ),
    Mutant(
        "the current month is parked",
        "sinks/elasticsearch/sink.py",
        "if self._blocked.is_current(operation.index):",
        "if False:",
        SINK,
    ),
    Mutant(
        "lag is counted from what was read",
        "runtime/kafka/consumer.py",
        "offset = self._uncommitted.first(tp)",
        "offset = None",
        LAG,
    ),
    Mutant(
        "an index is made from a template of others",
        "sinks/elasticsearch/indices/index_shape.py",
        "    if not found:\n        _check_next(client, names, index)\n",
        "    if not found:\n        pass\n",
        SINK,
    ),
    # --- a post is in one index, in its newest state, or deleted ---------------------------------
    Mutant(
        "a post that moved stays in its old index",
        "sinks/elasticsearch/placement.py",
        "        if copy.place != written.index\n",
        "        if False\n",
        PLACEMENT,
    ),
    Mutant(
        "a version ahead of the clock outlives its delete",
        "sinks/elasticsearch/placement.py",
        "return copy.version + 1 if means else 0",
        "return 0",
        PLACEMENT,
    ),
    Mutant(
        "a delete of a stranger is written",
        "sinks/elasticsearch/placement.py",
        "return in_order and event.id not in known.removed",
        "return False",
        PLACEMENT,
    ),
    Mutant(
        "a recorded delete does not hold",
        "sinks/elasticsearch/placement.py",
        "max(newest, known.removed.get(event.id, -1)) > version",
        "newest > version",
        PLACEMENT,
    ),
    Mutant(
        "an upsert of an erased author is written",
        "sinks/elasticsearch/placement.py",
        "or any(one is not None and one.covers(event.source, version, ingested) for one in erased)",
        "",
        PLACEMENT,
    ),
    Mutant(
        "a state of an alert brings an erased author back",
        "sinks/alerts/store.py",
        "if document is None or not self.erasures:",
        "if True:",
        STORE,
    ),
    # --- what Kafka deletes is counted, and warned of before -------------------------------------
    Mutant(
        "a partition without a position has lost nothing",
        "runtime/kafka/group_positions.py",
        "committed.get(tp, starts[tp] if is_new else 0)",
        "committed.get(tp, starts[tp])",
        GROUPS,
    ),
    Mutant(
        "a new group has no position before its first commit",
        "runtime/kafka/membership.py",
        "            if claim:\n",
        "            if False:\n",
        GROUPS,
    ),
    Mutant(
        "expired messages are counted at each look",
        "runtime/kafka/losses.py",
        ".inc(max(0, new))",
        ".inc(messages)",
        LOSSES,
    ),
    Mutant(
        "nobody is warned before messages expire",
        "runtime/kafka/losses.py",
        "is_near = unread.nearness >= NEAR",
        "is_near = False",
        LOSSES,
    ),
    Mutant(
        "the age of unread messages does not count",
        "runtime/kafka/unread_age.py",
        "return max(by_size, oldest / max(1.0, self.retention.seconds))",
        "return by_size",
        AGE,
    ),
    Mutant(
        "a topic of state that retention deletes from is taken",
        "runtime/kafka/topic_configs.py",
        'deletes = topic.cleanup == "compact" and "delete" in policy',
        "deletes = False",
        TOPICS,
    ),
    Mutant(
        "a service starts on a topic that deletes its state",
        "runtime/kafka/client.py",
        "if each.harm is Harm.RUIN:",
        "if False:",
        TOPICS,
    ),
    Mutant(
        "a short retention is no difference",
        "runtime/kafka/topic_configs.py",
        "if wanted is not None and kept is not None and 0 <= kept < int(wanted):",
        "if False:",
        TOPICS,
    ),
    Mutant(
        "the key of a letter is as long as a stranger wants",
        "runtime/kafka/dead_letters.py",
        "if key is None or len(key) <= MAX_KEY_BYTES:",
        "if True:",
        LETTERS,
    ),
    Mutant(
        "an author who is erased while the cluster waits is written",
        "sinks/elasticsearch/sink.py",
        "if self._monotonic() > until:",
        "if False:",
        PARKED,
    ),
    Mutant(
        "a batch that raises parks its messages twice",
        "sinks/elasticsearch/writes/index_blocks.py",
        "            for each in parked:\n                self._consumer.release(each.hold)\n",
        "",
        PARKED,
    ),
    # --- what Kafka skips is counted, and passed --------------------------------------------------
    Mutant(
        "a gap between two records is not seen",
        "runtime/kafka/offset_holds.py",
        "if record.offset > position:",
        "if False:",
        CONSUMER,
    ),
    Mutant(
        "what expired before the first record is not seen",
        "runtime/kafka/consumer.py",
        "if began is not None:",
        "if False:",
        CONSUMER,
    ),
    Mutant(
        "a message that expires is counted by its gap and by the look",
        "runtime/kafka/losses.py",
        "self._counted_to[partition] = after",
        "pass",
        LOSSES,
    ),
    Mutant(
        "the gap of a transaction counts as expired",
        "runtime/kafka/losses.py",
        "min(gap.after, start)",
        "gap.after",
        LOSSES,
    ),
    Mutant(
        "what is in memory counts as expired",
        "runtime/kafka/losses.py",
        "first = max(first, positions.get(partition, first))",
        "pass",
        GROUPS,
    ),
    Mutant(
        "a commit passes a message that is not handled",
        "processors/faust/direct_delivery.py",
        "if not acknowledged or min(acknowledged) > next_offset:",
        "if not acknowledged:",
        DIRECT,
    ),
    Mutant(
        "no commit passes a gap",
        "processors/faust/direct_delivery.py",
        "_, self._committed_offset[tp] = gaps.popleft()",
        "gaps.popleft()",
        DIRECT,
    ),
    Mutant(
        "a list from before a rebalance is enriched",
        "processors/faust/intake.py",
        "if fetched.generation == self._app.consumer_generation_id:",
        "if True:",
        INTAKE,
    ),
    Mutant(
        "a rebalance does not wait for the batch of an agent",
        "processors/faust/intake.py",
        "                self._app.consumer._unacked_messages.add(taken)\n",
        "",
        INTAKE,
    ),
    Mutant(
        "an intake keeps what a rebalance takes away",
        "processors/faust/intake.py",
        "        app.flow_control.manage_queue(self)\n",
        "",
        INTAKE,
    ),
    Mutant(
        "a client that finds no Kafka leaves its thread",
        "runtime/kafka/client.py",
        "            each.close()\n",
        "            pass\n",
        CLIENT,
    ),
    Mutant(
        "a socket that cannot connect stays open",
        "runtime/kafka/client.py",
        "            sock.close()\n",
        "            pass\n",
        CLIENT,
    ),
)
