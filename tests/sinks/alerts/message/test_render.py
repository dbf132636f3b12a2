"""An alert as text: word for word in both languages, and harmless whatever the public wrote."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from schemas.alert import Alert, Evidence, Lift, Signal
from sinks.alerts.message.lines import Style, link
from sinks.alerts.message.render import html, plain, slack_blocks, subject
from sinks.alerts.message.report import report
from sinks.alerts.message.words import WORDS, Language, grouped, percent
from tests.sinks.alerts.states import blind, hostile, rich, state
from text.terminal import single_line

GOLDEN = Path(__file__).parent / "golden"
STYLES = {
    "fr": Style("fr", "Europe/Paris"),
    "en": Style("en", "UTC"),
}
ALERTS = {"crisis": rich(), "blind": blind(), "hostile": hostile()}
cases = pytest.mark.parametrize(
    ("name", "language"), [(name, language) for name in ALERTS for language in STYLES]
)


def said(name: str, language: str) -> str:
    made = report(ALERTS[name], STYLES[language])
    blocks = json.dumps(slack_blocks(made), indent=1, ensure_ascii=False)
    return f"{subject(made)}\n=====\n{plain(made)}=====\n{html(made)}=====\n{blocks}\n"


@cases
def test_it_reads_word_for_word(name: str, language: str) -> None:
    """To write the texts anew, delete them and run this; then read them."""
    path = GOLDEN / f"{name}.{language}.txt"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(said(name, language), "utf-8")
        pytest.fail(f"{path.name} was written: read it")
    assert said(name, language) == path.read_text("utf-8")


class _Tags(HTMLParser):
    """What a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert {name for name, _ in attrs} <= {"href", "rel", "style", "lang", "charset"}
        self.links += [value or "" for name, value in attrs if name == "href"]


@pytest.mark.parametrize("language", STYLES)
def test_hostile_text_is_text(language: str) -> None:
    made = report(ALERTS["hostile"], STYLES[language])
    page = _Tags()
    page.feed(html(made))
    known = {"html", "head", "meta", "title", "body", "h1", "h2", "ul", "li", "p", "a"}
    assert set(page.tags) == known
    assert page.links == ["https://e.test/%22%3E%3Cb%3E%7Cx"]
    blocks = json.dumps(slack_blocks(made), ensure_ascii=False)
    assert set(re.findall(r"<[^>]*", blocks)) == {"<https://e.test/%22%3E%3Cb%3E%7Cx|x:2"}
    for text in (subject(made), plain(made), html(made), blocks):
        assert "\x1b" not in text and "\u202e" not in text and "\r" not in text
    assert "\n" not in subject(made)


def test_only_addresses_that_lead_where_they_say_are_links() -> None:
    assert link("https://x.com/i/status/1") == "https://x.com/i/status/1"
    for url in (
        None,
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.test",
        "https://bank.test@evil.test/",
        "https://раураl.test/",
        "https://x.com/\nX",
        "https://[bad",
        "https://x.com/" + "a" * 2_000,
    ):
        assert link(url) is None


def test_blocks_stay_within_what_slack_takes() -> None:
    lifted = [Lift(term="é" * 500, count=9, expected=1, significance=1)] * 400
    evidence = Evidence(lifted=lifted, entities=["&" * 900] * 300, sources=dict.fromkeys("abc", 1))
    blocks = slack_blocks(report(state(title="&" * 999, evidence=evidence), Style()))
    assert len(blocks) <= 50
    assert len(blocks[0]["text"]["text"]) <= 150
    for block in blocks[1:-1]:
        assert 0 < len(block["text"]["text"]) <= 3_000


def test_every_word_is_there_in_both_languages_with_the_same_places() -> None:
    for french, english in WORDS.values():
        assert french and english
        assert french.count("{}") == english.count("{}")


@pytest.mark.parametrize(
    ("value", "language", "text"),
    [
        (1_234_567, "en", "1,234,567"),
        (1_234_567.89, "fr", "1\u202f234\u202f567,9"),
        (0, "fr", "0"),
        (-0.04, "en", "0"),
        (-2.5, "en", "−2.5"),
        (100, "en", "100"),
    ],
)
def test_numbers_are_written_as_the_language_does(
    value: float, language: Language, text: str
) -> None:
    assert grouped(value, language) == text


def test_a_small_share_is_not_none() -> None:
    assert percent(0.004, "en") == "0.4%"
    assert percent(0.125, "fr") == "12\u202f%"
    assert percent(1, "en") == "100%"


def test_text_is_bounded_and_keeps_its_emoji() -> None:
    assert single_line("a\u200db \u2066x\u2069\x00  y\n z", 80) == "a\u200db x y z"
    assert single_line("👩\u200d🚒", 80) == "👩\u200d🚒"
    assert len(single_line("é" * 500, 80)) == 80


@pytest.mark.parametrize("language", STYLES)
def test_nothing_is_said_of_what_is_not_known(language: str) -> None:
    bare: Alert = state(signals=[Signal(name="volume", observed=1, baseline=0, unit="")])
    text = plain(report(bare, STYLES[language]))
    assert "None" not in text and "nan" not in text
    assert text.count("\n\n") == 3
