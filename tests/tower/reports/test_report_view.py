"""The pages of reports: in both languages, for each role, with hostile posts."""

import asyncio
import csv
import io
import re
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec.structs import replace

from tests.tower.reports.rig import ALERT, DAY, HOSTILE, NOW, ZONE, Rig
from tower.live.withdrawals import Withdrawals
from tower.pages.vocabulary import Words
from tower.reports.report_lookup import open_report
from tower.reports.report_store import StoredReport, StoredSection
from tower.reports.report_view import report_view
from tower.routes.page_routes import ask_panels

pytestmark = pytest.mark.embedded

DAY_ASK = {"kind": "day", "q": "brand:velmora", "day": DAY, "tz": ZONE}


def test_a_form_makes_a_report_and_leads_to_it(shared: Rig) -> None:
    made = shared.post("/reports", data={**DAY_ASK, "brand": "", "q": "brand:velmora"})
    assert made.status_code == 303
    page = shared.get(made.headers["location"])
    assert page.status_code == 200
    assert "<h1><bdi>Velmora: day of 02 Mar 2026</bdi></h1>" in page.text
    listed = shared.get("/reports").text
    assert "Velmora: day of 02 Mar 2026" in listed
    assert 'action="/reports"' not in listed, "a reader makes none"
    assert 'action="/reports"' in shared.get("/reports", "desk").text


def test_a_wrong_form_comes_back_with_what_is_wrong(shared: Rig) -> None:
    answer = shared.post("/reports", data={**DAY_ASK, "day": "2026-02-30"})
    assert answer.status_code == 303
    assert "there is no day 2026-02-30" in shared.get(answer.headers["location"]).text


def test_a_comparison_has_a_row_a_brand(shared: Rig) -> None:
    id_ = shared.make(kind="compare", q="brand:velmora", day=DAY, days=2, tz=ZONE)
    page = shared.get(f"/reports/{id_}").text
    (table,) = re.findall(r'id="title-peers".*?</table>', page, re.DOTALL)
    rows = re.findall(r'<th scope="row"><bdi>(.*?)</bdi></th><td>(.*?)</td>', table)
    counted = {
        brand: sum(one.mention.brands[0].id == brand for one in shared.events)
        for brand in ("velmora", "corvane", "unheard")
    }
    assert {name: int(count) for name, count in rows} == counted


def test_a_post_mortem_tells_what_moved_what_people_did_and_the_verdict(shared: Rig) -> None:
    page = shared.get(f"/reports/{shared.make(kind='alert', alert=ALERT)}").text
    assert "Velmora: review of the alert, from 02 Mar 2026 08:00 UTC" in page
    for told in ("540", "61.5", "acknowledge", "Verdict: right", "The first posts"):
        assert told in page, told


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ("day of 02 Mar 2026", "Counted", "In numbers")),
        ("fr", ("journée du 02/03/2026", "Compté le", "En nombres")),
    ],
)
def test_a_report_is_in_the_language_of_who_reads_it(
    shared: Rig, language: str, told: tuple[str, ...]
) -> None:
    id_ = shared.make(**DAY_ASK)
    page = shared.get(f"/reports/{id_}", **{"Accept-Language": language}).text
    assert f'<html lang="{language}"' in page
    assert not [one for one in told if one not in page]


@pytest.mark.parametrize("kind", ["day", "week", "alert", "compare"])
def test_hostile_text_stays_text_on_every_page(shared: Rig, kind: str) -> None:
    asks: dict[str, dict[str, str]] = {
        "alert": {"kind": "alert", "alert": ALERT},
        "day": {**DAY_ASK, "q": 'brand:velmora AND NOT "<script>alert(9)</script>"'},
    }
    id_ = shared.make(**asks.get(kind, {**DAY_ASK, "kind": kind}))
    for page in (shared.get(f"/reports/{id_}").text, shared.get("/reports", "desk").text):
        tags = Tags(page)
        assert not tags.found & {"img", "iframe", "object", "style", "math"}
        assert tags.scripts == ["/static/tower.js?test"]
        assert not [name for name in tags.attributes if name.startswith("on") or name == "style"]
        assert not [link for link in tags.links if not re.match(r"(https://|/|#|\?)", link)]
    if kind != "compare":
        assert "&lt;script&gt;" in shared.get(f"/reports/{id_}").text, "the posts are there"


class Tags(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts: list[str | None] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]


def test_a_table_is_a_csv_whose_cells_compute_nothing(shared: Rig) -> None:
    id_ = shared.make(**DAY_ASK)
    answer = shared.get(f"/reports/{id_}/authors.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0][:3] == ["id", "handle", "source"]
    assert len(rows) == 9
    posts = shared.get(f"/reports/{id_}/reach.csv").text
    assert not re.search(r'(^|,)"?[=+@]', posts, re.MULTILINE)
    assert shared.get(f"/reports/{id_}/nothing.csv").status_code == 404


def test_who_may_do_what(shared: Rig) -> None:
    assert shared.post("/api/v1/reports", "reader", json=DAY_ASK).status_code == 403
    assert shared.post("/reports", "reader", data=DAY_ASK).status_code == 403
    id_ = shared.make(**DAY_ASK)
    assert shared.post(f"/reports/{id_}/delete", "desk", data={"sure": "yes"}).status_code == 403
    for path in ("/reports", f"/reports/{id_}", f"/reports/{id_}.pdf", f"/reports/{id_}/facts.csv"):
        assert shared.get(path, "stranger").status_code in (303, 401), path
    assert shared.get("/api/v1/reports", "stranger").status_code == 401
    other = {"Sec-Fetch-Site": "cross-site"}
    assert shared.post("/reports", data=DAY_ASK, headers=other).status_code == 403


def test_an_administrator_deletes_a_report(rig: Rig) -> None:
    id_ = rig.make(**DAY_ASK)
    assert rig.post(f"/reports/{id_}/delete", "admin", data={}).status_code == 303
    assert rig.get(f"/reports/{id_}").status_code == 200, "the tick was missing"
    rig.post(f"/reports/{id_}/delete", "admin", data={"sure": "yes"})
    assert rig.get(f"/reports/{id_}").status_code == 404
    assert rig.get("/api/v1/reports").json()["reports"] == []


def test_an_unknown_report_is_not_found(shared: Rig) -> None:
    for id_ in ("day-2026-03-02-0", "x" * 600, "%3Cscript%3E"):
        assert shared.get(f"/reports/{id_}").status_code == 404, id_
        assert "<script>" not in shared.get(f"/reports/{id_}").text


def test_the_list_has_hostile_parameters_as_text(shared: Rig) -> None:
    page = shared.get("/reports?told=%3Cscript%3Ealert(1)%3C/script%3E&alert=%22%3E%3Cb%3E", "desk")
    assert "<script>alert" not in page.text and '"><b>' not in page.text
    assert HOSTILE[0] not in page.text


def test_a_page_without_panels_asks_nothing(shared: Rig) -> None:
    """The live stream of an open page asks for what its panels need."""
    view = report_view(STORED, Words("en"))
    assert asyncio.run(ask_panels(shared.tower, view, [], 0.1)) == {}


STORED = StoredReport(
    id="day-1", kind="day", parameters={"kind": "day", "q": "lang:fr", "tz": ZONE}, made_by="ana",
    made_at=NOW, since=NOW, until=NOW,
)  # fmt: skip


def test_a_click_leads_to_the_live_page_with_the_query_and_the_window() -> None:
    view = report_view(STORED, Words("en"))
    address = urlsplit(view.clause("country:FR") or "")
    assert address.path == "/live"
    given = dict(parse_qsl(address.query))
    assert given == {
        "q": "lang:fr AND country:FR", "tz": ZONE,
        "since": "2026-03-03T09:30:00Z", "until": "2026-03-03T09:30:00Z",
    }  # fmt: skip


def test_a_section_of_another_version_is_left_out(shared: Rig) -> None:
    sections = [
        StoredSection(name="facts", question="volume", ask={}, answer={"mentions": "many"}),
        StoredSection(name="of-the-future", question="x", ask={}, answer={}),
        StoredSection(name="aspects", question="aspects", ask={}, answer={"mentions": 3}),
    ]
    stored = replace(STORED, sections=sections)
    opened = asyncio.run(open_report(shared.tower.answers, Withdrawals(), stored))
    assert list(opened.sections) == ["aspects"]
