"""An old report shows no post that was deleted and nobody who was erased, from that moment on."""

from urllib.parse import urlencode

import pytest

from schemas.mention import MentionErasure
from sinks.elasticsearch.erasure import Erasure, carry_out
from sinks.elasticsearch.report_redaction import authors_of_report
from tests import make
from tests.tower.reports.rig import ALERT, DAY, DID, NAME, NOW, SECRET, ZONE, Rig
from tower.reports.report_store import ReportStore, report_of

pytestmark = pytest.mark.embedded

WEEK = {"kind": "week", "q": "brand:velmora", "day": DAY, "tz": ZONE}
GONE = (DID, NAME, SECRET, "zoe.test")
"""All that the account is known by."""


def shown(rig: Rig, id_: str) -> str:
    """Everything that the application tells of a report."""
    tables = [f"/reports/{id_}/{name}.csv" for name in rig.sections(id_)]
    paths = [f"/reports/{id_}", f"/api/v1/reports/{id_}", *tables]
    answers = [rig.get(path) for path in paths]
    assert all(one.status_code == 200 for one in answers)
    return "\n".join(one.text for one in answers)


def erase(rig: Rig) -> None:
    """As the sink does when the account is erased."""
    erasure = Erasure("bluesky", DID, 10_000)
    assert carry_out(rig.client, rig.names, erasure, NOW, NOW) > 10
    rig.refresh()
    rig.tower.answers.forget()


@pytest.mark.parametrize("ask", [WEEK, {"kind": "alert", "alert": ALERT}], ids=["week", "alert"])
def test_an_erasure_takes_the_author_out_of_an_old_report(rig: Rig, ask: dict[str, str]) -> None:
    id_ = rig.make(**ask)
    before = shown(rig, id_)
    assert all(word in before for word in (DID, NAME, SECRET)), "the fault can be seen"
    erase(rig)
    after = shown(rig, id_)
    assert not [word for word in GONE if word in after]
    assert not [word for word in GONE if word in rig.stored(id_)]
    # What was counted stays.
    volume = rig.sections(id_)["volume"]["answer"]
    assert volume["mentions"] > 20


def test_an_erasure_is_seen_before_the_index_has_it(rig: Rig) -> None:
    id_ = rig.make(**WEEK)
    assert NAME in shown(rig, id_)
    event = make.enriched(make.erase(DID, 10_000, "bluesky"))
    assert isinstance(event, MentionErasure)
    rig.tower.hub.receive([event])
    after = shown(rig, id_)
    assert NAME not in after and SECRET not in after


def test_a_stored_report_has_no_text_of_a_post_and_no_name(rig: Rig) -> None:
    stored = rig.stored(rig.make(**WEEK))
    assert not [word for word in (NAME, SECRET, "zoe.test", "Velmora 1") if word in stored]
    # What names the account is listed, so that an erasure finds it.
    document = rig.client.search(index=rig.names.reports)["hits"]["hits"][0]["_source"]
    assert document["authors"] == authors_of_report(document)
    assert len(document["authors"]) > 3


def test_a_report_that_is_made_after_an_erasure_is_stored_without_the_author(rig: Rig) -> None:
    """The answers of a moment before may still have what is erased by now."""
    rig.make(**WEEK)
    id_ = "week-2026-03-02-other"
    document = rig.client.search(index=rig.names.reports)["hits"]["hits"][0]["_source"]
    erase(rig)
    store = ReportStore(rig.client, rig.names)
    kept = store.keep(report_of({**document, "id": id_}))
    assert DID not in rig.stored(kept.id)


def test_a_report_about_an_erased_author_is_empty(rig: Rig) -> None:
    id_ = rig.make(**{**WEEK, "q": f'author:"{DID}"'})
    assert rig.sections(id_)["facts"]["answer"]["mentions"] > 10
    erase(rig)
    page = rig.get(f"/reports/{id_}")
    assert page.status_code == 200 and "Nothing of it is left" in page.text
    assert rig.sections(id_) == {}
    assert not [word for word in GONE if word in page.text + rig.stored(id_)]
    assert rig.get("/reports").status_code == 200


def test_a_term_of_one_author_is_not_kept(rig: Rig) -> None:
    """The link to the profile is in many posts, and all are of the same author."""
    id_ = rig.make(**WEEK)
    section = rig.sections(id_)["link"]
    asked = {**section["ask"], "field": "link"}
    live = rig.get(f"/api/v1/values?{urlencode(asked)}").json()["values"]
    assert [one["mentions"] for one in live] == [14]
    assert section["answer"]["values"] == []


def test_a_deleted_post_is_not_shown_any_more(rig: Rig) -> None:
    id_ = rig.make(**WEEK)
    widest = rig.sections(id_)["reach"]["answer"]["mentions"][0]["mention"]["post"]["id"]
    assert widest in shown(rig, id_)
    event = make.enriched(make.delete(widest, 10_000))
    rig.tower.hub.receive([event])
    assert widest not in rig.get(f"/reports/{id_}").text
    posts = rig.sections(id_)["reach"]["answer"]["mentions"]
    assert widest not in [one["mention"]["post"]["id"] for one in posts]


def test_without_the_index_of_posts_a_report_still_has_its_numbers(rig: Rig) -> None:
    id_ = rig.make(**WEEK)
    rig.client.indices.delete(index=f"{rig.names.mentions}-2026.03,{rig.names.mentions}-2026.02")
    rig.tower.answers.forget()
    sections = rig.sections(id_)
    assert sections["facts"]["answer"]["mentions"] > 100
    assert sections["reach"]["answer"]["mentions"] == []
