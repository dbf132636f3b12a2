"""The room of an alert: what people do in it, who may, and what somebody else did meanwhile."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus

import pytest

from schemas.brand import AlertPolicy
from sinks.alerts import triage
from sinks.alerts.store import with_desk
from tests import make
from tests.tower.questions.corpus import NOW
from tests.tower.routes.desk_rig import ALERT_ID, BACKTEST, DONE, ROOM, DeskRig
from tests.tower.towers import Browser, problem_of
from tower.live.hub import Listener
from tower.pages.post_card import card_key

API = f"/api/v1{ROOM}"
FORMS: dict[str, dict[str, str]] = {
    "ack": {},
    "assign": {"to": "chloé"},
    "note": {"text": "<b>rung the press office</b>"},
    "close": {"text": "over"},
    "verdict": {"verdict": "false_alarm"},
}


@pytest.fixture
def rig() -> Iterator[DeskRig]:
    with DeskRig() as rig:
        yield rig


def acted_meanwhile(rig: DeskRig, by: str = "ben") -> None:
    """Ben acknowledges it from another screen."""
    desk = triage.acknowledge(rig.document, by, NOW, None)
    document = with_desk(rig.document, desk)
    rig.client.stored.put(rig.client.names.alerts, ALERT_ID, document)
    rig.tower.answers.forget_alerts()


def conflict_of(browser: Browser, path: str, form: dict[str, str]) -> str:
    """What the room says after a form that came too late."""
    answer = browser.post(path, form)
    assert answer.status_code == 303
    target = answer.headers["location"]
    assert target.startswith(f"{ROOM}?conflict=")
    page = browser.get(target)
    assert page.status_code == 200
    told = unquote_plus(target.partition("=")[2])
    assert 'role="alert"' in page.text
    return told


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [*FORMS, "backtest"])
def test_a_reader_sees_the_room_and_does_nothing_in_it(rig: DeskRig, act: str) -> None:
    page = rig.browser("reader").get(ROOM)
    assert page.status_code == 200
    assert "Velmora" in page.text
    assert f"/{act}" not in page.text
    before = rig.document
    assert rig.browser("reader").post(f"{ROOM}/{act}", FORMS.get(act, {})).status_code == 403
    answer = rig.program("reader").send("POST", f"{API}/{act}", json=FORMS.get(act, {}))
    assert problem_of(answer)["detail"] == "this needs the role desk"
    assert rig.document == before
    assert rig.tower.jobs.newest("backtest") is None


@pytest.mark.parametrize("act", [*FORMS, "backtest"])
def test_a_stranger_does_nothing(rig: DeskRig, act: str) -> None:
    assert rig.browser().get(ROOM).headers["location"].startswith("/sign-in?next=/alerts/")
    before = rig.document
    for path in (f"{ROOM}/{act}", f"{API}/{act}"):
        assert rig.browser().post(path).status_code == 401
    assert rig.document == before


@pytest.mark.parametrize("role", ["desk", "admin"])
@pytest.mark.parametrize("act", FORMS)
def test_the_desk_acts_and_the_room_tells_of_it(rig: DeskRig, act: str, role: Any) -> None:
    browser = rig.browser(role)
    assert f'action="{ROOM}/{act}"' in browser.get(ROOM).text or act in browser.get(ROOM).text
    answer = browser.post(f"{ROOM}/{act}", {**FORMS[act], "seen": "0"})
    assert (answer.status_code, answer.headers["location"]) == (303, ROOM)
    (entry,) = rig.desk["history"]
    assert (entry["by"], entry["at"]) == (role, NOW.isoformat().replace("+00:00", "Z"))
    page = browser.get(ROOM).text
    assert '<li class="act">' in page
    assert "<b>rung" not in page


def test_each_act_changes_its_part(rig: DeskRig) -> None:
    program = rig.program("desk")
    for act, form in FORMS.items():
        answer = program.send("POST", f"{API}/{act}", json=form)
        assert answer.status_code == 200
        assert answer.json()["desk"] == rig.desk
    desk = rig.desk
    assert (desk["acknowledged_by"], desk["assignee"], desk["closed_by"]) == (
        "desk", "chloé", "desk",
    )  # fmt: skip
    assert (desk["verdict"], desk["verdict_by"]) == ("false_alarm", "desk")
    assert [entry["did"] for entry in desk["history"]] == [
        "acknowledged", "assigned", "noted", "closed", "judged",
    ]  # fmt: skip
    assert desk["closed_severity"] == 4


def test_other_screens_are_told(rig: DeskRig) -> None:
    listener = Listener("", "en", "ben", posts=False)

    async def add() -> None:
        rig.tower.hub.add(listener, None, None)
        listener.take()

    rig.run(add())
    rig.browser("desk").post(f"{ROOM}/ack")
    (event,) = listener.take()
    assert event.name == "desk"
    assert b'"by":"desk"' in event.data and b'"act":"ack"' in event.data


# --- somebody else ----------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["ack", "assign", "close", "verdict"])
def test_what_somebody_else_did_is_shown_and_not_undone(rig: DeskRig, act: str) -> None:
    acted_meanwhile(rig)
    before = rig.document
    form = {**FORMS[act], "seen": "0"}
    assert conflict_of(rig.browser("desk"), f"{ROOM}/{act}", form).startswith("ben: acknowledged")
    answer = rig.program("desk").send("POST", f"{API}/{act}", json={**FORMS[act], "seen": 0})
    body = problem_of(answer)
    assert (answer.status_code, body["title"]) == (409, "Somebody else did")
    assert body["detail"].startswith("ben: acknowledged")
    assert body["current"]["desk"]["acknowledged_by"] == "ben"
    assert rig.document == before


def test_a_note_takes_nothing_from_anybody(rig: DeskRig) -> None:
    acted_meanwhile(rig)
    answer = rig.browser("desk").post(f"{ROOM}/note", {"text": "seen", "seen": "0"})
    assert answer.headers["location"] == ROOM
    assert [entry["by"] for entry in rig.desk["history"]] == ["ben", "desk"]


def test_whoever_saw_it_goes_on(rig: DeskRig) -> None:
    acted_meanwhile(rig)
    page = rig.browser("desk").get(ROOM).text
    assert 'name="seen" value="1"' in page
    answer = rig.browser("desk").post(f"{ROOM}/assign", {"to": "desk", "seen": "1"})
    assert answer.headers["location"] == ROOM
    assert rig.desk["assignee"] == "desk"


def test_of_two_at_a_time_one_acknowledges(rig: DeskRig) -> None:
    """The other writes between the read and the write of the first."""
    rig.client.stored.before_write = lambda: acted_meanwhile(rig)
    told = conflict_of(rig.browser("desk"), f"{ROOM}/ack", {"seen": "0"})
    assert rig.client.stored.conflicts == 1
    assert told.startswith("ben: acknowledged")
    assert rig.desk["acknowledged_by"] == "ben"


def test_of_two_notes_at_a_time_none_is_lost(rig: DeskRig) -> None:
    rig.client.stored.before_write = lambda: acted_meanwhile(rig)
    rig.browser("desk").post(f"{ROOM}/note", {"text": "mine"})
    assert rig.client.stored.conflicts == 1
    assert [entry["by"] for entry in rig.desk["history"]] == ["ben", "desk"]


def test_an_alert_that_is_closed_is_closed_once(rig: DeskRig) -> None:
    rig.browser("desk").post(f"{ROOM}/close")
    rig.browser("admin").post(f"{ROOM}/note", {"text": "why?"})
    told = conflict_of(rig.browser("admin"), f"{ROOM}/close", {"seen": "2"})
    assert told == "already closed by desk"


# --- what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "form", "told"),
    [
        ("assign", {}, "say who takes it over"),
        ("assign", {"to": "  "}, "say who takes it over"),
        ("note", {"text": " \n "}, "a note has no text"),
        ("verdict", {}, "a verdict is one of right, false_alarm"),
        ("verdict", {"verdict": "perhaps"}, "a verdict is one of right, false_alarm"),
        ("ack", {"seen": "²"}, "seen is the number of entries of the history"),
        ("ack", {"seen": "-1"}, "seen is the number of entries of the history"),
        ("backtest", {"sensitivity": "high"}, "a sensitivity is from 0.1 to 10"),
        ("backtest", {"sensitivity": "nan"}, "a sensitivity is from 0.1 to 10"),
        ("backtest", {"sensitivity": "0"}, "a sensitivity is from 0.1 to 10"),
        ("backtest", {"sensitivity": "1e9"}, "a sensitivity is from 0.1 to 10"),
        ("ack", {str(number): "x" for number in range(30)}, "a form has at most 20 fields"),
        ("backtest", {str(number): "x" for number in range(30)}, "a form has at most 20 fields"),
    ],
)
def test_a_wrong_value_is_told(rig: DeskRig, act: str, form: dict[str, str], told: str) -> None:
    before = rig.document
    assert conflict_of(rig.browser("desk"), f"{ROOM}/{act}", form) == told
    assert rig.document == before


def test_a_wrong_body_is_a_problem(rig: DeskRig) -> None:
    program = rig.program("desk")
    for body in (b"{", b"[]", b'{"to": null}', b'{"to": ["a"]}', b"\xff", b'{"to": " "}'):
        answer = program.send("POST", f"{API}/assign", content=body)
        assert (answer.status_code, problem_of(answer)["title"]) == (422, "Bad body")
    # None is an empty one, which says enough for an acknowledgement.
    assert program.send("POST", f"{API}/ack", content=b"").status_code == 200


@pytest.mark.parametrize("path", ["/alerts/nothing", "/api/v1/alerts/nothing"])
def test_an_alert_that_is_not_there_is_not_found(rig: DeskRig, path: str) -> None:
    browser = rig.browser("desk")
    assert browser.get(path).status_code == 404
    for act, form in (*FORMS.items(), ("backtest", {})):
        kind: dict[str, Any] = {"json": form} if "api" in path else {"data": form}
        headers = {"sec-fetch-site": "same-origin"}
        answer = browser.send("POST", f"{path}/{act}", headers=headers, **kind)
        assert answer.status_code == 404, act


def test_an_act_that_is_none_is_not_found(rig: DeskRig) -> None:
    assert rig.browser("desk").post(f"{ROOM}/delete").status_code == 404
    assert rig.program("desk").send("POST", f"{API}/delete", json={}).status_code == 404
    assert not rig.desk


def test_an_index_that_is_away_is_told(rig: DeskRig) -> None:
    rig.client.stored.away = True
    assert "does not answer" in conflict_of(rig.browser("desk"), f"{ROOM}/ack", {})
    answer = rig.program("desk").send("POST", f"{API}/ack", json={})
    assert answer.status_code == 503
    rig.search.away = "the index is away"
    rig.tower.answers.forget()
    assert problem_of(rig.browser("desk").get(ROOM))["status"] == 503
    assert rig.browser("desk").post(f"{ROOM}/backtest").status_code == 503


def test_any_id_of_an_alert_is_one(rig: DeskRig) -> None:
    for wanted in ("x" * 3_000, "../../etc/passwd", "a\r\nX: y", "é*?", "\x00", "a/ack/b"):
        answer = rig.browser("desk").post(f"/alerts/{quote(wanted, safe='')}/ack")
        assert answer.status_code == 404, wanted


# --- what it shows ----------------------------------------------------------------------------


def test_a_post_that_is_gone_is_hidden_from_the_room(rig: DeskRig) -> None:
    browser = rig.browser("desk")
    key = f'data-key="{card_key("x:1")}"'
    assert key in browser.get(f"{ROOM}?wait=1").text
    found = browser.get(f"/api/v1{ROOM}").json()["found"]
    assert [post["id"] for post in found["alert"]["evidence"]["shown"]] == ["x:1", "x:2"]
    rig.tower.hub.withdrawn.take(make.enriched(make.delete("x:1", 10**6)))
    found = browser.get(f"/api/v1{ROOM}").json()["found"]
    assert [post["id"] for post in found["alert"]["evidence"]["shown"]] == ["x:2"]
    shown = browser.get(f"{ROOM}?wait=1", headers={"fragment": "shown"})
    assert shown.status_code == 200
    assert key not in shown.text
    assert key not in browser.get("/wall?wait=1").text
    assert f'data-key="{card_key("x:2")}"' in shown.text


def test_the_brands_own_playbook_comes_before_ours(rig: DeskRig) -> None:
    browser = rig.browser("reader")
    assert "Acknowledge and assign now." in browser.get(ROOM).text
    rig.change_brand(alerts=AlertPolicy(playbook={"3": "Ring <b>Ana</b> at 8 8"}))
    page = browser.get(ROOM).text
    assert "Ring &lt;b&gt;Ana&lt;/b&gt; at 8 8" in page
    assert "Acknowledge and assign now." not in page


def test_an_alert_of_a_brand_that_nobody_publishes_has_a_room(rig: DeskRig) -> None:
    rig.brands.known = {}
    assert rig.browser("desk").get(ROOM).status_code == 200
    told = conflict_of(rig.browser("desk"), f"{ROOM}/backtest", {})
    assert told == "the brand velmora is not published any more"


# --- back-tests -------------------------------------------------------------------------------


def started(rig: DeskRig, browser: Browser, sensitivity: str = "2,5") -> str:
    answer = browser.post(f"{ROOM}/backtest", {"sensitivity": sensitivity})
    assert answer.status_code == 303
    address, _, anchor = answer.headers["location"].partition("#")
    assert anchor == "backtest"
    assert address.startswith(f"{ROOM}?job=")
    return str(address.partition("job=")[2])


def test_a_back_test_is_of_the_brand_around_the_alert(rig: DeskRig) -> None:
    job = rig.done(started(rig, rig.browser("desk")))
    assert job.state == "done"
    given = job.result["given"]
    assert given["brand"]["id"] == "velmora"
    assert given["sensitivity"] == 2.5
    assert given["until"] == NOW.isoformat().replace("+00:00", "Z")
    assert given["since"] == (NOW - timedelta(days=7)).isoformat().replace("+00:00", "Z")


def test_a_result_is_for_who_started_it(rig: DeskRig) -> None:
    job_id = started(rig, rig.browser("desk"))
    rig.done(job_id)
    own = rig.browser("desk").get(f"{ROOM}?job={job_id}").text
    assert "4,321 mentions were read" in own
    assert rig.browser("desk").get(f"/api/v1/jobs/{job_id}").json()["state"] == "done"
    for other in (rig.browser("admin"), rig.browser("reader")):
        page = other.get(f"{ROOM}?job={job_id}")
        assert page.status_code == 200
        assert "4,321" not in page.text
        assert other.get(f"/api/v1/jobs/{job_id}").status_code == 404
    assert rig.browser().get(f"/api/v1/jobs/{job_id}").status_code == 401


def test_a_job_of_another_kind_shows_nothing_in_the_room(rig: DeskRig) -> None:
    browser = rig.browser("desk")
    answer = browser.post("/queries/dry-run", {"q": "panne", "brand": "velmora"})
    job_id = answer.headers["location"].partition("job=")[2]
    rig.done(job_id)
    assert browser.get(f"{ROOM}?job={job_id}").status_code == 200
    assert browser.get("/queries?q=panne&job=" + started(rig, browser)).status_code == 200


def test_a_second_back_test_waits_for_the_first() -> None:
    with DeskRig({BACKTEST: {"sleeps": 30}}) as rig:
        started(rig, rig.browser("desk"))
        told = conflict_of(rig.browser("desk"), f"{ROOM}/backtest", {})
        assert told == "another back-test is running"
        answer = rig.program("desk").send("POST", f"{API}/backtest")
        assert problem_of(answer)["status"] == 429
        page = rig.browser("desk").get(f"{ROOM}?job={rig.tower.jobs.newest('backtest').id}")  # type: ignore[union-attr]
        assert "data-wait-job" in page.text


def test_a_program_finds_its_job() -> None:
    with DeskRig(DONE) as rig:
        answer = rig.program("desk").send("POST", f"{API}/backtest")
        assert answer.status_code == 202
        job = answer.json()
        assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
        rig.done(job["id"])
        found = rig.program("desk").get(answer.headers["location"]).json()
        assert (found["state"], found["result"]["mentions"]) == ("done", 4_321)


def test_a_back_test_that_fails_says_why() -> None:
    with DeskRig({BACKTEST: {"crash": "first\nElasticsearch <b>does not answer</b>"}}) as rig:
        job_id = started(rig, rig.browser("desk"))
        assert rig.done(job_id).state == "failed"
        page = rig.browser("desk").get(f"{ROOM}?job={job_id}").text
        assert "Elasticsearch &lt;b&gt;does not answer&lt;/b&gt;" in page


def test_a_click_in_the_room_goes_to_the_live_page_of_its_time(rig: DeskRig) -> None:
    """The room is of one alert, so a clause cannot change what it is about."""
    page = rig.browser("reader").get(f"{ROOM}?wait=1").text
    clicks = re.findall(r'<a class="chip[^"]*" href="([^"]+)"', page)
    assert clicks
    for href in clicks:
        path, _, query = unescape(href).partition("?")
        given = dict(parse_qsl(query))
        assert path == "/live"
        assert given["q"].startswith("brand:velmora AND ")
        assert {"since", "until"} <= given.keys()
