"""The terms of a post, by which an alert says what it is about. Pure.

Hashtags and links come first, then words. Of scripts with spaces a term is a word; of Chinese it is
two signs in a row (as search engines index it), of Japanese such a pair or a word in katakana, of
Thai, Lao, Khmer and Burmese what stands between two spaces, if that is short.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

import regex

from schemas.bounds import MAX_READ
from schemas.mention import Mention
from text.character_classes import BASE, LETTER, MARK, RUNS, classes
from text.everyday import everyday_words
from text.tokens import folded_form, folded_tokens

MIN_LETTERS: Final = 4
"""Shorter words are mostly function words, in scripts whose letters are sounds."""
MIN_SYLLABLES: Final = 2
"""The same where a letter is a syllable or carries its vowel (Korean, Hindi)."""
MAX_RUN: Final = 24
"""Code points of what stands between two spaces of Thai: longer ones are sentences."""
_SYLLABLES: Final = regex.compile(r"\p{Hangul}|\p{Devanagari}|\p{Bengali}|\p{Tamil}|\p{Telugu}")
_NUMBERED: Final = regex.compile(r"[a-z]+\d[a-z\d]*|\dg", regex.VERSION1)
"""A name with a number (iphone15, a320, 5g), and no amount (8h, 30min)."""
_HAN: Final = regex.compile(r"\p{Han}{2,}")
_KATAKANA: Final = regex.compile(r"[\p{Katakana}ー]{2,}")
_UNSPACED: Final = regex.compile(r"[\p{Han}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_CLUSTERS: Final = regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]{2,}")
_FUNCTION: Final = frozenset("的了是我你他她它们們这這那不在有和就也都吗嗎呢吧啊很还還被把与與及之")
"""Signs that are in every second sentence."""


def terms_of_post(mention: Mention) -> Iterator[str]:
    """Terms with repetitions; links lose their queries, so copies of a link are equal."""
    text = mention.post.text[:MAX_READ]
    tokens = dict.fromkeys(folded_tokens(text))
    yield from (token for token in tokens if token[0] == "#" and len(token) > 1)
    yield from filter(None, map(_bare_link, mention.post.links))
    names = {word for entity in mention.entities for word in folded_tokens(entity.text)}
    yield from (token for token in tokens if _tells(token) and token not in names)
    if not text.isascii() and _UNSPACED.search(text) is not None:
        yield from unspaced_terms(text)


@lru_cache(maxsize=20_000)
def _tells(token: str) -> bool:
    """Whether a folded word says something and is not in everyday use; posts repeat most words."""
    return is_term(token) and token not in _stop_words()


def is_term(token: str) -> bool:
    """Whether a folded word of a script with spaces says something."""
    if token.isascii():
        is_word = len(token) >= MIN_LETTERS and token.isalpha()
        return is_word or _NUMBERED.fullmatch(token) is not None
    kinds = classes(token)
    letters = sum(kind == LETTER or kind in RUNS or kind.isalpha() for kind in kinds)
    if letters + kinds.count(MARK) < len(kinds) or not any(map(str.isalpha, token)):
        return False
    return letters >= (MIN_SYLLABLES if _SYLLABLES.search(token) else MIN_LETTERS)


def unspaced_terms(text: str) -> Iterator[str]:
    """Terms of scripts that are written without spaces."""
    for run in _KATAKANA.finditer(text):
        yield folded_form(run.group())
    for run in _HAN.finditer(text):
        for pair in pairwise(run.group()):
            if _FUNCTION.isdisjoint(pair):
                yield "".join(pair)
    for run in _CLUSTERS.finditer(text):
        if len(run.group()) <= MAX_RUN and classes(run.group()).count(BASE) >= MIN_SYLLABLES:
            yield folded_form(run.group())


def _bare_link(address: str) -> str:
    """Host and path; empty for what is not a link."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.hostname}{parts.path}".rstrip("/") if parts.hostname else ""


@cache
def _stop_words() -> frozenset[str]:
    return frozenset().union(
        *(words for name, words in everyday_words().items() if name != "brands")
    )
