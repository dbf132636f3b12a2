"""``tocsin report``: one mail a report and a channel, whatever is run twice; and files."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.smtp import SmtpServer
from tests.tocsin.cli.commands import Commands, Ran
from tests.tower.questions.index import embedded
from tests.tower.reports.rig import BRANDS, DAY, DID, NAME, SECRET, Rig

pytestmark = pytest.mark.embedded
_NUMBERS = itertools.count()
ARGUMENTS = ("report", "--brand", "velmora", "--day", DAY, "--time-zone", "Europe/Paris")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("noida_db", reason="the embedded extra is not installed")
    with embedded(tmp_path_factory.mktemp("report")) as url:
        yield url


@pytest.fixture
def rig(url: str) -> Iterator[Rig]:
    rig = Rig(url, f"cli-{next(_NUMBERS)}-")
    rig.fill()
    yield rig
    rig.close()


class Desk:
    """The command, with a channels file that names a mail server."""

    def __init__(
        self, tocsin: Commands, rig: Rig, smtp: SmtpServer, patch: pytest.MonkeyPatch, folder: Path
    ) -> None:
        self.tocsin, self.rig, self.smtp = tocsin, rig, smtp
        entry = {
            "kind": "email", "name": "press", "host": "127.0.0.1", "port": smtp.port,
            "security": "none", "from": "tocsin@desk.test", "to": ["ana@desk.test"],
            "language": "fr",
        }  # fmt: skip
        slack = {"kind": "webhook", "name": "hook", "url": "http://127.0.0.1:9", "secret_env": "S"}
        (folder / "channels.yaml").write_text(json.dumps({"channels": [entry, slack]}))
        brands = [{"id": one.id, "name": one.name, "query": one.id} for one in BRANDS.values()]
        (folder / "brands.yaml").write_text(json.dumps({"brands": brands}))
        patch.setenv("S", "a-secret-of-the-hook")
        patch.setenv("TOCSIN_ALERTS_ALLOW_PRIVATE", "true")
        patch.setenv("TOCSIN_ALERTS_CHANNELS", str(folder / "channels.yaml"))
        patch.setenv("TOCSIN_ELASTICSEARCH_URL", rig.url)
        patch.setenv("TOCSIN_ELASTICSEARCH_INDEX_PREFIX", rig.prefix)
        self.brands = folder / "brands.yaml"

    def __call__(self, *more: str) -> Ran:
        return self.tocsin(*ARGUMENTS, "--by", "ana", "--brands", str(self.brands), *more)

    def results(self) -> list[str]:
        (report,) = self.rig.get("/api/v1/reports").json()["reports"]
        return [f"{one['channel']} {one['result']}" for one in report.get("deliveries", [])]


@pytest.fixture
def desk(
    tocsin: Commands, rig: Rig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Desk]:
    with SmtpServer() as smtp:
        yield Desk(tocsin, rig, smtp, monkeypatch, tmp_path)


def test_a_second_run_of_the_same_day_does_not_mail_twice(desk: Desk) -> None:
    first = desk("--to", "press")
    assert first.status == 0, first.err
    assert "press took the report" in first.err
    second = desk("--to", "press")
    assert second.status == 0 and "already; --again sends it again" in second.err
    assert len(desk.smtp.mails) == 1
    assert desk.results() == ["press delivered"]
    assert desk("--to", "press", "--again").status == 0
    one, other = (mail.message["Message-ID"] for mail in desk.smtp.mails)
    assert one != other
    assert desk.results() == ["press delivered", "press delivered"]


def test_a_server_that_takes_nothing_is_asked_again_by_the_next_run(desk: Desk) -> None:
    desk.smtp.answers = ["451 later", "554 never", "250 taken"]
    later = desk("--to", "press")
    assert later.status == 3 and "press did not take the report" in later.err
    never = desk("--to", "press")
    assert never.status == 1 and "press refused the report" in never.err
    assert desk("--to", "press").status == 0
    assert desk.smtp.answers == [], "each answer was given"
    assert desk.results() == ["press busy", "press refused", "press delivered"]
    page = desk.rig.get("/reports").text
    assert "press: delivered" in page


def test_the_mail_has_the_numbers_in_the_language_of_the_channel(desk: Desk) -> None:
    assert desk("--to", "press").status == 0
    (mail,) = desk.smtp.mails
    message = mail.message
    assert message["Subject"] == "Velmora : journée du 02/03/2026"
    assert message["To"] == "ana@desk.test" and message["Content-Language"] == "fr"
    assert message["Auto-Submitted"] == "auto-generated"
    (report,) = desk.rig.get("/api/v1/reports").json()["reports"]
    mentions = desk.rig.sections(report["id"])["facts"]["answer"]["mentions"]
    html, plain = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None and plain is not None
    assert f">{mentions}" in html.get_content()
    assert f"messages\u00a0: {mentions}" in plain.get_content()
    names = [part.get_filename() for part in message.iter_attachments()]
    assert f"{report['id']}-volume.csv" in names
    assert not [name for name in names if re.search("authors|widest|reach", str(name))]


def test_hostile_text_is_text_in_a_mail_and_makes_no_header(desk: Desk) -> None:
    query = 'brand:velmora AND NOT "<script>alert(9)</script>"'
    ran = desk.tocsin(
        "report", "--query", query, "--day", DAY, "--brands", str(desk.brands), "--to", "press",
    )  # fmt: skip
    assert ran.status == 0, ran.err
    (mail,) = desk.smtp.mails
    assert "Bcc" not in mail.message and mail.recipients == ["ana@desk.test"]
    assert "\n" not in mail.message["Subject"]
    html = mail.message.get_body(("html",))
    assert html is not None
    shown = html.get_content()
    assert not re.search(r"<(script|img|svg|style|link|iframe|form)\b", shown)
    assert "&lt;script&gt;alert(9)&lt;/script&gt;" in shown
    assert not [word for word in (NAME, SECRET, DID) if word in _without_links(shown)]
    assert "#panic(" in shown, "names that posts have are counted"


def _without_links(html: str) -> str:
    """Links lead to where an author wrote; that address may name the account."""
    return re.sub(r'<a href="[^"]*"[^>]*>[^<]*</a>', "", html)


def test_a_report_is_written_to_a_file(desk: Desk, tmp_path: Path) -> None:
    for kind, begins in (
        (".html", b"<!DOCTYPE html>"),
        (".txt", b"Velmora: day of"),
        (".json", b"{"),
    ):
        out = tmp_path / f"report{kind}"
        ran = desk("--out", str(out))
        assert ran.status == 0, ran.err
        assert out.read_bytes().startswith(begins)
    assert desk.smtp.mails == []
    assert desk.results() == []


def test_without_a_target_it_is_printed(desk: Desk) -> None:
    ran = desk()
    assert ran.status == 0, ran.err
    assert ran.out.startswith("Velmora: day of 02 Mar 2026\n")
    assert "- posts: " in ran.out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--to", "pres"), "has no channel pres"),
        (("--to", "hook"), "is no e-mail channel"),
        (("--out", "report.docx"), "--out must end with"),
        (("--kind", "alert"), "name the alert"),
    ],
)
def test_what_cannot_be_done_is_said(desk: Desk, arguments: tuple[str, ...], why: str) -> None:
    ran = desk(*arguments)
    assert ran.status == 2
    assert why in " ".join(ran.err.split())
    assert "Traceback" not in ran.err
