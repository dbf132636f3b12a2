"""An alert as text: word for word in both languages, and harmless whatever the public wrote."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from schemas.alert import Alert, Evidence, Lift, Signal
from sinks.alerts.channels.slack import slack_blocks
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import html, plain, subject
from sinks.alerts.message.report import report
from tests.sinks.alerts.states import blind, hostile, rich, state

GOLDEN = Path(__file__).parent / "golden"
STYLES = {"fr": Style("fr", "Europe/Paris"), "en": Style("en", "UTC")}
ALERTS = {"crisis": rich(), "blind": blind(), "hostile": hostile()}
cases = pytest.mark.parametrize(
    ("name", "language"), [(name, language) for name in ALERTS for language in STYLES]
)


def rendered(name: str, language: str) -> str:
    made = report(ALERTS[name], STYLES[language])
    blocks = json.dumps(slack_blocks(made), indent=1, ensure_ascii=False)
    return f"{subject(made)}\n=====\n{plain(made)}=====\n{html(made)}=====\n{blocks}\n"


@cases
def test_it_reads_word_for_word(name: str, language: str) -> None:
    """To write the files again, delete them and run this; then read them."""
    path = GOLDEN / f"{name}.{language}.txt"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(rendered(name, language), "utf-8")
        pytest.fail(f"{path.name} was written: read it")
    assert rendered(name, language) == path.read_text("utf-8")


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


def test_blocks_stay_within_what_slack_takes() -> None:
    lifted = [Lift(term="é" * 500, count=9, expected=1, significance=1)] * 400
    entities = [Lift(term="&" * 900, count=9, expected=1, significance=1)] * 300
    sources = dict.fromkeys("abc", 1)
    evidence = Evidence(lifted=lifted, lifted_entities=entities, sources=sources)
    blocks = slack_blocks(report(state(title="&" * 999, evidence=evidence), Style()))
    assert len(blocks) <= 50
    assert len(blocks[0]["text"]["text"]) <= 150
    for block in blocks[1:-1]:
        assert 0 < len(block["text"]["text"]) <= 3_000


@pytest.mark.parametrize("language", STYLES)
def test_unknown_facts_are_left_out(language: str) -> None:
    bare: Alert = state(signals=[Signal(name="volume", observed=1, baseline=0, unit="")])
    text = plain(report(bare, STYLES[language]))
    assert "None" not in text and "nan" not in text
    assert text.count("\n\n") == 3
