"""Sign-in by link, by password and by token; and where it leads, which is never elsewhere."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import ANY_TEXT
from tests.tower.towers import PASSWORD, TowerRig, problem_of
from tower.security.sessions import LINK_S
from tower.security.users import Accounts, Person

ADMIN = Person("local", "admin")


@pytest.fixture
def rig() -> Iterator[TowerRig]:
    with TowerRig() as rig:
        yield rig


def test_a_page_sends_a_stranger_to_the_sign_in_and_back(rig: TowerRig) -> None:
    browser = rig.browser()
    response = browser.get("/brands?q=brand%3Avelmora&last=7d")
    assert response.status_code == 303
    target = quote("/brands?q=brand%3Avelmora&last=7d")
    assert response.headers["location"] == f"/sign-in?next={target}"
    form = browser.get(response.headers["location"])
    assert form.status_code == 200
    assert 'name="next" value="/brands?q=brand%3Avelmora&amp;last=7d"' in form.text
    signed = browser.post(
        "/sign-in",
        {"name": "ana", "password": PASSWORD, "next": "/brands?q=brand%3Avelmora&last=7d"},
    )
    assert signed.status_code == 303
    assert signed.headers["location"] == "/brands?q=brand%3Avelmora&last=7d"
    assert browser.get("/brands").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/volume", "/events", "/api/v1/openapi.json"])
def test_a_program_without_a_person_gets_a_problem(rig: TowerRig, path: str) -> None:
    response = rig.browser().get(path)
    assert response.status_code == 401
    assert problem_of(response)["title"] == "Sign in"


def test_a_fragment_without_a_person_gets_a_problem(rig: TowerRig) -> None:
    assert rig.browser().get("/live", headers={"Fragment": "facts"}).status_code == 401


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/live/../x", "/static/../app.py"])
def test_a_stranger_cannot_tell_what_there_is(rig: TowerRig, path: str) -> None:
    assert rig.browser().get(path).status_code in (303, 401, 404)
    assert "tower" not in rig.browser().get(path).text


def test_a_wrong_password_is_told_without_saying_what_is_wrong(rig: TowerRig) -> None:
    answers = [
        rig.browser().post("/sign-in", {"name": name, "password": password})
        for name, password in (("ana", "wrong"), ("nobody", "wrong"), ("reader", ""), ("", ""))
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.text for answer in answers}) == 1
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_attempts_are_limited_by_address_and_by_name(rig: TowerRig) -> None:
    for _ in range(10):
        assert rig.browser().post("/sign-in", {"name": "ana", "password": "x"}).status_code == 403
    # Another machine gets no more attempts at this name, and the right password waits too.
    other = rig.browser(address="203.0.113.9")
    right = {"name": "ana", "password": PASSWORD}
    assert other.post("/sign-in", right).status_code == 429
    # Another name gets no more attempts from this machine.
    assert rig.browser().post("/sign-in", {"name": "ben", "password": "x"}).status_code == 429
    assert other.post("/sign-in", {"name": "ben", "password": "x"}).status_code == 403


def test_a_link_signs_in_once(rig: TowerRig) -> None:
    link = f"/sign-in?token={rig.sessions.link(ADMIN)}&next=/world"
    browser = rig.browser()
    response = browser.get(link)
    assert (response.status_code, response.headers["location"]) == (303, "/world")
    assert browser.get("/world").status_code == 200
    # Whoever is signed in goes on; somebody else has missed it.
    assert browser.get(link).status_code == 303
    late = rig.browser().get(link)
    assert late.status_code == 403
    assert "set-cookie" not in late.headers


def test_a_link_that_is_too_old_signs_nobody_in(rig: TowerRig) -> None:
    link = f"/sign-in?token={rig.sessions.link(ADMIN)}"
    rig.passed_s = LINK_S
    assert rig.browser().get(link).status_code == 403


def test_signing_out_ends_the_session(rig: TowerRig) -> None:
    browser = rig.browser("desk")
    cookies = dict(browser.cookies)
    assert browser.get("/live").status_code == 200
    response = browser.post("/sign-out")
    assert response.headers["location"] == "/sign-in"
    thief = rig.browser()
    thief.headers["cookie"] = f"tower={cookies['tower']}"
    assert thief.get("/live").status_code == 303
    # By a link alone nobody is signed out.
    assert rig.browser("desk").get("/sign-out").status_code == 405


ELSEWHERE = [
    "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil",
    "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "evil.example",
    "javascript:alert(1)", "data:text/html,x", "http:/evil.example", "/\x00/evil", "/ok\r\nX: y",
    "", "live", "?q=x", "#x", "/\u2028/evil", "/" + "x" * 9_000,
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_sign_in_leads_nowhere_else(rig: TowerRig, target: str) -> None:
    asked = {"name": "ana", "password": PASSWORD, "next": target}
    assert rig.browser().post("/sign-in", asked).headers["location"] == "/live"
    link = f"/sign-in?token={rig.sessions.link(ADMIN)}&next={quote(target)}"
    assert rig.browser().get(link).headers["location"] == "/live"


def test_any_target_stays_on_this_host(rig: TowerRig) -> None:
    browser = rig.browser("admin")

    @settings(max_examples=80)
    @given(
        ANY_TEXT
        | st.text(alphabet="/\\.:@?#%\t\n evil", max_size=20)
        | st.text(alphabet="/\\.:@?#%\t\n evil", max_size=20).map("/{}".format)
    )
    def check(target: str) -> None:
        written = quote(target.encode("utf-8", "replace"))
        response = browser.get(f"/sign-in?token=x&next={written}")
        location = response.headers["location"]
        assert response.status_code == 303
        # As a browser reads it: without tabs and line breaks, with \ as /.
        read = location.replace("\t", "").replace("\n", "").replace("\r", "").replace("\\", "/")
        assert read.startswith("/") and not read.startswith("//")

    check()


def test_a_form_of_another_shape_is_a_wrong_password(rig: TowerRig) -> None:
    browser = rig.browser()
    for body in (b"", b"\xff\xfe=%ff", b"a=b&" * 50, b"name=ana", b"{}", b"name=a&name=b"):
        response = browser.send("POST", "/sign-in", content=body)
        assert response.status_code in (403, 429)


def test_without_accounts_the_page_tells_of_the_link() -> None:
    with TowerRig(Accounts({})) as rig:
        page = rig.browser().get("/sign-in")
        assert "password" not in page.text
        assert "tocsin tower link" in page.text
        assert rig.browser().post("/sign-in", {"name": "", "password": ""}).status_code == 403


def test_over_tls_the_session_is_a_cookie_of_this_host_alone() -> None:
    with TowerRig(proxies="10.0.0.1") as rig:
        response = rig.browser().post("/sign-in", {"name": "ana", "password": PASSWORD})
        cookie = response.headers["set-cookie"]
        assert cookie.startswith("__Host-tower=")
        assert "Secure" in cookie
        assert "strict-transport-security" in response.headers
