"""Bare clients that move and index the same posts: what the engines cost without tocsin.

Runs in an environment of its own (``make bench`` makes it), so it imports nothing of tocsin:

    python bare_clients.py {bare,quix} KAFKA ELASTICSEARCH FILE

``bare``: confluent-kafka produces the posts, another consumer reads them and writes each whole post
to Elasticsearch by bulk, into a closed mapping of twelve fields. ``quix``: quixstreams decodes each
post, filters, and produces it to another topic; nothing is indexed. Prints the seconds as JSON.
"""

import json
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FIELDS = {
    "keyword": ("id", "source", "kind", "url", "hashtags", "mentions", "links"),
    "text": ("text", "title"),
    "date": ("created_at",),
    "object": ("author", "metrics"),
}
BATCH = 1_000


def mapping() -> dict[str, Any]:
    kinds = {name: kind for kind, names in FIELDS.items() for name in names}
    properties = {
        name: {"type": kind} | ({"enabled": False} if kind == "object" else {})
        for name, kind in kinds.items()
    }
    return {
        "settings": {"number_of_shards": 1, "number_of_replicas": 0},
        "mappings": {"dynamic": False, "properties": properties},
    }


def produce(kafka: str, topic: str, lines: list[bytes]) -> None:
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": kafka})
    for made in admin.create_topics([NewTopic(topic, 8, 1)]).values():
        made.result()
    producer = Producer(
        {
            "bootstrap.servers": kafka,
            "enable.idempotence": True,
            "linger.ms": 20,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    for number, line in enumerate(lines):
        producer.produce(topic, line, str(number).encode())
    producer.flush()


def batches(kafka: str, topic: str, count: int) -> Iterator[list[bytes]]:
    from confluent_kafka import Consumer

    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": topic,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    read = 0
    while read < count:
        # The others are errors: a topic that is still new, a rebalance.
        messages = [each for each in consumer.consume(BATCH, 0.5) if each.error() is None]
        if messages:
            yield [message.value() for message in messages]
            read += len(messages)
            consumer.commit(asynchronous=True)
    consumer.close()


def bare(kafka: str, elasticsearch: str, lines: list[bytes]) -> float:
    import msgspec
    import urllib3

    class Event(msgspec.Struct):
        id: str
        post: msgspec.Raw

    topic, decode = f"bare{uuid.uuid4().hex[:6]}", msgspec.json.Decoder(Event).decode
    http = urllib3.PoolManager()
    made = http.request("PUT", f"{elasticsearch}/{topic}", json=mapping())
    assert made.status < 300, made.data
    began = time.monotonic()
    produce(kafka, topic, lines)
    for values in batches(kafka, topic, len(lines)):
        body = []
        for event in map(decode, values):
            body += [b'{"index":{"_id":"', event.id.encode(), b'"}}\n', bytes(event.post), b"\n"]
        answer = http.request(
            "POST",
            f"{elasticsearch}/{topic}/_bulk?filter_path=errors",
            body=b"".join(body),
            headers={"content-type": "application/x-ndjson"},
        )
        assert answer.data == b'{"errors":false}', answer.data[:300]
    seconds = time.monotonic() - began
    http.request("DELETE", f"{elasticsearch}/{topic}")
    return seconds


def quix(kafka: str, lines: list[bytes]) -> float:
    from quixstreams import Application

    topic = f"quix{uuid.uuid4().hex[:6]}"
    began = time.monotonic()
    produce(kafka, topic, lines)
    app = Application(
        broker_address=kafka, consumer_group=topic, auto_offset_reset="earliest", loglevel="ERROR"
    )
    frame = app.dataframe(app.topic(topic, value_deserializer="json"))
    frame = frame.filter(lambda event: event.get("post") is not None)
    frame.apply(lambda event: event["post"]).to_topic(
        app.topic(f"{topic}-out", value_serializer="json")
    )
    app.run(count=len(lines), timeout=60)
    return time.monotonic() - began


def main() -> None:
    mode, kafka, elasticsearch, file = sys.argv[1:]
    lines = Path(file).read_bytes().splitlines()
    seconds = bare(kafka, elasticsearch, lines) if mode == "bare" else quix(kafka, lines)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
