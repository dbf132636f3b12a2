"""Texts of the public call nobody, neither in Slack nor in the servers that are compatible."""

import re

import msgspec
import pytest

from schemas.alert import Alert
from sinks.alerts.channels.slack import Slack
from sinks.alerts.message.catalogue import Style
from tests.servers.http import FakeHttp
from tests.sinks.alerts.channels.rigs import address
from tests.sinks.alerts.states import rich, state

PINGS = ["@channel", "@here", "@all", "@everyone", "@ana", "<!channel>", "<@U123>", "<!here|x>"]


def posted(alert: Alert) -> str:
    with FakeHttp() as desk:
        Slack("chat", address(desk.url), Style("en")).deliver(alert, None)
        (request,) = desk.taken
    return str(msgspec.json.decode(request.body))


def evil(alert: Alert, ping: str) -> Alert:
    """The alert with ``ping`` in every text, also behind a first letter."""
    built = msgspec.to_builtins(alert)

    def filled(value: object, name: str = "") -> object:
        if isinstance(value, dict):
            return {key: filled(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner, name) for inner in value]
        if isinstance(value, str) and name in ("title", "text", "name", "term", "brand", "label"):
            return f"{value} {ping} x{ping}"
        if isinstance(value, str) and name == "url":
            return f"{value}/{ping}"
        return value

    return msgspec.convert(filled(built), Alert)


@pytest.mark.parametrize("ping", PINGS)
def test_nobody_is_called(ping: str) -> None:
    for alert in (state(1), rich()):
        written = posted(evil(alert, ping))
        assert ping.strip("<>@!").partition("|")[0] in written, "the text is there"
        assert not re.search(r"@(?!\u200b)\w", written)
        assert "<!" not in written and "<@" not in written


def test_an_address_still_leads_where_it_did() -> None:
    written = posted(evil(rich(), "@ana"))
    assert "/%40ana|" in written
