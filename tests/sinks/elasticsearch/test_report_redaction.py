"""Kept reports lose an erased author, whatever names the author there, and keep the rest."""

from typing import Any

from elasticsearch import Elasticsearch as Client

from schemas.ids import author_hash
from sinks.elasticsearch.alert_redaction import NOBODY, account_ids
from sinks.elasticsearch.erasure import Erasure, redact, redact_unlisted
from sinks.elasticsearch.report_redaction import authors_of_report, redacted_report
from tests.servers.elasticsearch import ElasticsearchServer as Server
from tests.sinks.elasticsearch.events import NAMES

DID = "did:plc:abcdefghijklmnop"
MINE, OTHER = author_hash("bluesky", DID), author_hash("bluesky", "other")


def report(**answers: Any) -> dict[str, Any]:
    sections = [{"name": name, "ask": {}, "answer": answer} for name, answer in answers.items()]
    made: dict[str, Any] = {
        "id": "day-1", "made_at": "2026-01-02T03:04:05Z", "parameters": {"q": "brand:velmora"},
        "sections": sections,
    }  # fmt: skip
    return {**made, "authors": authors_of_report(made)}


FULL = report(
    first={
        "total": 9,
        "posts": [
            {"id": f"bluesky:at://{DID}/3k", "author": MINE},
            {"id": "bluesky:at://other/3k", "author": OTHER},
        ],
    },
    authors={
        "distinct": 2,
        "accounts": [
            {"source": "bluesky", "id": DID, "author": MINE, "mentions": 7},
            {"source": "bluesky", "id": "other", "author": OTHER, "mentions": 2},
        ],
    },
    link={"values": [{"value": f"https://bsky.app/profile/{DID.upper()}"}, {"value": "refund"}]},
    alert={"found": {"alert": {"signals": [{"name": "influencer", "about": DID, "observed": 2}]}}},
)


def test_a_report_loses_the_posts_the_account_and_the_terms_of_the_author() -> None:
    assert FULL["authors"] == sorted([MINE, OTHER])
    left = redacted_report(FULL, {MINE}, [DID])
    assert left is not None
    assert DID not in str(left).lower() and MINE not in str(left)
    first, authors, link, alert = (section["answer"] for section in left["sections"])
    assert first == {"total": 9, "posts": [{"id": "bluesky:at://other/3k", "author": OTHER}]}
    assert [one["id"] for one in authors["accounts"]] == ["other"]
    assert authors["distinct"] == 2
    assert link["values"] == [{"value": "refund"}]
    assert alert["found"]["alert"]["signals"] == [{"name": "influencer", "observed": 2}]
    assert left["authors"] == [OTHER]
    assert redacted_report(left, {MINE}, [DID]) is None


def test_a_report_about_the_account_is_emptied() -> None:
    asked = {**FULL, "parameters": {"q": f'author:"{DID}"'}}
    left = redacted_report(asked, {MINE}, [DID])
    assert left is not None
    assert left["sections"] == [] and left["authors"] == [NOBODY]
    assert DID not in str(left)


def test_a_short_account_id_is_found_by_its_hash_alone() -> None:
    """``17`` is in any number."""
    made = report(first={"posts": [{"id": "file:1", "author": author_hash("file", "17")}]})
    assert redacted_report(made, {"another"}, account_ids(["17"])) is None
    left = redacted_report(made, {author_hash("file", "17")}, account_ids(["17"]))
    assert left is not None
    assert left["sections"][0]["answer"] == {"posts": []}


def test_an_erasure_redacts_the_reports_in_the_index(client: Client, server: Server) -> None:
    client.index(index=NAMES.reports, id="day-1", document=FULL)
    erasure = Erasure("bluesky", DID, 9)
    assert redact(client, NAMES, [erasure]) == 1
    assert DID not in str(server.sources(NAMES.reports))
    assert redact(client, NAMES, [erasure]) == 0


def test_a_report_without_the_list_of_authors_is_redacted_too(
    client: Client, server: Server
) -> None:
    old = {name: value for name, value in FULL.items() if name != "authors"}
    client.index(index=NAMES.reports, id="day-1", document=old)
    erasure = Erasure("bluesky", DID, 9)
    assert redact(client, NAMES, [erasure]) == 0
    assert redact_unlisted(client, NAMES, erasure) == 1
    assert DID not in str(server.sources(NAMES.reports))
