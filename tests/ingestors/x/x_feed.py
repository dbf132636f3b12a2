"""Numbered posts of X, and sources with short waits."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from ingestors.source import Position
from ingestors.spool import Spool
from ingestors.x.reconnects import XWaits
from ingestors.x.rules import Rule
from ingestors.x.source import XSource
from ingestors.x.stream import XOptions
from runtime.clock import Clock
from schemas.ids import microseconds
from tests.ingestors.reading import join_threads
from tests.make import AT
from tests.servers.x_api import XServer, line, snowflake, tweet

NOW = datetime(2026, 1, 2, 4, 0, 0, tzinfo=UTC)
MADE = AT
MADE_MS = microseconds(MADE) // 1000
ID = snowflake(MADE_MS)
RULE = Rule('"Acme"', "tocsin:acme:1")
HELD = {"id": "1", "value": '"Acme"', "tag": "tocsin:acme:1"}
TOKEN = "AAAA%2Bsecret"
SHORT = XWaits(
    network_step_s=0.002,
    network_max_s=0.01,
    http_first_s=0.002,
    http_max_s=0.01,
    limited_first_s=0.002,
    limited_max_s=0.01,
)
Open = Callable[..., XSource]


def id_of(number: int) -> str:
    """The id of a post, ``number`` milliseconds after MADE."""
    return snowflake(MADE_MS + number)


def ids(*numbers: int) -> list[str]:
    return [f"x:{id_of(number)}" for number in numbers]


def line_of(number: int, text: str = "hello") -> bytes:
    return line(tweet(id_of(number), text))


def sent(number: int) -> bytes:
    """The line of a post with its line end."""
    return line_of(number) + b"\r\n"


@contextmanager
def opening(source_id: str) -> Iterator[Open]:
    """Opens sources, closes them twice, and checks that their threads end."""
    with ExitStack() as opened:

        def open_(
            server: XServer,
            *,
            rules: Sequence[Rule] | Callable[[], Sequence[Rule]] = (RULE,),
            spool: Spool | None = None,
            position: Position | None = None,
            clock: Clock = lambda: NOW,
            **options: Any,
        ) -> XSource:
            short = {"waits": SHORT, "wait_s": 0.1, "batch_within_s": 0.02}
            source = XSource(
                SecretStr(TOKEN),
                rules,
                XOptions(url=server.url, **(short | options)),
                spool=spool,
                source_id=source_id,
                clock=clock,
            )
            opened.callback(source.close)
            opened.callback(source.close)
            source.open(position)
            return source

        yield open_
    join_threads("x-stream")
    join_threads("x-rules")
