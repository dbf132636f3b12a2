"""Whether servers answer, asked the way their clients will ask."""

from __future__ import annotations

import contextlib
import http.client

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import KafkaConfigurationError, KafkaError, TopicAlreadyExistsError

READY_TOPIC = "_tocsin_ready"


def can_produce(bootstrap: str) -> bool:
    """Whether a topic can be made, a record be produced, and a group find its coordinator.

    A broker answers metadata requests before it can do either; whoever starts then meets
    retriable errors in the first seconds. The topic that this takes is removed again.
    """
    quick = {
        "bootstrap_servers": bootstrap,
        "request_timeout_ms": 5000,
        "bootstrap_timeout_ms": 2000,
    }
    with contextlib.ExitStack() as cleanup:
        try:
            admin = KafkaAdminClient(**quick)
            cleanup.callback(admin.close)
            with contextlib.suppress(TopicAlreadyExistsError):
                admin.create_topics([NewTopic(READY_TOPIC, 1, 1)])
            producer = KafkaProducer(**quick, acks="all", max_block_ms=3000)
            cleanup.callback(producer.close, timeout=1)
            producer.send(READY_TOPIC, b"ready").get(timeout=5)
            admin.list_group_offsets([READY_TOPIC])
            admin.delete_topics([READY_TOPIC])
        except KafkaConfigurationError:
            raise  # our mistake, which no waiting mends
        except (KafkaError, OSError):
            return False
    return True


def has_shards(port: int) -> bool:
    """Whether a node on loopback has a master and all its primary shards are allocated."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=2s")
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return answer.status == 200
