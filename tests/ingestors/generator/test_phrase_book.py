"""The templates of each language: enough of them, whole, and under the right heading."""

import random
from string import Formatter

import pytest

from ingestors.generator.accounts import CRISIS_TAG, ROLES
from ingestors.generator.homes import HOMES, LANGUAGES
from ingestors.generator.phrase_book import Phrases, phrases
from ingestors.generator.slots import Slots

MIN_TEMPLATES = {"fr": 500, "en": 500, "es": 250, "de": 250, "it": 250, "pt": 250}
"""Distinct posts of a language; 200 of the others."""
SENTIMENTS = {"negative", "neutral", "positive"}
each_language = pytest.mark.parametrize("language", sorted(LANGUAGES))


def slots_of(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def named(book: Phrases) -> list[str]:
    """Templates that must name the brand."""
    return [
        *(text for topic in book.topics.values() for texts in topic.values() for text in texts),
        *(text for phase in book.crisis.values() for texts in phase.values() for text in texts),
        *(text for texts in book.reviews.values() for text in texts),
        *(text for texts in book.versus.values() for text in texts),
        *book.spam,
    ]


def unnamed(book: Phrases) -> list[str]:
    return [
        *(text for texts in book.unnamed.values() for text in texts),
        *(text for texts in book.background.values() for text in texts),
        *(text for texts in book.rivals.values() for text in texts),
        *(text for texts in book.edits.values() for text in texts),
        *book.answers,
        *book.chat,
        *book.word,
        *book.bots,
    ]


@each_language
def test_a_language_has_its_number_of_distinct_templates(language: str) -> None:
    templates = phrases(language).templates()
    assert len(templates) >= MIN_TEMPLATES.get(language, 200)
    lengths = sorted(map(len, templates))
    assert lengths[len(lengths) // 10] < 45 and lengths[-1] > 200, "posts are short and long"
    assert len({text.casefold().strip(".!? ") for text in templates}) == len(templates)


@each_language
def test_a_language_has_every_kind_of_post(language: str) -> None:
    book, english = phrases(language), phrases("en")
    assert set(book.topics) == set(english.topics)
    assert set(book.topics) == {*(role.topic for role in ROLES), "support", "price", "app"}
    assert all(set(topic) == {*SENTIMENTS, "irony"} for topic in book.topics.values())
    assert set(book.reviews) == set(book.unnamed) == {1, 2, 3, 4, 5}
    assert set(book.replies) == {*SENTIMENTS, "remark", "crisis", "owned"}
    assert all(set(kind) == SENTIMENTS for kind in book.replies.values())
    assert {phase: set(kinds) for phase, kinds in book.crisis.items()} == {
        phase: set(kinds) for phase, kinds in english.crisis.items()
    }
    assert all(book.press[role.topic]["neutral"] for role in ROLES)
    assert len(book.crisis_articles) >= 2
    assert all(texts for topic in book.topics.values() for texts in topic.values())
    for group in (book.background, book.rivals, book.edits):
        assert set(group) == SENTIMENTS and all(group.values())


@each_language
def test_templates_name_the_brand_where_their_label_says_so(language: str) -> None:
    book = phrases(language)
    assert [text for text in named(book) if "b" not in slots_of(text)] == []
    assert [text for text in unnamed(book) if "b" in slots_of(text)] == []
    for texts in book.versus.values():
        assert all("o" in slots_of(text) for text in texts)
    articles = [*book.crisis_articles]
    articles += [one for tones in book.press.values() for some in tones.values() for one in some]
    assert all("b" in slots_of(article.title) for article in articles)


@each_language
def test_no_template_writes_a_name_that_labels_would_have_to_know(language: str) -> None:
    words = {role.word.lower() for role in ROLES} | {CRISIS_TAG.lower()}
    words |= {rival.lower() for role in ROLES for rival in role.rivals}
    book = phrases(language)
    texts = book.templates() - set(book.word)
    texts |= {text for shown in book.pictures.values() for text in shown}
    assert [text for text in texts if any(word in text.lower() for word in words)] == []


@each_language
def test_every_slot_of_every_template_is_filled(language: str) -> None:
    book, rng = phrases(language), random.Random(1)
    texts = [*book.templates(), *filter(None, book.turns.values())]
    texts += [article.title for article in book.crisis_articles]
    for home in HOMES:
        if home.language != language:
            continue
        for template in texts:
            text = Slots(rng, book.words, home, "Velmora", "Tellorin").fill(template)
            assert "{" not in text and "}" not in text and "  " not in text
            assert text.strip() == text and text


@each_language
def test_a_language_has_the_words_of_its_countries(language: str) -> None:
    words = phrases(language).words
    countries = {home.country for home in HOMES if home.language == language}
    assert set(words.places) == set(words.publishers) == countries
    for publishers in words.publishers.values():
        assert all(text.split(" | ")[1].endswith(".example") for text in publishers)
    topics = {*phrases(language).topics, "other"}
    assert set(words.pictures) == topics and set(words.tags) == topics - {"other"}
    assert set(words.communities) == {*(role.topic for role in ROLES), "other"}
