"""The document of an alert: the detector's part, the states, and the people's part beside them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from elasticsearch import Elasticsearch as Client
from msgspec.structs import replace

from schemas.alert import Alert, Carrier, Evidence, ShownPost
from schemas.ids import author_hash
from sinks.alerts import triage as desk
from sinks.alerts.channels.base import Busy
from sinks.alerts.store import MAX_STATES, Index, alert_of, merged, read, with_desk, write
from sinks.alerts.triage import AlertDocument, NotPossible, desk_of, standing
from sinks.elasticsearch.indices.mappings import ALERT_PROPERTIES
from tests.servers.alert_index import AlertIndex as Server
from tests.sinks.alerts.states import ID, NOW, rich, state

INDEX = "tocsin-alerts"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def document(*alerts: Alert) -> AlertDocument:
    source: AlertDocument | None = None
    for alert in alerts:
        source = merged(alert, source) or source
    assert source is not None
    return source


def closed_by(name: str, source: AlertDocument) -> AlertDocument:
    return with_desk(source, desk.close(source, name, NOW, None))


def acknowledged_by(name: str, source: AlertDocument) -> AlertDocument:
    return with_desk(source, desk.acknowledge(source, name, NOW, None))


def versions(source: AlertDocument) -> list[int]:
    return [state["version"] for state in source["states"]]


def test_a_document_holds_the_state_and_its_past() -> None:
    made = document(rich())
    assert (made["kind"], made["muted"], made["channels"]) == ("crisis", False, [])
    assert made.keys() <= ALERT_PROPERTIES.keys()
    assert alert_of(made) == rich()
    made = document(rich(), state(2, "update", severity=5))
    assert "evidence" not in made
    made = document(rich(), state(2, "update", severity=5), state(3, "close", severity=1))
    assert alert_of(made) == state(3, "close", severity=1)
    assert versions(made) == [1, 2, 3]
    assert [state["severity"] for state in made["states"]] == [4, 5, 1]
    assert made["states"][0]["signals"][0]["name"] == "volume"


def test_a_closed_alert_keeps_the_evidence_of_before() -> None:
    """The last minutes are calm, and show nothing of what happened."""
    closing = replace(state(2, "close"), evidence=Evidence(mentions=3))
    made = document(rich(), closing)
    assert alert_of(made) == replace(closing, evidence=rich().evidence)
    assert made["authors"] == document(rich())["authors"]
    assert alert_of(document(closing)).evidence.mentions == 3


def test_an_older_state_becomes_history_and_nothing_else() -> None:
    made = document(state(1), state(3, "close"), state(2, "update"))
    assert merged(state(1), made) is None
    assert alert_of(made) == state(3, "close")
    assert versions(made) == [1, 2, 3]


def test_an_alert_stands_as_detector_and_people_say() -> None:
    assert standing(document(state(1))) == "open"
    assert standing(document(state(1), state(2, "close"))) == "closed"
    made = acknowledged_by("ana", document(state(1)))
    assert standing(made) == "acknowledged"
    assert standing(closed_by("ana", made)) == "closed"
    # A new state leaves what people did.
    later = merged(state(2, "update", severity=5), made)
    assert later is not None
    assert desk_of(later).acknowledged_by == "ana"
    assert standing(later) == "acknowledged"


def test_the_past_is_bounded() -> None:
    made = document(*(state(version, "update") for version in range(1, MAX_STATES + 20)))
    assert versions(made) == [1, *range(21, MAX_STATES + 20)]


def test_a_graver_state_opens_what_people_closed() -> None:
    closed = closed_by("ana", document(state(1, severity=3)))
    same = merged(state(2, "update", severity=3), closed)
    graver = merged(state(3, "update", severity=4), closed)
    assert same is not None and graver is not None
    assert standing(same) == "closed"
    assert standing(graver) == "open"
    assert desk_of(graver).closed_by == "ana"
    again = closed_by("ben", graver)
    assert standing(again) == "closed"
    assert [action.by for action in desk_of(again).history] == ["ana", "ben"]


def test_every_action_is_kept_with_who_and_when() -> None:
    made = acknowledged_by("ana", document(state(1)))
    made = with_desk(made, desk.assign(made, "ana", NOW + timedelta(minutes=1), "ben", "yours"))
    made = with_desk(made, desk.note(made, "ben", NOW + timedelta(minutes=2), "in Nantes"))
    kept = desk_of(made)
    assert kept.assignee == "ben"
    assert [(a.by, a.did, a.to, a.text) for a in kept.history] == [
        ("ana", "acknowledged", None, None),
        ("ana", "assigned", "ben", "yours"),
        ("ben", "noted", None, "in Nantes"),
    ]


def test_what_makes_no_sense_is_said() -> None:
    made = document(state(1))
    taken = acknowledged_by("ana", made)
    with pytest.raises(NotPossible, match="already acknowledged by ana"):
        desk.acknowledge(taken, "ben", NOW, None)
    desk.acknowledge(taken, "ana", NOW, None)
    with pytest.raises(NotPossible, match="already closed by ana"):
        closed_by("ben", closed_by("ana", made))
    for text in ("", "  ", "x" * 4_001):
        with pytest.raises(NotPossible, match="characters"):
            desk.note(made, "ana", NOW, text)


def test_two_writers_do_not_undo_each_other(server: Server, client: Client) -> None:
    index = Index(client, INDEX)
    index.deliver(state(1), None)
    ours = read(client, INDEX, ID)
    assert ours is not None
    index.deliver(state(2, "update"), None)
    assert not write(client, INDEX, ID, acknowledged_by("ana", ours.source), ours)
    assert server.documents[ID]["version"] == 2


def test_the_sink_reads_again_after_a_conflict(server: Server, client: Client) -> None:
    index = Index(client, INDEX)
    index.deliver(state(1), None)
    server.reads_until_interference = 1
    index.deliver(state(2, "update"), None)
    assert server.documents[ID]["version"] == 2
    assert server.documents[ID]["desk"] == {"assignee": "ben"}
    server.answers = [409] * 20
    with pytest.raises(Busy) as caught:
        index.deliver(state(3, "update"), None)
    assert caught.value.cause == "conflict"


def test_two_sinks_create_it_once(server: Server, client: Client) -> None:
    source = merged(state(1), None)
    assert source is not None
    assert write(client, INDEX, ID, source, None)
    assert not write(client, INDEX, ID, source, None)
    assert read(client, INDEX, "absent") is None


def test_a_later_state_does_not_bring_an_erased_author_back(server: Server, client: Client) -> None:
    did = "did:plc:abcdefghijklmnop"
    hash_ = author_hash("bluesky", did)
    erased = {"source": "bluesky", "author_id": did, "version": 1}
    server.others = {("tocsin-erasures", hash_): erased}
    shown = ShownPost(
        id=f"bluesky:{did}/3k", role="first", at=NOW, url=f"https://bsky.app/{did}", author=hash_
    )
    kept = ShownPost(id="x:1", role="typical", at=NOW, author=author_hash("x", "2"))
    evidence = Evidence(
        mentions=3, shown=[shown, kept], carriers=[Carrier(author=hash_, mentions=2)]
    )
    channel = Index(client, INDEX, "tocsin-erasures")
    for version in (1, 2):
        assert channel.deliver(state(version, "update", evidence=evidence), None) is None
    stored = server.documents[ID]
    assert did not in str(stored) and hash_ not in str(stored)
    assert [post["id"] for post in stored["evidence"]["shown"]] == ["x:1"]
    assert stored["authors"] == [author_hash("x", "2")]
    assert versions(stored) == [1, 2]


def test_a_document_of_an_older_version_takes_a_late_state(server: Server, client: Client) -> None:
    channel = Index(client, INDEX, "tocsin-erasures")
    channel.deliver(state(2, "update"), None)
    del server.documents[ID]["authors"]
    channel.deliver(state(1), None)
    assert versions(server.documents[ID]) == [1, 2]
