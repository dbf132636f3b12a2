"""The PDF of a report: text of strangers is text in it; without the package a sentence says so."""

import io
import sys
from typing import Any

import pytest

from schemas.errors import ServiceUnavailable, TocsinError
from tests.tower.reports.rig import ALERT, DAY, HOSTILE, NAME, ZONE, Rig
from tower.desk.jobs import Jobs
from tower.reports.pdf_job import PdfRequest, PdfRow, PdfSection, pdf_in_process

DAY_ASK = {"kind": "day", "q": "brand:velmora", "day": DAY, "tz": ZONE}
WITHOUT = (
    sys.executable,
    "-c",
    "import runpy, sys; sys.modules['typst'] = None; sys.argv[:] = sys.argv[1:]; "
    "runpy.run_module(sys.argv[0], run_name='__main__')",
)
"""Runs a module as if the package were not installed."""


def text_of(pdf: bytes) -> str:
    pypdf = pytest.importorskip("pypdf")
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return " ".join("\n".join(page.extract_text() for page in pages).split())


def request(**changed: Any) -> PdfRequest:
    rows = [PdfRow(cells=[text, "1"], share=0.5) for text in HOSTILE]
    section = PdfSection(title="T", columns=["a", "b"], rows=rows, notes=list(HOSTILE))
    given: dict[str, Any] = {
        "title": HOSTILE[2], "language": "fr", "footer": HOSTILE[2], "facts": list(HOSTILE),
        "sections": [section],
    }  # fmt: skip
    return PdfRequest(**{**given, **changed})


@pytest.mark.embedded
@pytest.mark.parametrize(("language", "title"), [("en", "day of 02 Mar"), ("fr", "journée du 02")])
def test_a_report_is_a_pdf_in_the_language_of_who_asks(
    shared: Rig, language: str, title: str
) -> None:
    pytest.importorskip("typst", reason="the extra reports is not installed")
    id_ = shared.make(**DAY_ASK)
    answer = shared.get(f"/reports/{id_}.pdf", **{"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    text = text_of(answer.content)
    assert title in text
    assert f"{shared.sections(id_)['facts']['answer']['mentions']}" in text
    assert NAME in text, "a person who may read the posts may print them"


@pytest.mark.embedded
def test_pictures_and_posts_of_every_kind_are_drawn(shared: Rig) -> None:
    pytest.importorskip("typst", reason="the extra reports is not installed")
    week = shared.make(**{**DAY_ASK, "kind": "week"})
    for id_ in (week, shared.make(kind="alert", alert=ALERT)):
        answer = shared.get(f"/reports/{id_}.pdf")
        assert answer.content.startswith(b"%PDF"), answer.text
    assert shared.tower.jobs.newest("report").result is None, "its texts are not kept"  # type: ignore[union-attr]


def test_nothing_of_a_stranger_is_evaluated() -> None:
    pytest.importorskip("typst", reason="the extra reports is not installed")
    text = text_of(pdf_in_process(request()))
    assert '#panic("typst") $x^2$ #read("/etc/passwd")' in text
    assert "<script>alert(1)</script>" in text
    assert "root:" not in text


def test_a_picture_that_is_broken_is_an_error_of_one_line() -> None:
    pytest.importorskip("typst", reason="the extra reports is not installed")
    broken = PdfSection(title="T", columns=[], rows=[], notes=[], picture="<svg")
    with pytest.raises(TocsinError, match="SVG|svg|image"):
        pdf_in_process(request(sections=[broken]))


def test_it_ends_with_its_deadline() -> None:
    with pytest.raises(ServiceUnavailable, match="took more than 0 s"):
        pdf_in_process(request(), deadline_s=0.01)


@pytest.mark.embedded
def test_without_the_package_a_sentence_says_how_to_get_it_or_to_print(rig: Rig) -> None:
    rig.tower.jobs = Jobs(command=WITHOUT)
    id_ = rig.make(**DAY_ASK)
    answer = rig.get(f"/reports/{id_}.pdf")
    assert answer.status_code == 501
    assert "pip install 'tocsin[reports]'" in answer.json()["detail"]
    page = rig.get(f"/reports/{id_}.pdf", accept="text/html")
    assert page.status_code == 303
    shown = rig.get(page.headers["location"]).text
    assert "pip install" in shown and "print this page" in shown
