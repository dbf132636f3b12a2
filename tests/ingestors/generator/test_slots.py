"""The slots of a template: drawn when asked for, kept within a post, true to the country."""

import random

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
        slots("en", "GB").fill("{x}")


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
