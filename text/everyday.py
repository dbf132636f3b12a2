"""Everyday words of each language, and brand names that are words (``everyday.yaml``)."""

from functools import cache
from importlib.resources import files

import yaml

from text.tokens import folded_form


@cache
def everyday_words() -> dict[str, frozenset[str]]:
    """The everyday words of each language, and under ``brands`` names that are words; folded."""
    data = yaml.safe_load(files("text").joinpath("everyday.yaml").read_text("utf-8"))
    lists = {**data["languages"], "brands": data["brands"]}
    return {name: frozenset(map(folded_form, words.split())) for name, words in lists.items()}
