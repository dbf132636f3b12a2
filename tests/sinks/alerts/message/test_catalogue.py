"""Every language has the same words, and numbers are written its way."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest

from runtime.settings import AlertsSettings
from schemas.alert import AlertKind, Authenticity, Role, Status
from sinks.alerts.message.catalogue import LANGUAGES, Locale, locale_of
from sinks.alerts.triage import Did
from text.alert_title import WIRE, Noun

each_language = pytest.mark.parametrize("language", LANGUAGES)


def texts(language: str) -> dict[str, str]:
    """Every text of a language by its path."""

    def walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from walk(inner, f"{path}.{key}")
        elif path.startswith(".nouns"):
            for number, inner in enumerate(value):
                yield from walk(inner, f"{path}.{number}")

    return dict(walk(msgspec.to_builtins(locale_of(language)), ""))


@each_language
def test_every_language_has_every_word_with_the_same_places(language: str) -> None:
    english, words = texts("en"), texts(language)
    assert words.keys() == english.keys()
    for path, text in words.items():
        assert text or path == ".units.score", path
        assert text.count("{}") == english[path].count("{}"), path


@each_language
def test_what_an_alert_may_say_has_a_word(language: str) -> None:
    locale = locale_of(language)
    for words, literal in (
        (locale.statuses, Status),
        (locale.kinds, AlertKind),
        (locale.authenticity, Authenticity),
        (locale.roles, Role),
        (locale.actions, Did),
        (locale.nouns, Noun),
    ):
        assert words.keys() == set(get_args(literal))


def test_a_key_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        locale_of("en").text("unknown")
    file = msgspec.yaml.encode({**msgspec.to_builtins(locale_of("en")), "unknown": "word"})
    with pytest.raises(msgspec.ValidationError, match="unknown"):
        msgspec.yaml.decode(file, type=Locale)


def test_the_default_language_may_be_any_of_them() -> None:
    """The settings stand below the sinks and cannot see the files: a new one is named there."""
    setting = AlertsSettings.model_fields["language"].annotation
    assert sorted(get_args(setting)) == list(LANGUAGES)


def test_the_title_on_the_wire_has_the_english_words() -> None:
    assert locale_of("en").title == WIRE.title


def test_french_is_set_as_french_is() -> None:
    for path, text in texts("fr").items():
        if path == ".time":
            continue
        assert "'" not in text
        assert not re.search(r"(?<![\u00a0\u202f])[:;!?%»]", text)
        assert not re.search(r"«(?![\u00a0\u202f])", text)


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
def test_numbers_are_written_as_the_language_does(value: float, language: str, text: str) -> None:
    assert locale_of(language).number(value) == text


def test_a_small_share_is_not_none() -> None:
    assert locale_of("en").percent(0.004) == "0.4%"
    assert locale_of("fr").percent(0.125) == "12\u202f%"
    assert locale_of("en").percent(1) == "100%"
