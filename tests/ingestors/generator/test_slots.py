"""The slots of a template: drawn when asked for, kept within a post, true to the country."""

import random
import re
from datetime import UTC, datetime, timedelta

import pytest

from ingestors.generator.homes import HOMES, LANGUAGES, Home, home_of
from ingestors.generator.phrase_book import phrases
from ingestors.generator.slots import Slots, another, price
from schemas.countries import country_code


def slots(language: str, country: str, seed: int = 1) -> Slots:
    home = home_of(language, country)
    return Slots(random.Random(seed), phrases(language).words, home, "Velmora", "Tellorin")


def test_a_slot_keeps_its_value_within_a_post() -> None:
    for seed in range(50):
        text = slots("fr", "FR", seed).fill("{p} {p} {q} {b} {o}")
        first, second, other, brand, rival = text.split()
        assert first == second != other
        assert (brand, rival) == ("Velmora", "Tellorin")


def test_places_and_prices_are_those_of_the_country() -> None:
    for seed in range(50):
        here = slots("fr", "CI", seed)
        assert here["p"] in phrases("fr").words.places["CI"]
        assert here["m"].endswith(" FCFA") and int(here["m"].split()[0]) >= 1_000
        assert slots("en", "GB", seed)["m"].startswith("£")


@pytest.mark.parametrize(("language", "pattern"), [("fr", "h"), ("en", "m"), ("de", ":")])
def test_times_are_written_as_people_do(language: str, pattern: str) -> None:
    home = next(home for home in HOMES if home.language == language)
    assert pattern in slots(language, home.country)["t"]


def test_an_unknown_slot_is_an_error() -> None:
    with pytest.raises(KeyError):
        slots("en", "GB").fill("{j}")


@pytest.mark.parametrize(("slot", "least", "most"), [("k", 3, 9), ("x", 11, 49), ("h", 22, 45)])
def test_a_number_stays_within_what_its_sentence_bears(slot: str, least: int, most: int) -> None:
    numbers = {int(slots("en", "GB", seed)[slot]) for seed in range(400)}
    assert (min(numbers), max(numbers)) == (least, most)


@pytest.mark.parametrize(
    ("slot", "first", "last"), [("u", 6, 7), ("a", 9, 16), ("f", 18, 21), ("e", 16, 19)]
)
def test_a_time_stays_within_what_its_sentence_bears(slot: str, first: int, last: int) -> None:
    hours = {int(slots("de", "DE", seed)[slot].split(":")[0]) for seed in range(300)}
    assert hours == set(range(first, last + 1))


@pytest.mark.parametrize(("language", "country"), [("de", "DE"), ("en", "US"), ("hi", "IN")])
def test_what_began_just_now_began_within_the_hour_on_the_clock_of_the_place(
    language: str, country: str
) -> None:
    home, now = home_of(language, country), datetime(2026, 3, 2, 13, 40, tzinfo=UTC)
    words = phrases(language).words
    here = (now + timedelta(hours=home.ahead)).replace(tzinfo=None)
    for seed in range(60):
        told = Slots(random.Random(seed), words, home, now=now)["s"]
        hour, minute = (int(part) for part in re.findall(r"\d+", told))
        ago = (here.hour % 12 * 60 + here.minute - hour % 12 * 60 - minute) % 720
        assert 1 <= ago <= 60, (told, here)


def test_nobody_flies_to_the_town_where_they_live() -> None:
    assert "Dakar" in phrases("fr").words.destinations
    assert all(slots("fr", "SN", seed)["v"] != "Dakar" for seed in range(200))
    assert any(slots("fr", "FR", seed)["v"] == "Dakar" for seed in range(200))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_name_is_of_the_person_of_whom_the_sentence_speaks(language: str) -> None:
    words = phrases(language).words
    assert words.women and words.men and not set(words.women) & set(words.men)
    home = next(home for home in HOMES if home.language == language)
    for seed in range(40):
        here = slots(language, home.country, seed)
        assert here["y"] in words.women
        assert here["z"] in words.men
        assert here["c"] in words.women + words.men


@pytest.mark.parametrize(
    ("language", "country", "template", "said"),
    [
        ("en", "GB", "Mum is in the queue", "Mum is in the queue"),
        ("en", "US", "Mum is in the queue, WHAT A QUEUE", "Mom is in the line, WHAT A LINE"),
        ("en", "US", "the tills and the tilling", "the registers and the tilling"),
        ("en", "US", "We found a flat!", "We found an apartment!"),
        ("es", "ES", "tengo un móvil", "tengo un móvil"),
        ("es", "MX", "tengo un móvil. ¿Vosotros?", "tengo un celular. ¿Ustedes?"),
        ("pt", "BR", "no ônibus, com o app", "no ônibus, com o app"),
        ("pt", "PT", "no ônibus, com o app", "no autocarro, com a app"),
    ],
)
def test_people_say_it_with_the_words_of_their_country(
    language: str, country: str, template: str, said: str
) -> None:
    assert slots(language, country).fill(template) == said


def test_the_words_of_a_country_are_of_one_that_speaks_the_language() -> None:
    for language in LANGUAGES:
        countries = {home.country for home in HOMES if home.language == language}
        told = phrases(language).words.countries
        assert set(told) <= countries
        for instead in told.values():
            assert all(word == word.lower() and word != said for word, said in instead.items())


def test_another_differs_where_it_can() -> None:
    rng = random.Random(1)
    assert all(another(rng, ["a", "b", "c"], "b") != "b" for _ in range(50))
    assert another(rng, ["a"], "a") == "a"


@pytest.mark.parametrize("home", HOMES, ids=lambda home: f"{home.language}-{home.country}")
def test_a_home_is_a_country_with_money(home: Home) -> None:
    assert country_code(home.country) == home.country
    assert -12 <= home.ahead <= 14
    rng = random.Random(1)
    assert all(any(c.isdigit() for c in price(rng, home)) for _ in range(20))


def test_the_shares_of_languages_and_countries_sum_to_one() -> None:
    assert sum(LANGUAGES.values()) == pytest.approx(1)
    for language in LANGUAGES:
        shares = [home.share for home in HOMES if home.language == language]
        assert sum(shares) == pytest.approx(1)
