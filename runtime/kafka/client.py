"""Connections, producers, consumers and topics; the context managers turn errors into sentences.

Delivery depends on idempotence and ``acks=all``, so both are named, though they are the defaults.
"""

import contextlib
import socket
import ssl
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket

from runtime.kafka.protocols import OutgoingRecord, Producer
from runtime.kafka.topic_configs import (
    Difference,
    Harm,
    configs,
    differences,
    is_readable,
    unreadable_compression,
)
from runtime.logs import get_logger
from runtime.settings import KafkaSettings
from schemas.errors import ConfigurationError, ServiceUnavailable, TocsinError
from schemas.topic_registry import Topic
from schemas.topic_registry import topics as all_topics

log = get_logger("kafka")
MAX_MESSAGE_BYTES = 4 * 2**20
"""The largest message of any topic: a dead letter, its payload in base64."""
_DIRECT: Final = "direct://"


def tls_context(settings: KafkaSettings) -> ssl.SSLContext | None:
    """The TLS context, or None where the protocol is plain text."""
    if "SSL" not in settings.security_protocol:
        return None
    try:
        context = ssl.create_default_context(
            cafile=str(settings.ssl_cafile) if settings.ssl_cafile else None
        )
        if settings.ssl_certfile is not None:
            context.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile)
    except OSError as error:
        raise ConfigurationError(
            f"the TLS files of TOCSIN_KAFKA_SSL_* cannot be read: {error}"
        ) from None
    return context


def sasl_login(settings: KafkaSettings) -> tuple[str, str] | None:
    """User and password where the protocol is SASL, or None."""
    if "SASL" not in settings.security_protocol:
        return None
    if settings.sasl_username is None or settings.sasl_password is None:
        raise ConfigurationError(
            f"TOCSIN_KAFKA_SECURITY_PROTOCOL is {settings.security_protocol}; set "
            "TOCSIN_KAFKA_SASL_USERNAME and TOCSIN_KAFKA_SASL_PASSWORD (or ..._PASSWORD_FILE)"
        )
    return settings.sasl_username, settings.sasl_password.get_secret_value()


def connection(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """The connection options of kafka-python and aiokafka."""
    config: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "client_id": f"tocsin-{client_id}",
        "security_protocol": settings.security_protocol,
    }
    context = tls_context(settings)
    if context is not None:
        config["ssl_context"] = context
    if (login := sasl_login(settings)) is not None:
        config["sasl_mechanism"] = settings.sasl_mechanism
        config["sasl_plain_username"], config["sasl_plain_password"] = login
    return config


class ClosingSocket(KafkaNetSocket):  # type: ignore[misc]
    """The proxy that is none: kafka-python's socket, closed where it cannot connect.

    kafka-python 3 leaves such a socket to the garbage collector, so a client of a dead broker
    gathers descriptors. It finds its proxies by the scheme of ``proxy_url``.
    """

    SCHEMES = ("direct",)

    async def sock_connect(
        self, net: Any, sock: socket.socket, sockaddr: Any, timeout_at: float | None = None
    ) -> Any:
        try:
            return await super().sock_connect(net, sock, sockaddr, timeout_at)
        except BaseException:
            sock.close()
            raise


def _opened(kind: Callable[..., Any], config: Mapping[str, Any]) -> Any:
    """A client. If Kafka does not answer, its thread is ended and its descriptors are closed."""
    made: list[KafkaNetClient] = []

    def make(**options: Any) -> KafkaNetClient:
        made.append(KafkaNetClient(**options))
        return made[-1]

    try:
        return kind(**config, kafka_client=make)
    except BaseException:
        for each in made:
            each.close()
        raise


BOOTSTRAP_S = 10.0
"""How long a client waits for the first answer of Kafka."""


def _connection(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    own = {"bootstrap_timeout_ms": int(BOOTSTRAP_S * 1000), "proxy_url": _DIRECT}
    return {**connection(settings, client_id), **own}


def admin_client(
    settings: KafkaSettings, bootstrap_s: float = BOOTSTRAP_S, **overrides: Any
) -> KafkaAdminClient:
    """An admin client, which gives up after ``bootstrap_s`` without an answer."""
    bootstrap = {"bootstrap_timeout_ms": int(bootstrap_s * 1000)}
    return _opened(KafkaAdminClient, {**_connection(settings, "admin"), **bootstrap, **overrides})


@contextlib.contextmanager
def kafka_errors(settings: KafkaSettings) -> Iterator[None]:
    """Turn the client's exceptions into one sentence with a remedy.

    What the client raises on an answer that it cannot read is one, too; our own errors pass.
    """
    try:
        yield
    except TocsinError:
        raise
    except UnsupportedCodecError as error:
        raise ConfigurationError(unreadable_compression(error)) from None
    except (KafkaError, OSError) as error:
        where = f"Kafka at {settings.bootstrap_servers} does not answer ({told(error)})"
        hint = "start one with 'tocsin up', or correct TOCSIN_KAFKA_BOOTSTRAP_SERVERS"
        raise ServiceUnavailable(f"{where}; {hint}") from None
    except Exception as error:
        if "kafka" not in Path(traceback.extract_tb(error.__traceback__)[-1].filename).parts:
            raise
        raise ServiceUnavailable(
            f"Kafka at {settings.bootstrap_servers} gave an answer that tocsin does not understand "
            f"({told(error)}); docs/operations.md names the versions that work"
        ) from None


def told(error: BaseException) -> str:
    """An exception in words, once: kafka-python's texts repeat the name of their class."""
    name, text = type(error).__name__, " ".join(str(error).split())
    while text.startswith(f"{name}:"):
        text = text.removeprefix(f"{name}:").strip()
    return name if text in ("", name) else f"{name}: {text}"


def producer(
    settings: KafkaSettings, client_id: str, delivery_timeout_s: float = 120.0, **overrides: Any
) -> KafkaProducer:
    """An idempotent producer that waits for all in-sync replicas.

    ``delivery_timeout_s``: how long one message is retried before its future fails.
    """
    config = {
        **_connection(settings, client_id),
        "metrics_enabled": False,
        "acks": "all",
        "enable_idempotence": True,
        "allow_auto_create_topics": False,
        "linger_ms": 20,
        "batch_size": 2**17,
        "max_request_size": MAX_MESSAGE_BYTES,
        "request_timeout_ms": int(min(30.0, delivery_timeout_s / 2) * 1000),
        "delivery_timeout_ms": int(delivery_timeout_s * 1000),
        "max_block_ms": int(delivery_timeout_s * 1000),
        "reconnect_backoff_max_ms": 2_000,
        **overrides,
    }
    with kafka_errors(settings):
        return _opened(KafkaProducer, config)


def consumer(
    settings: KafkaSettings, client_id: str, group: str | None = None, **overrides: Any
) -> KafkaConsumer:
    """A consumer without auto-commit; a new group starts at the beginning."""
    config = {
        **_connection(settings, client_id),
        "metrics_enabled": False,
        "group_id": None if group is None else settings.group_prefix + group,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "allow_auto_create_topics": False,
        "max_partition_fetch_bytes": MAX_MESSAGE_BYTES,
        "session_timeout_ms": 15_000,
        "reconnect_backoff_max_ms": 2_000,
        **overrides,
    }
    with kafka_errors(settings):
        return _opened(KafkaConsumer, config)


def deliver(sender: Producer, records: Iterable[OutgoingRecord]) -> int:
    """Send records and wait for each acknowledgement; returns how many. Raises ``KafkaError``."""
    deliveries = [
        sender.send(record.topic, key=record.key, value=record.value, headers=list(record.headers))
        for record in records
    ]
    for delivery in deliveries:
        delivery.get(timeout=60)
    return len(deliveries)


def publish(
    settings: KafkaSettings, client_id: str, records: Iterable[OutgoingRecord], what: str
) -> int:
    """Deliver records with a producer of their own; returns how many.

    Raises :class:`ServiceUnavailable`, which names the records as ``what``.
    """
    sender = producer(settings, client_id, delivery_timeout_s=30)
    try:
        return deliver(sender, records)
    except KafkaError as error:
        raise ServiceUnavailable(
            f"Kafka did not acknowledge {what} ({error!r}); try again"
        ) from None
    finally:
        sender.close(timeout=5)


@contextlib.contextmanager
def open_consumer(
    settings: KafkaSettings, client_id: str, group: str | None = None
) -> Iterator[KafkaConsumer]:
    """A consumer that is closed at the end; Kafka's errors become one sentence."""
    with kafka_errors(settings), contextlib.closing(consumer(settings, client_id, group)) as client:
        yield client


@contextlib.contextmanager
def admin(settings: KafkaSettings, bootstrap_s: float = BOOTSTRAP_S) -> Iterator[KafkaAdminClient]:
    """An admin client that is closed at the end; Kafka's errors become one sentence."""
    with kafka_errors(settings), contextlib.closing(admin_client(settings, bootstrap_s)) as client:
        yield client


def close(sender: Any, timeout_s: float) -> None:
    """Close a producer; what Kafka does not take meanwhile was never acknowledged."""
    with contextlib.suppress(KafkaError, OSError):
        sender.close(timeout=timeout_s)


def setup_topics(settings: KafkaSettings, topics: Iterable[Topic]) -> list[str]:
    """Create the missing topics and return their names. Existing topics stay as they are."""
    with admin(settings) as client:
        existing = set(client.list_topics())
        missing = {
            name: NewTopic(
                name,
                num_partitions=settings.partitions or topic.partitions,
                replication_factor=settings.replication,
                topic_configs=configs(topic, settings.replication),
            )
            for topic in topics
            if (name := settings.topic_prefix + topic.name) not in existing
        }
        if missing:
            client.create_topics(list(missing.values()))
            client.wait_for_topics(list(missing))
        return list(missing)


def topic_settings(
    client: KafkaAdminClient, names: Iterable[str]
) -> dict[str, dict[str, str | None]]:
    """Topic (with its prefix) to its settings, as far as the broker tells them to this user."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(names)]
    try:
        described = client.describe_configs(resources, config_filter="all") if resources else {}
    except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
        log.warning("the settings of topics are not checked: this user lacks DescribeConfigs")
        return {}
    return {
        topic: {name: entry.get("value") for name, entry in entries.items()}
        for topic, entries in described.get("topic", {}).items()
    }


def message_limits(settings: KafkaSettings, names: Collection[str]) -> dict[str, int]:
    """Topic (without the prefix) to the bytes of the largest message that Kafka takes for it.

    An idempotent producer of kafka-python sends nothing more after a message that Kafka calls too
    large, so none may be sent. Topics whose limit this user may not see are left out.
    """
    with admin(settings) as client:
        found = topic_settings(client, {settings.topic_prefix + name for name in names})
    limits = {name: str(values.get("max.message.bytes")) for name, values in found.items()}
    return {
        name.removeprefix(settings.topic_prefix): int(limit)
        for name, limit in limits.items()
        if limit.isdigit()
    }


def topic_differences(
    client: KafkaAdminClient, prefix: str, topics: Iterable[Topic]
) -> dict[str, list[Difference]]:
    """Topic (with its prefix) to what is wrong with its settings; topics that exist only."""
    wanted = {prefix + topic.name: topic for topic in topics}
    described = {entry["name"]: entry for entry in client.describe_topics(sorted(wanted))}
    values = topic_settings(client, described.keys() & wanted.keys())
    return {
        name: list(differences(found, wanted[name], _replication(described[name])))
        for name, found in values.items()
    }


def _replication(described: Mapping[str, Any]) -> int:
    """The copies of a topic's partition that has the fewest."""
    counts = [len(each.get("replica_nodes") or ()) for each in described.get("partitions") or ()]
    return min(counts, default=1)


def repair_topics(
    settings: KafkaSettings, found: Mapping[str, Collection[Difference]]
) -> list[str]:
    """Give topics (with the prefix) the settings of the registry; returns the changed ones."""
    with admin(settings) as client:
        resources = [
            ConfigResource(
                ConfigResourceType.TOPIC, name, {each.setting: each.wanted for each in those}
            )
            for name, those in found.items()
            if those
        ]
        if resources:
            client.alter_configs(resources)
        return [resource.name for resource in resources]


def check_topics(settings: KafkaSettings, names: Collection[str]) -> None:
    """Raise unless Kafka answers and has these topics (without the prefix), readable here.

    Topics whose settings lose messages in an outage are logged; ones that delete state are refused.
    """
    with admin(settings) as client:
        present = set(client.list_topics())
        wanted = present & {settings.topic_prefix + name for name in names}
        for name, values in topic_settings(client, wanted).items():
            if not is_readable(values.get("compression.type")):
                codec = values["compression.type"]
                raise ConfigurationError(f"{name}: {unreadable_compression(ValueError(codec))}")
        registry = [topic for name, topic in all_topics().items() if name in names]
        found = topic_differences(client, settings.topic_prefix, registry) if wanted else {}
    missing = [name for name in names if settings.topic_prefix + name not in present]
    if missing:
        raise ConfigurationError(
            f"Kafka has no topic {settings.topic_prefix}{missing[0]}; run 'tocsin topics setup'"
        )
    judge_topics(found)


def judge_topics(found: Mapping[str, Collection[Difference]]) -> None:
    """Log differences that lose messages; raises for one that deletes state."""
    for name, those in found.items():
        for each in those:
            if each.harm is Harm.RUIN:
                raise ConfigurationError(
                    f"topic {name} {each.text}, with 'tocsin topics setup --repair'"
                )
            if each.harm is Harm.LOSS:
                log.warning(
                    "a topic can lose messages; 'tocsin topics setup --repair' corrects it",
                    topic=name,
                    what=each.text,
                )
