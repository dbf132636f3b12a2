"""Whatever a stranger writes, a browser reads one event with that in it, and no other."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import JSON, TEXT
from tests.tower.live.sse_parser import Dispatched, SseParser, parsed
from tower.live.event_format import (
    KEEP_ALIVE,
    MAX_POSITION,
    EventName,
    encoded,
    number_of,
    written,
)

SESSION = "0123abcd"
NAMES = st.sampled_from(get_args(EventName))
FORGED = [
    "\n\ndata: {}\n\n",
    "\n\nevent: gone\ndata: {}\n\n",
    "\r\revent: gone\rdata: {}\r\r",
    "\r\n\r\nid: 0123abcd-9\r\n",
    "\u2028\u2028data: x\u2029",
    "\x85\x85event: gone\x85",
    "\x0b\x0cid: 7\x0b\x0c",
    "\ufeffdata: x",
    ": alive\n\n",
    "retry: 1\n\n",
    "\x00\n\x00\n",
]


@pytest.mark.parametrize("text", FORGED)
def test_a_body_cannot_forge_an_event(text: str) -> None:
    event = encoded("post", {"html": text, "key": text}, 7)
    (found,) = parsed(written(event, SESSION))
    assert (found.type, found.last_event_id) == ("post", f"{SESSION}-7")
    assert msgspec.json.decode(found.data) == {"html": text, "key": text}
    assert written(event, SESSION).count(b"\n") == 4


@given(st.lists(st.tuples(NAMES, st.dictionaries(TEXT, JSON, max_size=4), st.integers(0, 2**53))))
def test_a_browser_reads_what_was_written(
    sent: list[tuple[EventName, dict[str, object], int]],
) -> None:
    stream = b"retry: 2000\n\n" + KEEP_ALIVE
    wanted, last = [], ""
    for name, body, number in sent:
        event = encoded(name, body, number)
        stream += written(event, SESSION) + KEEP_ALIVE
        last = f"{SESSION}-{number}" if number else last
        wanted.append(Dispatched(name, event.data.decode(), last))
    assert parsed(stream) == wanted
    # In whatever pieces it comes.
    parser = SseParser()
    for place in range(len(stream)):
        parser.feed(stream[place : place + 1])
    assert parser.events == wanted
    assert parser.retry_ms == 2000
    for found, (_, body, _) in zip(wanted, sent, strict=True):
        assert msgspec.json.decode(found.data) == msgspec.json.decode(msgspec.json.encode(body))


@given(st.integers(1, 2**53))
def test_a_number_is_read_back(number: int) -> None:
    (found,) = parsed(written(encoded("post", {}, number), SESSION))
    assert number_of(found.last_event_id, SESSION) == number
    assert number_of(found.last_event_id, "ffffffff") is None


@given(st.text(max_size=60) | st.builds("{}-{}".format, st.just(SESSION), st.text(max_size=30)))
def test_any_position_is_a_number_of_ours_or_none(text: str) -> None:
    number = number_of(text[:MAX_POSITION], SESSION)
    if number is not None:
        assert text.startswith(f"{SESSION}-")
        assert 0 <= number < 10**18


@pytest.mark.parametrize("text", ["", "-", SESSION, f"{SESSION}-", f"{SESSION}--1", f"{SESSION}-٣"])
def test_a_position_that_is_not_ours_has_no_number(text: str) -> None:
    assert number_of(text, SESSION) is None
