"""Addresses: every link keeps what the page is about, and changes one thing."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import TEXT
from tower.pages.view import KEPT, View
from tower.pages.vocabulary import Words
from tower.questions.question import Ask
from tower.security.users import Person

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def view(params: dict[str, str] | None = None, **more: Any) -> View:
    given = params or {}
    return View(
        page="live", path="/live", params=given, ask=Ask(q=given.get("q", "")), words=Words("en"),
        person=Person("ana", "desk"), now=NOW, **{"extra": {}, **more},
    )  # fmt: skip


def read(address: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(address)
    found = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    return parts.path, {name: values[0] for name, values in found.items()}


@given(st.dictionaries(st.sampled_from(KEPT), TEXT.filter(bool)), TEXT.filter(bool))
def test_a_link_keeps_every_parameter_whatever_is_in_it(params: dict[str, str], text: str) -> None:
    made = view(params)
    assert read(made.link("/world")) == ("/world", params)
    assert read(made.link("/world", tz=text)) == ("/world", {**params, "tz": text})
    without = {name: value for name, value in params.items() if name != "q"}
    assert read(made.link("/world", q=None)) == ("/world", without)
    path, api = read(made.api("volume", ".csv", most=7))
    assert path == "/api/v1/volume.csv"
    assert "lang" not in api and api["most"] == "7"


def test_a_page_keeps_its_own_parameters_and_another_does_not() -> None:
    wall = view({"q": "panne"}, extra={"order": "widest"})
    assert read(wall.link(None)) == ("/live", {"q": "panne", "order": "widest"})
    assert read(wall.link("/world")) == ("/world", {"q": "panne"})


def test_a_window_replaces_the_one_before() -> None:
    fixed = view({"q": "x", "since": "a", "until": "b"})
    assert read(fixed.window("7d")) == ("/live", {"q": "x", "last": "7d"})
    moment = view({"last": "7d"}).moment(NOW, NOW.replace(hour=13), "/world")
    assert read(moment) == (
        "/world", {"since": "2026-03-02T12:00:00Z", "until": "2026-03-02T13:00:00Z"}
    )  # fmt: skip


def test_a_click_goes_in_and_out_of_the_query() -> None:
    made = view({"q": "panne"})
    address = made.clause("lang:fr")
    assert address is not None
    assert read(address) == ("/live", {"q": "panne AND lang:fr"})
    assert not made.has("lang:fr")
    narrowed = view({"q": "panne AND lang:fr"})
    assert narrowed.has("lang:fr")
    assert read(str(narrowed.clause("lang:fr"))) == ("/live", {"q": "panne"})
    assert made.clause(None) is None and not made.has(None)


def test_a_window_is_live_while_it_has_no_end() -> None:
    assert view().live
    ended = View(**{**vars(view()), "ask": Ask(until=NOW)})
    assert not ended.live
