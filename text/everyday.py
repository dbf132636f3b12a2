"""Everyday words of each language, and brand names that are words (``everyday.yaml``)."""

from functools import cache
from importlib.resources import files

import msgspec

from text.tokens import folded_form


class _File(msgspec.Struct):
    languages: dict[str, str]
    brands: str


@cache
def everyday_words() -> dict[str, frozenset[str]]:
    """Folded everyday words by language, and under ``brands`` brand names that are words."""
    content = files("text").joinpath("everyday.yaml").read_bytes()
    file = msgspec.yaml.decode(content, type=_File)
    lists = file.languages | {"brands": file.brands}
    return {name: frozenset(map(folded_form, words.split())) for name, words in lists.items()}
