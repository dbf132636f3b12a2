"""Acts on an alert: what they change, what another person's act means for them, and the index."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from hypothesis import given
from hypothesis import strategies as st

from runtime.settings import ElasticsearchSettings, load
from schemas.errors import ConfigurationError, ServiceUnavailable
from sinks.alerts.store import merged, read, with_desk
from sinks.alerts.triage import MAX_TEXT, AlertDocument, desk_of
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup
from tests import make
from tests.strategies import ANY_TEXT
from tests.tocsin.local.stack.records import quiet
from tower.desk.alert_acts import (
    ACTS,
    MAX_NAME,
    Act,
    NoSuchAlert,
    Request,
    SomebodyElse,
    changed,
    perform,
    request_of,
)

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = "velmora/1 é"
GIVEN = {"to": "chloé", "text": "rung", "verdict": "right"}


def document(severity: int = 3) -> AlertDocument:
    made = merged(make.alert(id=ID, severity=severity), None)
    assert made is not None
    return made


def after(source: AlertDocument, act: Act, by: str, **given: str) -> AlertDocument:
    return with_desk(source, changed(request_of(act, by, {**GIVEN, **given}), source, AT))


# --- the request ------------------------------------------------------------------------------


FORMS = st.dictionaries(st.sampled_from(["to", "text", "verdict", "seen"]), ANY_TEXT)


@given(st.sampled_from(ACTS), FORMS)
def test_any_form_is_a_request_within_limits_or_a_sentence(act: Act, form: dict[str, str]) -> None:
    try:
        request = request_of(act, "ana", form)
    except ConfigurationError as error:
        assert str(error)
        return
    assert request.text is None or 0 < len(request.text) <= MAX_TEXT
    assert request.to is None or 0 < len(request.to) <= MAX_NAME
    assert request.seen is None or request.seen >= 0
    # It can be done, whatever it says.
    desk = changed(request, document(), AT)
    assert (desk.history[-1].by, desk.history[-1].at) == ("ana", AT)


def test_what_an_act_must_say() -> None:
    for act, form in (("assign", {}), ("note", {"text": " "}), ("verdict", {"verdict": "x"})):
        with pytest.raises(ConfigurationError):
            request_of(act, "ana", form)  # type: ignore[arg-type]
    for seen in ("x", "-1", "1.5", "²", "1" * 9):
        with pytest.raises(ConfigurationError, match="number of entries"):
            request_of("ack", "ana", {"seen": seen})


# --- what somebody else did -------------------------------------------------------------------


@pytest.mark.parametrize("act", ["ack", "assign", "close", "verdict"])
def test_an_act_on_what_was_not_seen_is_refused(act: Act) -> None:
    seen = after(document(), "note", "ben")
    now = after(seen, "assign", "ben", to="dora")
    with pytest.raises(SomebodyElse, match="ben: assigned dora"):
        changed(request_of(act, "ana", {**GIVEN, "seen": "1"}), now, AT)
    # With the same history as the person saw, or without a number, it is done.
    for form in ({"seen": "2"}, {}):
        assert changed(request_of(act, "ana", {**GIVEN, **form}), now, AT).history[-1].by == "ana"


def test_ones_own_acts_are_no_surprise() -> None:
    now = after(document(), "note", "ana")
    assert changed(request_of("ack", "ana", {"seen": "0"}), now, AT).acknowledged_by == "ana"


def test_a_note_is_written_whatever_happened() -> None:
    now = after(after(document(), "ack", "ben"), "close", "ben")
    desk = changed(request_of("note", "ana", {"text": "late", "seen": "0"}), now, AT)
    assert [entry.did for entry in desk.history] == ["acknowledged", "closed", "noted"]
    assert (desk.acknowledged_by, desk.closed_by) == ("ben", "ben")


def test_what_cannot_be_done_twice_is_refused() -> None:
    acknowledged = after(document(), "ack", "ben")
    with pytest.raises(SomebodyElse, match="already acknowledged by ben"):
        changed(request_of("ack", "ana", {}), acknowledged, AT)
    closed = after(document(), "close", "ben")
    with pytest.raises(SomebodyElse, match="already closed by ben"):
        changed(request_of("close", "ana", {}), closed, AT)
    # A graver state opens it again.
    assert changed(request_of("close", "ana", {}), {**closed, "severity": 5}, AT).closed_by == "ana"


# --- the index --------------------------------------------------------------------------------


class Desk:
    """The index of alerts with one alert."""

    def __init__(self, url: str) -> None:
        self.settings = load(ElasticsearchSettings, url=url, index_prefix="acts-")
        self.names = IndexNames(self.settings)
        self.client: Elasticsearch = connect(self.settings)
        setup(self.client, self.settings, quiet)
        self.client.index(index=self.names.alerts, id=ID, document=document(), refresh=True)

    def act(self, act: Act, by: str, **given: str) -> Any:
        request = request_of(act, by, {**GIVEN, **given})
        return perform(self.client, self.settings, self.names.alerts, ID, request, AT)

    def desk(self) -> Any:
        stored = read(self.client, self.names.alerts, ID)
        assert stored is not None
        return desk_of(stored.source)


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    desk = Desk(url)
    yield desk
    desk.client.close()


@pytest.mark.embedded
def test_an_act_is_written_and_found_at_once(desk: Desk) -> None:
    for act in ACTS:
        written = desk.act(act, "ana")
        assert desk_of(written) == desk.desk()
    assert len(desk.desk().history) == len(ACTS)
    query = {"term": {"desk.acknowledged_by": "ana"}}
    found = desk.client.search(index=desk.names.alerts, query=query)
    assert [hit["_id"] for hit in found["hits"]["hits"]] == [ID]


@pytest.mark.embedded
def test_of_many_who_acknowledge_at_a_time_one_does_and_no_note_is_lost(desk: Desk) -> None:
    others: list[str] = []
    gate = threading.Barrier(4)

    def work(name: str) -> None:
        gate.wait(20)
        try:
            desk.act("ack", name)
        except SomebodyElse as error:
            others.append(str(error))
        desk.act("note", name)

    threads = [threading.Thread(target=work, args=(f"person {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = desk.desk()
    assert len(others) == 3
    told = f"already acknowledged by {found.acknowledged_by}"
    assert all(error.startswith(told) for error in others)
    notes = {entry.by for entry in found.history if entry.did == "noted"}
    assert notes == {f"person {n}" for n in range(4)}


@pytest.mark.embedded
def test_there_must_be_such_an_alert(desk: Desk) -> None:
    for alert_id in ("nothing", "é/*", "x" * 500):
        with pytest.raises(NoSuchAlert):
            perform(
                desk.client, desk.settings, desk.names.alerts, alert_id, Request("ack", "ana"), AT
            )


def test_an_index_that_is_away_is_a_sentence() -> None:
    settings = load(ElasticsearchSettings, url="http://127.0.0.1:9")
    with connect(settings) as client, pytest.raises(ServiceUnavailable, match="does not answer"):
        perform(client, settings, "alerts", ID, Request("ack", "ana"), AT)
