"""What people say: in the right phase, of the right length, with labels that agree."""

import random
from collections import Counter

import pytest

from ingestors.generator.accounts import ROLES
from ingestors.generator.drafts import MAX_SHORT_POST, REPLIES, Deck, Draft, Drafts, chosen
from ingestors.generator.homes import HOMES, Home, home_of
from ingestors.generator.phrase_book import phrases

each_home = pytest.mark.parametrize(
    "home", [home for home in HOMES if home.share > 0.3], ids=lambda home: home.language
)


def crisis(progress: float, home: Home, count: int = 400) -> list[Draft]:
    drafts = Drafts(random.Random(5))
    return [drafts.crisis(progress, "x", home, phrases(home.language)) for _ in range(count)]


def sentiments(drafts: list[Draft]) -> Counter[str]:
    return Counter(draft.labels["sentiment"] for draft in drafts)


@each_home
def test_nobody_waits_for_longer_than_the_crisis_lasts(home: Home) -> None:
    book, drafts = phrases(home.language), Drafts(random.Random(5))
    longer = book.words.durations[3:]
    early = [draft.text.lower() for draft in crisis(0.5, home)]
    labels = {"topic": "network", "crisis": "1"}
    for _ in range(400):
        reply = drafts.reply("crisis", labels, ROLES[0], "x", home, 0.5)
        early.append(reply.text.lower())
    assert not any(f" {duration.lower()} " in f" {text} " for text in early for duration in longer)
    late = [draft.text.lower() for draft in crisis(5.5, home)]
    if any("{d}" in text for text in book.crisis["late"]["negative"]):
        assert any(duration.lower() in text for text in late for duration in longer)


@each_home
def test_people_ask_first_are_angry_then_and_some_are_thankful_at_last(home: Home) -> None:
    first, height, late = (sentiments(crisis(at, home)) for at in (0.1, 1.5, 5.0))
    assert first["neutral"] > height["neutral"]
    assert height["negative"] > 0.85 * 400
    assert late["positive"] > 0 == height["positive"] == first["positive"]
    ironic = [draft for draft in crisis(1.5, home) if "irony" in draft.labels]
    assert ironic and {draft.labels["sentiment"] for draft in ironic} == {"negative"}


@each_home
def test_posts_on_social_channels_are_mostly_short(home: Home) -> None:
    drafts, book = Drafts(random.Random(6)), phrases(home.language)
    for channel, share in (("x", 0.005), ("forum", 1.0)):
        texts = [drafts.about_brand(channel, home, book).text for _ in range(600)]
        assert sum(len(text) > MAX_SHORT_POST + 40 for text in texts) <= share * len(texts)
        assert all(texts)


def test_an_answer_says_which_brand_only_if_it_names_it() -> None:
    drafts, home = Drafts(random.Random(7)), home_of("en", "GB")
    role = ROLES[2]
    for kind in REPLIES:
        for _ in range(100):
            draft = drafts.reply(kind, {"topic": "flight"}, role, "x", home, 0.0)
            named = role.word.lower() in draft.text.lower()
            assert ("brand" in draft.labels) == named
            assert draft.labels["topic"] == "flight"


def test_a_choice_follows_its_shares() -> None:
    rng = random.Random(8)
    counts = Counter(chosen(rng, {"a": 0.2, "b": 0.5, "c": 0.3}) for _ in range(4_000))
    assert counts["b"] > counts["c"] > counts["a"] > 600


def test_a_deck_gives_each_line_once_before_one_comes_again() -> None:
    deck, lines = Deck(random.Random(3)), tuple("abcdefgh")
    for _ in range(5):
        assert sorted(deck.draw(lines) for _ in lines) == list(lines)


def test_a_line_that_does_not_suit_stays_for_others() -> None:
    deck, lines = Deck(random.Random(3)), ("short", "a very long line")
    assert [deck.draw(lines, lambda line: len(line) < 6) for _ in range(3)] == ["short"] * 3
    assert deck.draw(lines) == "a very long line"
    assert deck.draw(lines, lambda line: len(line) > 100) in lines
