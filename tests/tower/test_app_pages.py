"""Pages: every panel in every state, in both languages; and what a page answers to odd requests."""

import asyncio
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.mention import MentionUpsert
from tests import make
from tests.strategies import ANY_TEXT
from tests.tower.towers import TowerRig, problem_of
from tower.pages.page_table import PAGES

LISTED = [page for page in PAGES.values() if page.path == f"/{page.name}"]
PATHS = [page.path for page in LISTED if page.own]
VOID = {"meta", "link", "input", "br", "img", "hr"}


@pytest.fixture
def rig() -> Iterator[TowerRig]:
    with TowerRig() as rig:
        yield rig


class Structure(HTMLParser):
    """Checks that elements nest, and notes ids, labels and what is named by them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.articles: list[int] = []
        """Of each feed, how many it has."""
        self._feed_at = 0
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.add(tag)
        self.attributes |= given.keys()
        self.ids += [given["id"] or ""] if "id" in given else []
        named = given.get("aria-labelledby") or given.get("for")
        self.labelled |= {named} if named else set()
        if tag not in VOID:
            self.open.append(tag)
        if given.get("role") == "feed":
            self._feed_at = len(self.open)
            self.articles.append(0)
        elif tag == "article" and self._feed_at:
            self.articles[-1] += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open)
        if len(self.open) == self._feed_at:
            self._feed_at = 0
        self.open.pop()


def check_page(text: str) -> Structure:
    page = Structure(text)
    assert len(set(page.ids)) == len(page.ids), "an id is one element's"
    assert page.labelled <= set(page.ids)
    assert all(page.articles), "a feed without articles is none (WCAG 1.3.1)"
    assert "style" not in page.attributes
    assert not any(name.startswith("on") for name in page.attributes)
    assert not re.search(r"\bNone\b|\bnan\b|Undefined|\{\{|\{%", text)
    return page


STATES = ["answer", "empty", "error", "old", "partial", "waiting"]


def bring(rig: TowerRig, state: str, path: str) -> None:
    """Brings the index into the state in which a page is then asked for."""
    browser = rig.browser("admin")
    if state == "empty":
        rig.search.mentions, rig.search.alerts = (), ()
    elif state == "error":
        rig.search.away = "Elasticsearch <does> not answer"
    elif state == "old":
        assert browser.get(f"{path}?wait=1").status_code == 200
        rig.passed_s, rig.search.away = 70, "Elasticsearch <does> not answer"
    elif state == "partial":
        rig.search.partial = True
    elif state == "waiting":
        rig.run(_stop(rig))


async def _stop(rig: TowerRig) -> None:
    rig.search.gate = asyncio.Event()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_whole_in_every_state(
    rig: TowerRig, path: str, language: str, state: str
) -> None:
    bring(rig, state, path)
    browser = rig.browser("admin")
    response = browser.get(f"{path}?lang={language}")
    assert response.status_code == 200
    page = check_page(response.text)
    assert {"h1", "main", "nav"} <= page.elements
    assert f'<html lang="{language}"' in response.text
    assert ('aria-busy="true"' in response.text) == (state == "waiting")
    assert ("&lt;does&gt;" in response.text) == (state in ("error", "old"))
    marks = {"old": 'class="stale"', "partial": "index", "waiting": 'http-equiv="refresh"'}
    assert marks.get(state, "") in response.text
    if state == "waiting":
        assert rig.search.gate is not None
        rig.run(_go(rig))


async def _go(rig: TowerRig) -> None:
    assert rig.search.gate is not None
    rig.search.gate.set()
    await asyncio.sleep(0)


@pytest.mark.parametrize("path", PATHS)
def test_a_panel_can_be_asked_for_alone(rig: TowerRig, path: str) -> None:
    browser = rig.browser("admin")
    whole = browser.get(f"{path}?wait=1").text
    names = re.findall(r'data-panel="([^"]+)"', whole)
    assert names
    for name in names:
        response = browser.get(path, headers={"Fragment": name})
        assert response.status_code == 200
        assert response.text in whole
        check_page(response.text)
    assert problem_of(browser.get(path, headers={"Fragment": "nothing"}))["status"] == 404
    wrong = browser.get(f"{path}?q=(a", headers={"Fragment": names[0]})
    assert problem_of(wrong)["status"] == 400


def test_the_panels_of_a_page_are_one_request(rig: TowerRig) -> None:
    rig.browser("reader").get("/brands?q=brand:velmora")
    assert len(rig.search.requests) == 1
    # Another person who looks at the same costs nothing.
    rig.browser("desk").get("/brands?q=brand:velmora&lang=fr")
    assert len(rig.search.requests) == 1


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("q=(panne", "never closed"),
        ("q=coutry:fr", "country"),
        ("last=9w", "last"),
        ("last=9999d", "400 days"),
        ("tz=Mars", "is not a time zone"),
        ("tz=%00", ""),
        ("since=yesterday", "since"),
        ("since=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z", "after since"),
        ("since=0001-01-01T00:00:00Z&until=0001-01-02T00:00:00Z", "between"),
        ("q=<script>x</script>(", "&lt;script&gt;"),
        ("after=nonsense", "after must be"),
    ],
)
@pytest.mark.parametrize("path", ["/live", "/world"])
def test_a_mistake_is_told_on_the_page(rig: TowerRig, path: str, query: str, told: str) -> None:
    if query.startswith("after") and path != "/live":
        return
    response = rig.browser("reader").get(f"{path}?{query}")
    assert response.status_code == 400
    page = check_page(response.text)
    assert "query-error" in page.ids
    assert told in response.text
    assert "<script>x" not in response.text
    assert not rig.search.requests


@pytest.mark.parametrize(
    "address",
    ["/wall?order=best", "/alerts?standing=none", "/live?after=[1", "/wall?order=%00"],
)
def test_a_wrong_choice_of_a_page_is_told_too(rig: TowerRig, address: str) -> None:
    response = rig.browser("reader").get(address)
    assert response.status_code == 400
    assert "query-error" in check_page(response.text).ids


def test_a_click_edits_the_query(rig: TowerRig) -> None:
    browser = rig.browser("reader")
    response = browser.get("/world?q=panne&last=7d&add=country:FR")
    assert response.status_code == 303
    assert response.headers["location"] == "/world?q=panne+AND+country%3AFR&last=7d"
    back = browser.get(f"{response.headers['location']}&add=country:FR")
    assert back.headers["location"] == "/world?q=panne&last=7d"


def test_any_address_is_a_page_or_a_sentence(rig: TowerRig) -> None:
    browser = rig.browser("admin")
    names = st.sampled_from(["q", "last", "since", "until", "tz", "lang", "add", "after", "order"])

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(PATHS), st.dictionaries(names, ANY_TEXT, max_size=4))
    def check(path: str, given: dict[str, str]) -> None:
        params = {name: text.encode("utf-8", "replace").decode() for name, text in given.items()}
        response = browser.get(path, params=params)
        assert response.status_code in (200, 303, 400)
        if response.status_code == 303:
            assert response.headers["location"].startswith(f"{path}?")
        else:
            check_page(response.text)

    check()


def test_whatever_a_stranger_writes_makes_no_element(rig: TowerRig) -> None:
    hostile = '"><script>evil()</script><img src=x onerror=evil()>\'"'
    event = make.enriched(
        make.mention(
            make.post(
                hostile,
                id="x:1",
                author=hostile,
                title=hostile,
                hashtags=[hostile],
                country=hostile[:2],
                links=[f"https://a.example/{hostile}"],
            ),
            language=hostile,
        )
    )
    assert isinstance(event, MentionUpsert)
    rig.search.mentions = [event]
    rig.search.alerts = [
        {**alert, "title": hostile, "brand": hostile, "id": hostile, "states": []}
        for alert in rig.search.alerts[:2]
    ]
    browser = rig.browser("admin")
    for path in PATHS:
        response = browser.get(path, params={"wait": "1", "tz": "UTC"})
        page = check_page(response.text)
        assert "evil()" in response.text or path not in ("/live", "/wall", "/alerts")
        assert "img" not in page.elements
        assert response.text.count("<script") == 1


@pytest.mark.parametrize("name", ["tower.css", "tower.js", "land.svg", "bell.svg"])
def test_a_static_file_is_kept_by_browsers_until_it_changes(rig: TowerRig, name: str) -> None:
    browser = rig.browser()
    response = browser.get(f"/static/{name}")
    assert response.status_code == 200
    again = browser.get(f"/static/{name}", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for answer in (response, again):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "content-security-policy" in answer.headers
        assert "max-age" in answer.headers["cache-control"]


@pytest.mark.parametrize("name", ["app.py", "..%2Fapp.py", "nothing", "tower.css%00", "%2e%2e"])
def test_no_other_file_is_served(rig: TowerRig, name: str) -> None:
    response = rig.browser("admin").get(f"/static/{name}")
    assert response.status_code == 404
    assert "content-security-policy" in response.headers


def test_the_first_page_is_the_live_one(rig: TowerRig) -> None:
    response = rig.browser("reader").get("/")
    assert (response.status_code, response.headers["location"]) == (307, "/live")


def test_a_person_may_load_eight_pages_at_a_time(rig: TowerRig) -> None:
    async def asked() -> list[int]:
        rig.search.gate = asyncio.Event()
        browser = rig.browser("reader")
        waiting = [
            asyncio.create_task(browser.sent("GET", f"/live?wait=1&q=w{number}"))
            for number in range(9)
        ]
        while not any(task.done() for task in waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        rig.search.gate.set()
        return [(await task).status_code for task in waiting]

    assert sorted(rig.run(asked())) == [200] * 8 + [429]


def test_a_fault_of_ours_is_a_problem_with_the_policy(rig: TowerRig) -> None:
    def fault() -> None:
        raise RuntimeError("a fault")

    rig.tower.clock = fault  # type: ignore[assignment]
    response = rig.browser("reader").get("/live")
    assert problem_of(response)["status"] == 500
    assert "content-security-policy" in response.headers
    assert "a fault" not in response.text.replace("a fault of tocsin", "")
