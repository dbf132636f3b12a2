"""Texts of the public call nobody, neither in Slack nor in the servers that are compatible."""

import re

import msgspec
import pytest
from msgspec.structs import replace

from schemas.alert import Alert, ShownPost
from sinks.alerts.channels.slack import Slack, slack_blocks
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import Report, Section, Span
from sinks.alerts.message.report import report
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


def shown(alert: Alert, *urls: str) -> Alert:
    """The alert with a shown post for each address."""
    (first, *_) = alert.evidence.shown
    posts: list[ShownPost] = [
        replace(first, id=f"x:{number}", url=url) for number, url in enumerate(urls)
    ]
    return replace(alert, evidence=replace(alert.evidence, shown=posts))


def sections(alert: Alert) -> dict[str, list[str]]:
    """Heading to lines, as Slack gets them."""
    blocks = slack_blocks(report(alert, Style("en")))
    found = {}
    for block in blocks:
        if block["type"] == "section":
            text = block["text"]
            assert isinstance(text, dict)
            assert 0 < len(text["text"]) <= 3_000
            heading, *lines = text["text"].split("\n")
            found[heading.strip("*")] = lines
    return found


@pytest.mark.parametrize("filling", ["&", "&amp;", "%26", "a", "é"])
@pytest.mark.parametrize("count", [1, 10])
def test_a_long_address_takes_no_post_out_of_the_message(filling: str, count: int) -> None:
    url = "https://forum.example/t?" + (filling * 990)[:970]
    plain = "https://forum.example/t/1"
    lines = sections(shown(rich(), *[url] * count, plain))["Posts"]
    ids = [f"x:{number}" for number in range(count + 1)]
    for id_ in ids[:10]:
        assert any(id_ in line for line in lines), (id_, lines)
    if count == 1:
        assert any(f"<{plain}|x:1>" in line for line in lines), "a short address stays a link"
    assert "…" not in lines[-1] or count == 10


def test_a_link_is_whole_or_none() -> None:
    url = "https://forum.example/t?" + "&" * 900
    (line, *_) = sections(shown(rich(), url))["Posts"]
    assert "<http" not in line
    assert "(forum.example/…)" in line


@pytest.mark.parametrize("text", ["&" * 3_000, "*" * 2_000, "x" * 5_000, "@" * 4_000])
def test_a_line_without_end_is_cut_and_the_next_one_stays(text: str) -> None:
    blocks = slack_blocks(
        Report("title", "flag", "en", [Section("Posts", [(Span(text),), (Span("next"),)])], "id")
    )
    written = blocks[1]["text"]
    assert isinstance(written, dict)
    _, first, second = written["text"].split("\n")
    assert len(written["text"]) <= 3_000
    assert first.endswith("…")
    assert second == "• next"
    assert not re.search(r"&(?!amp;)", first), "no escape is cut in two"
