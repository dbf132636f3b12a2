"""The folds of version 1 of the tokenizer, in which older documents of an index are written.

They may go when no index holds a document that was written before mapping version 7.
"""

import unicodedata
from typing import Final

import regex

_DIACRITICS: Final = regex.compile(r"[\u0300-\u036f\u0640\u064b-\u0652\u0670\ufe0f ]")
_NO_LETTERS: Final = regex.compile(r"[\u0640\ufe0f ]")
_MAX_LENGTH: Final = 255


def first_folded_form(text: str) -> str:
    """A token without case, and without the accents that Unicode decomposes."""
    if text.isascii():
        return text[:_MAX_LENGTH].lower()
    plain = _DIACRITICS.sub("", unicodedata.normalize("NFKD", text[:_MAX_LENGTH]))
    return unicodedata.normalize("NFC", plain.casefold())[:_MAX_LENGTH]


def first_cased_form(text: str) -> str:
    """A token without case, with its accents."""
    if text.isascii():
        return text[:_MAX_LENGTH].lower()
    plain = _NO_LETTERS.sub("", unicodedata.normalize("NFKD", text[:_MAX_LENGTH]))
    lower = "\u0345".join(map(str.casefold, plain.split("\u0345")))
    return unicodedata.normalize("NFC", lower)[:_MAX_LENGTH]
