"""Every text is in both languages, every key is used, and no template has a word of its own."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tower
from tower.pages.vocabulary import Words, accepted, texts

ROOT = Path(tower.__file__).parent
TEMPLATES = sorted((ROOT / "pages" / "templates").rglob("*.html"))
CODE = sorted(ROOT.rglob("*.py"))
SOURCES = {path: path.read_text("utf-8") for path in (*TEMPLATES, *CODE)}
KEYS = set(texts("en"))
PREFIX = re.compile(r"""\b(?:t|words|view\.words)\(\s*f?"([a-z_]+)\.["{]""")
"""A key that is put together: ``t("page." ~ name)``, ``words(f"weekday.{day}")``."""
WHOLE = re.compile(r"""["']([a-z_]+\.[a-zA-Z0-9_./?\[\] ]+?)["']""")
LABELS = re.compile(r"""\bt\.label\(\s*["']([a-z_]+)["']""")
ALLOWED = {
    "tocsin", "JSON", "CSV", "API", "EN", "FR", "English", "Français", "curl", "Kibana", "min",
    "SVG", "PDF", "h", "d", "s", "KQL", "Elasticsearch", "H", "Authorization", "Bearer",
    "bluesky", "did", "plc", "brand", "velmora", "api", "v", "openapi", "json",
}  # fmt: skip
"""Names, headers and examples that are the same in every language, or in the other on purpose."""


def used_keys() -> tuple[set[str], set[str]]:
    """Keys that appear whole, and groups whose keys are put together."""
    whole, groups = set(), set()
    for text in SOURCES.values():
        whole |= set(WHOLE.findall(text)) & KEYS
        groups |= set(PREFIX.findall(text)) | set(LABELS.findall(text))
    # ``label`` with a name that is a value: the kinds of chips, and the fields that are counted.
    groups |= {"intent", "emotion", "aspect", "kind", "tone", "age", "irony"}
    return whole, groups


def test_every_key_that_is_asked_for_is_there() -> None:
    asked = re.compile(r"""\b(?:t|words|view\.words)\(\s*"([^"{}~]+)"\s*[,)]""")
    for path, text in SOURCES.items():
        for key in asked.findall(text):
            assert key in KEYS, f"{path.name} asks for {key}"


def test_every_group_that_is_asked_for_is_there() -> None:
    for group in used_keys()[1] - {"irony"}:
        assert any(key.startswith(f"{group}.") for key in KEYS), group


def test_every_key_is_used() -> None:
    whole, groups = used_keys()
    unused = {key for key in KEYS - whole if key.partition(".")[0] not in groups}
    assert not unused


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_text_has_the_same_places_in_both_languages(key: str) -> None:
    english, french = texts("en")[key], texts("fr")[key]
    assert english.strip() and french.strip()
    for text in (english, french):
        assert text == text.strip()
        assert "{" not in text.replace("{}", ""), "places are filled in order"
    assert english.count("{}") == french.count("{}")
    assert not re.search(r"[a-zé]'[a-zé]", french), "French has its own apostrophe"


def _words_of(template: str) -> set[str]:
    """What a reader would read of a template that is not from the vocabulary."""
    text = re.sub(r"{#.*?#}", " ", template, flags=re.DOTALL)
    text = re.sub(r"{%.*?%}", " ", text, flags=re.DOTALL)
    text = re.sub(r"{{.*?}}", " ", text, flags=re.DOTALL)
    spoken = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', text)
    text = re.sub(r"<[^>]*>", " ", text)
    return set(re.findall(r"[^\W\d_]+", " ".join([text, *spoken])))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_has_no_word_of_its_own(path: Path) -> None:
    assert _words_of(SOURCES[path]) <= ALLOWED


def test_the_search_for_words_finds_words() -> None:
    assert _words_of('<p title="Hallo {{ x }}">{% if a %}Bonjour{% endif %}</p>') == {
        "Hallo",
        "Bonjour",
    }


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_has_no_style_no_handler_and_no_script_of_its_own(path: Path) -> None:
    text = SOURCES[path]
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=", text, re.IGNORECASE)
    for script in re.findall(r"<script[^>]*>", text):
        assert 'src="/static/' in script
    assert "autoescape" not in text


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en;q=0.8,fr;q=0.9", "fr"),
        ("de,fr;q=0.5", "fr"),
        ("de", "en"),
        ("*", "en"),
        ("fr;q=x", "fr"),
        ("en,fr;q=", "en"),
        ("x," * 100 + "fr", "en"),
    ],
)
def test_a_browser_says_which_language_it_wants(header: str, language: str) -> None:
    assert accepted(header) == language


@given(st.text(max_size=200))
def test_any_header_is_a_language(header: str) -> None:
    assert accepted(header) in ("en", "fr")


AT = datetime(2026, 3, 2, 22, 5, 9, tzinfo=UTC)


def test_times_are_in_the_readers_zone_and_language() -> None:
    english, french = Words("en"), Words("fr", "Asia/Kathmandu")
    assert english.when(AT) == "02 Mar 2026 22:05 UTC"
    assert english.clock(AT) == "22:05:09"
    assert french.day(AT) == "03/03/2026"
    assert french.minute(AT) == "03:50"


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (0, "0", "0"),
        (9_999, "9,999", "9\u202f999"),
        (12_345, "12.3\u202fk", "12,3\u202fk"),
        (1_250_000, "1.2\u202fM", "1,2\u202fM"),
        (3e9, "3\u202fG", "3\u202fG"),
    ],
)
def test_a_large_number_is_short(value: float, english: str, french: str) -> None:
    assert Words("en").short(value) == english
    assert Words("fr").short(value) == french


@given(st.floats(0, 1e9))
def test_an_age_is_a_number_of_its_unit(seconds: float) -> None:
    for language in ("en", "fr"):
        text = Words(language).age(seconds)  # type: ignore[arg-type]
        assert re.fullmatch(r"[\d,\u202f\u00a0 ]+ ?(s|min|h|d|j)", text), text
    assert Words("en").length(timedelta(seconds=90)) == Words("en").age(90)


def test_a_value_without_a_name_is_itself() -> None:
    assert Words("fr").label("tone", "negative") == "négatif"
    assert Words("fr").label("tone", "<b>") == "<b>"


def test_a_change_has_its_sign() -> None:
    words = Words("en")
    assert words.change(112, 100).startswith("+")
    assert words.change(88, 100).startswith("\u2212")
    assert words.change(100, 100)[0].isdigit()
