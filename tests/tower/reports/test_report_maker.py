"""A kept report has the numbers that its questions give, and stays as it was counted."""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from schemas.post import Author
from sinks.elasticsearch.documents import upsert
from sinks.elasticsearch.writes.bulk import write
from tests import make
from tests.tower.reports.rig import ALERT, DAY, NOW, SINCE, ZONE, Rig
from tower.reports.frozen_answer import MIN_PEOPLE, SAID

pytestmark = pytest.mark.embedded

ASKS: list[dict[str, Any]] = [
    {"kind": "day", "q": "brand:velmora", "day": DAY, "tz": ZONE},
    {"kind": "week", "q": "", "day": DAY, "tz": ZONE},
    {"kind": "alert", "alert": ALERT},
    {"kind": "compare", "q": "brand:velmora", "day": DAY, "days": 2, "tz": ZONE},
]
OF_THE_MOMENT = {"as_of", "took_ms", "clause", "url", "next"}


def plain(value: Any) -> Any:
    """Without what tells when and how it was answered, and without addresses."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items() if name not in OF_THE_MOMENT}
    return [plain(each) for each in value] if isinstance(value, list) else value


def is_shared(rig: Rig, ask: dict[str, Any], field: str, value: str) -> bool:
    """Whether enough authors of the window used a term; counted one by one."""
    since, until = (datetime.fromisoformat(ask[name]) for name in ("since", "until"))
    authors = set()
    for event in rig.events:
        post, mention = event.mention.post, event.mention
        values = {
            "hashtag": post.hashtags, "link": post.links,
            "entity": [one.name for one in mention.entities],
        }[field]  # fmt: skip
        of_query = not ask.get("q") or mention.brands[0].id == "velmora"
        if since <= post.created_at < until and of_query and value in values:
            authors.add(post.author.id)
    return len(authors) >= MIN_PEOPLE


def without_rare(rig: Rig, section: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The answer of a question as a report may keep it."""
    ask = section["ask"]
    if answer.get("field") in SAID:
        kept = [
            one for one in answer["values"] if is_shared(rig, ask, answer["field"], one["value"])
        ]
        assert section["name"] != "link" or len(kept) < len(answer["values"]), "the fault fired"
        return {**answer, "values": kept}
    if section["question"] == "lifts":
        kept = [one for one in answer["terms"] if is_shared(rig, ask, one["field"], one["term"])]
        return {**answer, "terms": kept}
    return answer


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: ask["kind"])
def test_every_section_has_the_numbers_of_its_question(shared: Rig, ask: dict[str, Any]) -> None:
    sections = shared.sections(shared.make(**ask))
    assert len(sections) >= 6
    for name, section in sections.items():
        question, found = section["question"], section["answer"]
        params = dict(section["ask"])
        path = question.replace("{id}", quote(str(params.pop("id", ""))))
        if question == "posts":
            shown = sections["found"]["answer"]["found"]["alert"]["evidence"]["shown"]
            params["ids"] = json.dumps([one["id"] for one in shown])
        answer = shared.get(f"/api/v1/{path}?{urlencode(params)}")
        assert answer.status_code == 200, (name, answer.text)
        wanted = without_rare(shared, section, answer.json())
        if question in ("mentions", "posts"):
            # Posts are looked up when the report is opened, so they carry no copies of then.
            assert ids_of(found) == ids_of(wanted), name
            assert found["total"] == wanted["total"]
        else:
            assert plain(found) == plain(wanted), name


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [one["mention"]["post"]["id"] for one in answer["mentions"]]


def test_the_day_is_that_of_its_time_zone(shared: Rig) -> None:
    found = shared.sections(shared.make(kind="day", q="brand:velmora", day=DAY, tz=ZONE))["facts"]
    counted = [
        one
        for one in shared.events
        if SINCE <= one.mention.post.created_at < SINCE + timedelta(days=1)
        and one.mention.brands[0].id == "velmora"
    ]
    assert found["answer"]["mentions"] == len(counted) > 100
    authors = {one.mention.post.author.id for one in counted}
    assert found["answer"]["authors"] == len(authors)


def test_a_report_stays_as_it_was_counted(rig: Rig) -> None:
    ask = {"kind": "day", "q": "brand:velmora", "day": DAY, "tz": ZONE}
    first = rig.make(**ask)
    before = rig.sections(first)["facts"]["answer"]
    late = make.mention(
        make.post("Velmora", id="x:late", created_at=SINCE + timedelta(hours=1)),
        brands=rig.events[0].mention.brands,
    )
    event = make.enriched(late, version=900, at=NOW)
    write(rig.client, [upsert(event, rig.names)])  # type: ignore[arg-type]
    rig.refresh()
    rig.tower.answers.forget()
    # Asked again on the same day it is the same report; on the next it is another.
    assert rig.make(**ask) == first
    assert rig.sections(first)["facts"]["answer"] == before
    rig.now = NOW + timedelta(days=1)
    second = rig.make(**ask)
    assert second != first
    assert rig.sections(second)["facts"]["answer"]["mentions"] == before["mentions"] + 1


def test_a_report_of_a_day_that_is_not_over_is_counted_again(rig: Rig) -> None:
    rig.now = SINCE + timedelta(hours=6)
    ask = {"kind": "day", "q": "brand:velmora", "day": DAY, "tz": ZONE}
    id_ = rig.make(**ask)
    assert "The time was not over" in rig.get(f"/reports/{id_}").text
    some = make.mention(
        make.post(
            "Velmora", id="x:late", created_at=SINCE + timedelta(hours=1), author=Author(id="n")
        ),
        brands=rig.events[0].mention.brands,
    )
    before = rig.sections(id_)["facts"]["answer"]["mentions"]
    write(rig.client, [upsert(make.enriched(some, version=900, at=NOW), rig.names)])  # type: ignore[arg-type]
    rig.refresh()
    rig.tower.answers.forget()
    assert rig.make(**ask) == id_
    assert rig.sections(id_)["facts"]["answer"]["mentions"] == before + 1


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        ({"kind": "day", "day": "2026-02-30"}, "no day 2026-02-30"),
        ({"kind": "day", "day": "2027-01-01"}, "has not begun"),
        ({"kind": "day", "tz": "Mars/Olympus"}, "not a time zone"),
        ({"kind": "compare", "q": "lang:fr"}, "of one brand"),
        ({"kind": "alert"}, "name the alert"),
        ({"kind": "alert", "alert": "nothing"}, "no alert"),
        ({"kind": "day", "q": "brand:"}, ""),
        ({"kind": "decade"}, ""),
        ({"kind": "day", "other": "1"}, "other"),
    ],
)
def test_what_cannot_be_reported_is_said(shared: Rig, ask: dict[str, Any], why: str) -> None:
    answer = shared.post("/api/v1/reports", json=ask)
    assert answer.status_code == 422
    assert why in answer.json()["detail"]
