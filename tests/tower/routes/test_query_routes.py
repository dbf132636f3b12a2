"""The editor of queries: what it says, a dry run, and what may be published."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from schemas.brand import Brand
from schemas.errors import ServiceUnavailable
from tests.tower.questions.corpus import NOW
from tests.tower.routes.desk_rig import DRY_RUN, DeskRig, plain
from tests.tower.towers import Browser, problem_of

WIDER = "velmora OR velmorra"


class Publishing(DeskRig):
    """Notes what is published, and may refuse it."""

    def __init__(self, **plan: Any) -> None:
        super().__init__(**plan)
        self.published: list[Brand] = []
        self.refuses: str | None = None
        self.tower.publish = self._publish

    def _publish(self, kafka: object, brands: list[Brand], keep_others: bool) -> None:
        assert keep_others, "the brands of others stay"
        if self.refuses is not None:
            raise ServiceUnavailable(self.refuses)
        self.published += brands


@pytest.fixture
def rig() -> Iterator[Publishing]:
    with Publishing() as rig:
        yield rig


def back(browser: Browser, path: str, form: dict[str, str]) -> dict[str, str]:
    """The parameters of the editor after a form."""
    answer = browser.post(path, form)
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    assert target.path == "/queries"
    page = browser.get(answer.headers["location"])
    if page.status_code == 303:  # the brand's own query
        page = browser.get(page.headers["location"])
    assert page.status_code in (200, 400)
    return {name: values[0] for name, values in parse_qs(target.query).items()}


def tried(rig: Publishing, role: Any = "admin", **form: str) -> str:
    """The id of a dry run that is done."""
    given = {"q": WIDER, "brand": "velmora", **form}
    found = back(rig.browser(role), "/queries/dry-run", given)
    assert rig.done(found["job"]).state == "done"
    return found["job"]


# --- the editor -------------------------------------------------------------------------------


def test_it_says_what_a_query_means_and_finds(rig: Publishing) -> None:
    page = rig.browser("reader").get("/queries?q=velmora+AND+NOT+%22air+france%22&wait=1")
    assert page.status_code == 200
    for said in ("Elasticsearch", "velmora"):
        assert said in page.text
    # A reader reads; a dry run is for the desk, and to publish for administrators.
    assert "/queries/dry-run" not in page.text
    assert "/queries/publish" not in page.text
    assert "/queries/dry-run" in rig.browser("desk").get("/queries?q=velmora").text


def test_a_wrong_query_is_shown_with_its_mistake(rig: Publishing) -> None:
    page = rig.browser("desk").get("/queries?q=(velmora")
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert "/queries/dry-run" not in page.text


def test_a_brand_is_opened_with_its_query(rig: Publishing) -> None:
    answer = rig.browser("reader").get("/queries?brand=velmora")
    assert answer.status_code == 303
    found = parse_qs(urlsplit(answer.headers["location"]).query)
    assert found["brand"] == ["velmora"]
    assert "elmora" in found["q"][0]
    assert rig.browser("reader").get(answer.headers["location"]).status_code == 200


def test_a_program_gets_the_same(rig: Publishing) -> None:
    program = rig.program("reader")
    said = program.send("POST", "/api/v1/queries/lint", json={"q": "velmora AND lang:fr"}).json()
    assert said["canonical"] == "velmora AND lang:fr"
    assert said["explanation"]
    wrong = problem_of(program.send("POST", "/api/v1/queries/lint", json={"q": "a AND (b"}))
    assert (wrong["status"], wrong["parameter"]) == (422, "q")
    assert wrong["start"] <= wrong["end"]
    for body in (b"", b"[]", b'{"q": 7}', b"\xff"):
        answer = program.send("POST", "/api/v1/queries/lint", content=body)
        assert problem_of(answer)["title"] == "Bad body"
    assert rig.browser().post("/api/v1/queries/lint").status_code == 401


# --- the dry run ------------------------------------------------------------------------------


def test_a_dry_run_is_of_the_query_over_the_last_day(rig: Publishing) -> None:
    job_id = tried(rig, "desk", q=f"  {WIDER} ")
    job = rig.tower.jobs.get(job_id)
    assert job is not None
    given = job.result["given"]
    assert given["after"]["query"] == WIDER
    assert given["before"] == plain(rig.brands.known["velmora"])
    assert given["since"] < NOW.isoformat()
    page = rig.browser("desk").get(f"/queries?q=velmora&brand=velmora&job={job_id}").text
    assert "7" in page and "/queries/publish" not in page
    page = rig.browser("admin").get(f"/queries?q=velmora&brand=velmora&job={job_id}").text
    assert "/queries/publish" not in page, "the result is for who started it"


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"q": "", "brand": "velmora"}, "the query is empty"),
        ({"q": "(a", "brand": "velmora"}, ""),
        ({"q": "a", "brand": "", "id": "Not An Id", "name": "x"}, "the brand is not right"),
        ({"q": "a", "brand": "", "id": "corvane", "name": "x"}, "there is a brand corvane already"),
        ({str(number): "x" for number in range(30)}, "a form has at most 20 fields"),
    ],
)
def test_a_wrong_brand_is_told(rig: Publishing, form: dict[str, str], told: str) -> None:
    found = back(rig.browser("desk"), "/queries/dry-run", form)
    assert found["told"].startswith(told)
    assert "job" not in found
    assert rig.tower.jobs.newest("dry-run") is None


def test_a_second_dry_run_waits_for_the_first() -> None:
    with Publishing(plan={DRY_RUN: {"sleeps": 30}}) as rig:
        form = {"q": WIDER, "brand": "velmora"}
        first = back(rig.browser("desk"), "/queries/dry-run", form)
        assert back(rig.browser("desk"), "/queries/dry-run", form)["told"] == (
            "another job is running"
        )
        # And one that runs is none to publish from.
        found = back(rig.browser("desk"), "/queries/dry-run", {**form, "job": first["job"]})
        assert found["told"] == "another job is running"


def test_who_may(rig: Publishing) -> None:
    form = {"q": WIDER, "brand": "velmora"}
    assert rig.browser("reader").post("/queries/dry-run", form).status_code == 403
    for role in ("reader", "desk"):
        answer = rig.browser(role).post("/queries/publish", form)
        assert problem_of(answer)["detail"] == "this needs the role admin"
    for path in ("/queries/dry-run", "/queries/publish"):
        assert rig.browser().post(path, form).status_code == 401
    assert rig.browser().get("/queries").status_code == 303
    assert not rig.published


# --- publishing -------------------------------------------------------------------------------


def publish(rig: Publishing, job: str, **form: str) -> str:
    given = {"q": WIDER, "brand": "velmora", "job": job, **form}
    return back(rig.browser("admin"), "/queries/publish", given)["told"]


def test_the_query_of_a_dry_run_is_published(rig: Publishing) -> None:
    assert publish(rig, tried(rig)) == "published"
    (brand,) = rig.published
    # Only the query is another.
    before = plain(rig.brands.known["velmora"])
    assert plain(brand) == {**before, "query": WIDER}


def test_a_new_brand_is_published_with_its_name(rig: Publishing) -> None:
    job = tried(rig, brand="", id="nova", name="Nova")
    assert publish(rig, job, brand="") == "published"
    assert [(one.id, one.name, one.query) for one in rig.published] == [("nova", "Nova", WIDER)]


def test_another_query_than_that_of_the_dry_run_is_not_published(rig: Publishing) -> None:
    job = tried(rig)
    for query in (f"{WIDER} OR x", "velmora", "", WIDER.upper()):
        told = publish(rig, job, q=query)
        assert told == "the query is not the one of the dry run; make another", query
    assert not rig.published


def test_without_a_dry_run_of_ones_own_nothing_is_published(rig: Publishing) -> None:
    for job in ("", "nothing", tried(rig, "desk")):
        assert publish(rig, job) == "make a dry run first"
    answer = rig.browser("admin").post("/alerts/velmora/1%20%C3%A9/backtest")
    other = answer.headers["location"].partition("job=")[2].partition("#")[0]
    assert publish(rig, other) == "make a dry run first"
    assert not rig.published


def test_a_dry_run_that_failed_is_none() -> None:
    with Publishing(plan={DRY_RUN: {"crash": "Kafka does not answer"}}) as rig:
        form = {"q": WIDER, "brand": "velmora"}
        job = back(rig.browser("admin"), "/queries/dry-run", form)["job"]
        assert rig.done(job).state == "failed"
        page = rig.browser("admin").get(f"/queries?q=velmora&job={job}").text
        assert "Kafka does not answer" in page
        assert publish(rig, job) == "make a dry run first"


def test_what_somebody_else_published_since_is_not_lost(rig: Publishing) -> None:
    job = tried(rig)
    rig.change_brand(peers=["corvane"])
    assert publish(rig, job) == "somebody else published this brand since; make another dry run"
    assert not rig.published
    # Another dry run is of the brand as it is now.
    assert publish(rig, tried(rig)) == "published"
    assert rig.published[0].peers == ["corvane"]


def test_publishing_again_changes_nothing(rig: Publishing) -> None:
    job = tried(rig)
    publish(rig, job)
    rig.change_brand(query=WIDER)
    assert publish(rig, job) == "published"
    assert rig.published[0] == rig.published[1]


def test_a_kafka_that_is_away_is_told(rig: Publishing) -> None:
    rig.refuses = "Kafka does not answer"
    assert publish(rig, tried(rig)) == "Kafka does not answer"
