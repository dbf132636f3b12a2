"""ISO 3166-1 alpha-2 codes of countries, from codes, alpha-3 codes, and English or French names.

The names are those of the Unicode CLDR, with a few common ones beside them (``countries.json``).
"""

import json
import re
import unicodedata
from functools import cache
from importlib import resources

MAX_NAME = 64
"""Code points of the longest name that is looked up."""
_NOT_LETTERS = re.compile(r"[\W_]+")
_WORDS = {"&": " and ", "st.": "saint "}
"""Two ways to write the same; ``et`` of French names is in the table as they write it."""


def country_code(text: str) -> str | None:
    """The code, such as ``FR``, or None if the text names no country.

    Case, accents and punctuation do not matter. A longer text is never cut to a code.
    """
    if len(text) > MAX_NAME:
        return None
    return _codes().get(_key(text))


def _key(text: str) -> str:
    folded = text.casefold().strip()
    for written, word in _WORDS.items():
        folded = folded.replace(written, word)
    decomposed = unicodedata.normalize("NFKD", folded)
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return _NOT_LETTERS.sub(" ", letters).strip()


@cache
def _codes() -> dict[str, str]:
    names: dict[str, list[str]] = json.loads(
        resources.files("schemas").joinpath("countries.json").read_text("utf-8")
    )
    codes = {_key(name): code.upper() for code, known in names.items() for name in known}
    return codes | {code: code.upper() for code in names}
