"""Tabs: a person's own queries above the live posts, within limits."""

from collections.abc import Iterator

import pytest

from tests.tower.routes.desk_rig import DeskRig
from tests.tower.towers import problem_of
from tower.desk.tab_store import MAX_NAME, MAX_TABS

TABS = "/api/v1/me/tabs"


@pytest.fixture
def rig() -> Iterator[DeskRig]:
    with DeskRig() as rig:
        yield rig


def test_a_tab_is_saved_shown_and_taken_out(rig: DeskRig) -> None:
    browser = rig.browser("reader")
    answer = browser.post("/tabs", {"name": " my  <b>tab</b> ", "q": "panne AND lang:fr"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/live?q=panne%20AND%20lang%3Afr"
    page = browser.get("/live").text
    assert "my &lt;b&gt;tab&lt;/b&gt;" in page
    assert browser.get(TABS).json() == {
        "tabs": [{"name": "my <b>tab</b>", "query": "panne AND lang:fr"}]
    }
    browser.post("/tabs", {"name": "my <b>tab</b>", "act": "remove"})
    assert browser.get(TABS).json() == {"tabs": []}
    assert "my &lt;b&gt;" not in browser.get("/live").text


def test_tabs_are_of_the_person(rig: DeskRig) -> None:
    rig.browser("desk").post("/tabs", {"name": "mine", "q": "panne"})
    assert rig.browser("reader").get(TABS).json() == {"tabs": []}
    # Another process reads them from the index.
    rig.tower.saved_tabs.clear()
    assert [tab["name"] for tab in rig.browser("desk").get(TABS).json()["tabs"]] == ["mine"]
    for answer in (rig.browser().get(TABS), rig.browser().post("/tabs", {"name": "x"})):
        assert answer.status_code == 401


def test_a_program_saves_and_removes(rig: DeskRig) -> None:
    program = rig.program("reader")
    assert program.send("PUT", f"{TABS}/panne", json={"query": "panne"}).status_code == 200
    found = program.send("PUT", f"{TABS}/panne", json={"query": "panne OR retard"}).json()
    assert found == {"tabs": [{"name": "panne", "query": "panne OR retard"}]}
    assert program.send("DELETE", f"{TABS}/panne").json() == {"tabs": []}
    for body in (b"", b"[]", b'{"query": 7}', b"\xff"):
        answer = program.send("PUT", f"{TABS}/panne", content=body)
        assert problem_of(answer)["title"] == "Bad tab"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": ""}, "the name of a tab has 1 to"),
        ({"name": " \t "}, "the name of a tab has 1 to"),
        ({"name": "x" * (MAX_NAME + 1)}, "the name of a tab has 1 to"),
        ({"name": "x", "q": "y" * 4_001}, "a query has at most 4,000 characters"),
        ({str(number): "x" for number in range(30)}, "a form has at most 20 fields"),
    ],
)
def test_a_wrong_tab_is_told(rig: DeskRig, form: dict[str, str], told: str) -> None:
    answer = rig.browser("desk").post("/tabs", form)
    assert answer.status_code == 422
    assert problem_of(answer)["detail"].startswith(told)
    assert not rig.client.stored.documents.get((rig.client.names.tabs, "desk"))


def test_there_are_at_most_so_many(rig: DeskRig) -> None:
    browser = rig.browser("desk")
    for number in range(MAX_TABS):
        assert browser.post("/tabs", {"name": f"tab {number}"}).status_code == 303
    assert "take one out" in problem_of(browser.post("/tabs", {"name": "more"}))["detail"]
    # One that is there is replaced.
    assert browser.post("/tabs", {"name": "tab 3", "q": "panne"}).status_code == 303
    assert browser.get(TABS).json()["tabs"][3] == {"name": "tab 3", "query": "panne"}


def test_an_index_that_is_away_leaves_the_page_without_tabs(rig: DeskRig) -> None:
    rig.browser("desk").post("/tabs", {"name": "mine", "q": "panne"})
    rig.tower.saved_tabs.clear()
    rig.client.stored.away = True
    assert rig.browser("desk").get("/live").status_code == 200
    assert rig.browser("desk").post("/tabs", {"name": "other"}).status_code == 503
    # And what was not read is not kept as if there were none.
    rig.client.stored.away = False
    assert [tab["name"] for tab in rig.browser("desk").get(TABS).json()["tabs"]] == ["mine"]


def test_of_two_tabs_at_a_time_none_is_lost(rig: DeskRig) -> None:
    other = {"person": "desk", "tabs": [{"name": "theirs", "query": ""}]}
    rig.client.stored.before_write = lambda: rig.client.stored.put(
        rig.client.names.tabs, "desk", other
    )
    rig.browser("desk").post("/tabs", {"name": "mine"})
    assert rig.client.stored.conflicts == 1
    assert [tab["name"] for tab in rig.browser("desk").get(TABS).json()["tabs"]] == [
        "theirs", "mine",
    ]  # fmt: skip


def test_a_click_adds_its_clause_to_the_query(rig: DeskRig) -> None:
    browser = rig.browser("reader")
    answer = browser.get("/live?q=panne+OR+retard&last=7d&add=lang%3Afr")
    assert answer.status_code == 303
    assert answer.headers["location"] == ("/live?q=%28panne+OR+retard%29+AND+lang%3Afr&last=7d")
    # Once more takes it out, and what is no clause is shown as the mistake that it is.
    answer = browser.get("/live?q=panne+AND+lang%3Afr&add=lang%3Afr")
    assert answer.headers["location"] == "/live?q=panne"
    answer = browser.get("/live?q=panne&add=(((")
    assert browser.get(answer.headers["location"]).status_code == 400
