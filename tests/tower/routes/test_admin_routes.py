"""Operations and erasures: one doctor for all who look, and an erasure only with the tick."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.tower.routes.desk_rig import DeskRig
from tests.tower.towers import problem_of

FINDING = {"subject": "kafka", "status": "ok", "text": "answers <b>well</b>"}
ERASED = {"result": {"erased": 3}}


@pytest.fixture
def rig() -> Iterator[DeskRig]:
    with DeskRig({"tocsin": ERASED}) as rig:
        yield rig


# --- the doctor -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 1, 2])
def test_the_doctor_is_asked_once_for_all_who_look(status: int) -> None:
    with DeskRig({"tocsin": {"result": [FINDING], "status": status}}) as rig:
        assert rig.browser("reader").get("/ops").status_code == 200
        first = rig.tower.jobs.newest("doctor")
        assert first is not None
        for role in ("desk", "admin", "reader"):
            rig.browser(role).get("/ops")
        assert rig.tower.jobs.newest("doctor") is first
        assert rig.done(first.id).state == "done"
        page = rig.browser("desk").get("/ops").text
        assert "answers &lt;b&gt;well&lt;/b&gt;" in page
        # Half a minute later it is old: it is shown until there is a new one.
        rig.passed_s += 31
        page = rig.browser("admin").get("/ops").text
        assert "answers &lt;b&gt;well&lt;/b&gt;" in page
        second = rig.tower.jobs.newest("doctor")
        assert second is not None and second.by == "admin"
        assert rig.done(second.id).state == "done"


def test_a_doctor_that_fails_is_not_asked_again_at_once() -> None:
    with DeskRig({"tocsin": {"crash": "no <b>such</b> setting"}}) as rig:
        rig.browser("desk").get("/ops")
        first = rig.tower.jobs.newest("doctor")
        assert first is not None
        rig.done(first.id)
        assert "no &lt;b&gt;such&lt;/b&gt; setting" in rig.browser("desk").get("/ops").text
        assert rig.tower.jobs.newest("doctor") is first
        rig.passed_s += 31
        rig.browser("desk").get("/ops")
        second = rig.tower.jobs.newest("doctor")
        assert second is not None and second is not first


def test_a_finding_of_another_shape_leaves_the_page_whole() -> None:
    with DeskRig({"tocsin": {"result": {"not": "a list"}}}) as rig:
        rig.browser("desk").get("/ops")
        job = rig.tower.jobs.newest("doctor")
        assert job is not None
        rig.done(job.id)
        assert rig.browser("desk").get("/ops").status_code == 200
    assert job.result["arguments"] == ["doctor", "--no-models", "--format", "json"]


# --- erasures ---------------------------------------------------------------------------------


def told(rig: DeskRig, role: Any = "admin", **form: str) -> dict[str, str]:
    answer = rig.browser(role).post("/erasure", form)
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    assert target.path == "/erasure"
    assert rig.browser(role).get(answer.headers["location"]).status_code == 200
    return {name: values[0] for name, values in parse_qs(target.query).items()}


@pytest.mark.parametrize("role", ["reader", "desk"])
def test_only_administrators_see_and_erase(rig: DeskRig, role: Any) -> None:
    browser = rig.browser(role)
    for answer in (
        browser.get("/erasure"),
        browser.post("/erasure", {"source": "x", "author": "1", "act": "check"}),
        browser.get("/api/v1/erasures"),
    ):
        assert problem_of(answer)["detail"] == "this needs the role admin"
    assert rig.tower.jobs.newest("erasure") is None
    assert rig.browser().get("/erasure").headers["location"].startswith("/sign-in")
    assert rig.browser().post("/erasure").status_code == 401
    assert 'href="/erasure"' not in browser.get("/ops").text


def test_an_erasure_needs_the_tick(rig: DeskRig) -> None:
    for form in ({}, {"sure": "no"}, {"sure": ""}):
        found = told(rig, source="bluesky", author="did:plc:1", act="erase", **form)
        assert found == {"told": "tick that it is for good"}
    assert rig.tower.jobs.newest("erasure") is None


def test_an_erasure_runs_as_the_command_does(rig: DeskRig) -> None:
    found = told(rig, source="bluesky", author="--all é", act="erase", sure="yes")
    job = rig.done(found["job"])
    assert (job.state, job.by) == ("done", "admin")
    # After "--" nothing of a stranger is an option.
    assert job.result["arguments"] == ["erase", "--yes", "--", "bluesky", "--all é"]
    assert "--all" in rig.browser("admin").get(f"/erasure?job={job.id}").text


def test_a_check_erases_nothing(rig: DeskRig) -> None:
    for act in ("check", "", "other"):
        job = rig.done(told(rig, source="x", author="17", act=act, sure="yes")["job"])
        assert job.result["arguments"][:2] == ["erase", "--check"]
        assert job.result["arguments"][-3:] == ["--", "x", "17"]
        assert "--yes" not in job.result["arguments"]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"source": "x"},
        {"source": "x", "author": "  "},
        {"source": "-x", "author": "1"},
        {"source": "X", "author": "1"},
        {"source": "x y", "author": "1"},
        {"source": "x\n", "author": ""},
        {"source": "x" * 65, "author": "1"},
        {"source": "x", "author": "1" * 501},
        {"source": "x", "author": "a\0b"},
        {str(number): "x" for number in range(30)},
    ],
)
def test_a_wrong_account_is_told_and_nothing_runs(rig: DeskRig, form: dict[str, str]) -> None:
    assert "job" not in told(rig, **{"act": "erase", "sure": "yes", **form})
    assert rig.tower.jobs.newest("erasure") is None


def test_one_erasure_at_a_time() -> None:
    with DeskRig({"tocsin": {"sleeps": 30}}) as rig:
        told(rig, source="x", author="1", act="check")
        assert told(rig, source="x", author="2", act="check")["told"] == "another job is running"
