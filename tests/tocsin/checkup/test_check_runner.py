"""Checks run at the same time, tell a cause once, and never end in a traceback."""

import threading
from collections.abc import Callable

import pytest

from schemas.errors import ServiceUnavailable
from tocsin.checkup.check_runner import Check, Finding, Noted, Skipped, run_checks
from tocsin.checkup.checks import ALL, checks, status_of


def raising(error: Exception) -> Callable[[], str]:
    def run() -> str:
        raise error

    return run


def test_each_outcome_is_a_finding_in_the_order_of_the_checks() -> None:
    told: list[Finding] = []
    findings = run_checks(
        [
            Check("a", lambda: "works"),
            Check("b", raising(Noted("full soon"))),
            Check("c", raising(Skipped("not set"))),
            Check("d", raising(ServiceUnavailable("away; start it"))),
        ],
        told.append,
    )
    assert findings == told
    assert findings == [
        ("a", "ok", "works"),
        ("b", "note", "full soon"),
        ("c", "skip", "not set"),
        ("d", "FAIL", "away; start it"),
    ]


@pytest.mark.parametrize(
    "error", [KeyError("endpoint_type"), ValueError("odd\nlines"), AssertionError(), TypeError("x")]
)
def test_an_answer_that_nobody_expected_is_one_sentence(error: Exception) -> None:
    (finding,) = run_checks([Check("kafka", raising(error))])
    assert finding.status == "FAIL"
    assert "an answer that tocsin does not understand" in finding.text
    assert type(error).__name__ in finding.text and "\n" not in finding.text


def test_what_needs_a_server_that_is_away_is_not_tried_and_told_once() -> None:
    tried: list[str] = []

    def check(name: str) -> Callable[[], str]:
        return lambda: tried.append(name) or "fine"

    findings = run_checks(
        [
            Check("kafka", raising(ServiceUnavailable("away"))),
            Check("topics", check("topics"), needs="kafka"),
            Check("brands", check("brands"), needs="topics"),
            Check("models", check("models")),
        ]
    )
    assert [finding.status for finding in findings] == ["FAIL", "skip", "skip", "ok"]
    assert findings[1].text == "not checked, since kafka does not work"
    assert tried == ["models"]


def test_one_that_hangs_is_told_and_holds_up_nobody() -> None:
    never, others_ran = threading.Event(), threading.Event()

    def hang() -> str:
        assert others_ran.wait(60)
        never.wait()
        return "too late"

    def other() -> str:
        others_ran.set()
        return "fine"

    findings = run_checks(
        [Check("hangs", hang, deadline_s=0.2), Check("other", other, deadline_s=60)]
    )
    never.set()
    assert findings[0] == ("hangs", "FAIL", "no answer within 0 s")
    assert findings[1].status == "ok"


def test_the_list_names_only_checks_that_come_before() -> None:
    seen: set[str] = set()
    for check in ALL:
        assert check.needs is None or check.needs in seen
        seen.add(check.subject)
    assert {check.subject for check in checks(models=False)} == seen - {"models"}


def test_the_exit_status_tells_a_setting_from_a_server() -> None:
    def found(**statuses: str) -> list[Finding]:
        return [Finding(name, status, "") for name, status in statuses.items()]  # type: ignore[arg-type]

    assert status_of(found(settings="ok", kafka="note", channels="skip")) == 0
    assert status_of(found(settings="ok", kafka="FAIL")) == 1
    assert status_of(found(settings="FAIL", kafka="skip")) == 2
