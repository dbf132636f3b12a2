"""One rig per channel: the channel, its fake server, and how to make that server refuse."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from runtime.settings import AlertsSettings, ElasticsearchSettings
from sinks.alerts.channels.alertmanager import Alertmanager
from sinks.alerts.channels.base import Channel
from sinks.alerts.channels.http import Address, tls_context
from sinks.alerts.channels.mail import Email, Server
from sinks.alerts.channels.slack import Slack
from sinks.alerts.channels.webhook import IDEMPOTENCY, Webhook
from sinks.alerts.deliveries import Deliveries
from sinks.alerts.message.catalogue import Style
from sinks.alerts.service import ChannelWorker, group_of
from sinks.alerts.store import Index
from sinks.elasticsearch.connection import connect
from tests.runtime.kafka.fake_kafka import FakeKafka
from tests.servers.alert_index import AlertIndex
from tests.servers.http import Answer, FakeHttp
from tests.servers.smtp import SmtpServer
from tests.sinks.alerts.states import NOW

PATIENCE_S = 30
SECRET = "correct-horse-battery"
STYLE = Style("en")


def clock() -> datetime:
    return NOW


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def worker_of(
    channel: Channel,
    kafka: FakeKafka,
    settings: AlertsSettings,
    *,
    clock: Callable[[], datetime] = clock,
    monotonic: Callable[[], float] = time.monotonic,
) -> ChannelWorker:
    name, deliveries = channel.name, None
    if not channel.takes_all:
        deliveries = Deliveries(kafka.consumer(), kafka, "t.alert-deliveries", name)
    return ChannelWorker(
        channel,
        kafka.consumer(group_of(name)),
        kafka,
        deliveries,
        configured={name, "other"},
        topic_prefix="t.",
        settings=settings,
        clock=clock,
        monotonic=monotonic,
    )


def address(url: str, *secrets: str) -> Address:
    return Address(url, allow_private=True, timeout_s=5, secrets=secrets)


def version_of(title: str) -> int:
    """The tests number their titles, for channels without a version."""
    return int(title.rpartition("#")[2])


class Rig(ABC):
    """``with`` it: the server runs and ``channel`` speaks to it."""

    channel: Channel

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> "Rig":
        self.start(self._stack)
        return self

    def __exit__(self, *details: object) -> None:
        self.channel.close()
        self._stack.close()

    @abstractmethod
    def start(self, stack: ExitStack) -> None: ...

    @abstractmethod
    def busy(self, times: int) -> None:
        """Answer 'later' that often."""

    @abstractmethod
    def refuse(self) -> None:
        """Answer 'never' once."""

    @abstractmethod
    def delivered(self) -> list[tuple[str, int]]:
        """Alert id and version of what was accepted, in order."""


class _Http(Rig):
    def start(self, stack: ExitStack) -> None:
        self.desk = stack.enter_context(FakeHttp())
        self.channel = self.make(self.desk.url)

    @abstractmethod
    def make(self, url: str) -> Channel: ...

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.body) for request in self.desk.taken]

    def busy(self, times: int) -> None:
        # The second kind of trouble is a connection that ends without an answer.
        self.desk.answers += [Answer([503, 0, 429][number % 3]) for number in range(times)]

    def refuse(self) -> None:
        # A server that repeats what it was sent, secrets and all.
        self.desk.answers.append(Answer(400, f"no: {SECRET} {self.desk.url}/{SECRET}".encode()))


class WebhookRig(_Http):
    def make(self, url: str) -> Channel:
        where = address(f"{url}/hook?token={SECRET}", SECRET)
        return Webhook("desk", where, SecretStr(SECRET), STYLE, clock)

    def delivered(self) -> list[tuple[str, int]]:
        keys = [request.headers[IDEMPOTENCY] for request in self.desk.taken]
        assert keys == [body["idempotency_key"] for body in self.bodies]
        return [(body["alert"]["id"], body["alert"]["version"]) for body in self.bodies]


class SlackRig(_Http):
    def make(self, url: str) -> Channel:
        return Slack("desk", address(f"{url}/services/{SECRET}"), STYLE)

    def delivered(self) -> list[tuple[str, int]]:
        footers = [body["blocks"][-1]["elements"][0]["text"] for body in self.bodies]
        versions = [version_of(body["text"]) for body in self.bodies]
        ids = [footer.removeprefix("Alert ") for footer in footers]
        return list(zip(ids, versions, strict=True))


class EmailRig(Rig):
    def start(self, stack: ExitStack) -> None:
        self.smtp = stack.enter_context(SmtpServer())
        server = Server(
            host="127.0.0.1",
            port=self.smtp.port,
            security="none",
            timeout_s=5,
            context=tls_context(None, "desk"),
            password=SecretStr(SECRET),
        )
        self.channel = Email(
            "desk", server, "tocsin@desk.test", ["ana@desk.test", "ben@desk.test"], STYLE, clock
        )

    def busy(self, times: int) -> None:
        self.smtp.answers += ["451 try again later"] * times

    def refuse(self) -> None:
        self.smtp.answers.append(f"554 no such mail here {SECRET}")

    def delivered(self) -> list[tuple[str, int]]:
        states = []
        for mail in self.smtp.mails:
            body = mail.message.get_body(("plain",))
            assert body is not None
            id_ = body.get_content().strip().rpartition("Alert ")[2]
            states.append((id_, version_of(str(mail.message["Subject"]))))
        return states


class AlertmanagerRig(_Http):
    def make(self, url: str) -> Channel:
        # What is sent again while open has tests of its own.
        return Alertmanager(
            "desk",
            address(f"{url}/api/v2/alerts", SECRET),
            STYLE,
            labels={},
            hold_s=7_200,
            authorization=SecretStr(f"Bearer {SECRET}"),
            clock=clock,
        )

    def delivered(self) -> list[tuple[str, int]]:
        return [
            (entry["labels"]["alert"], int(entry["annotations"]["version"]))
            for (entry,) in self.bodies
        ]


class IndexRig(Rig):
    def start(self, stack: ExitStack) -> None:
        self.server = stack.enter_context(AlertIndex())
        client = connect(ElasticsearchSettings(url=self.server.url, request_timeout_s=20))
        self.channel = Index(client, "tocsin-alerts")

    def busy(self, times: int) -> None:
        self.server.answers += [[503, 429, 403][number % 3] for number in range(times)]

    def refuse(self) -> None:
        self.server.answers.append(400)

    def delivered(self) -> list[tuple[str, int]]:
        return [
            (id_, state["version"])
            for id_, document in self.server.documents.items()
            for state in document["states"]
        ]


RIGS: dict[str, type[Rig]] = {
    "webhook": WebhookRig,
    "slack": SlackRig,
    "email": EmailRig,
    "alertmanager": AlertmanagerRig,
    "index": IndexRig,
}
