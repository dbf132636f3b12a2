"""The code of a language or a country that people write in another way (``codes.yaml``).

Posts have ISO 639-1 and ISO 3166-1 codes. A value that is none of them would match no post for
ever, and say nothing.
"""

from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import msgspec

from text.spelling import nearest
from text.tokens import folded_form

_MIN_LIKE: Final = 4
_BETWEEN: Final = dict.fromkeys(map(ord, " -.'’\u00a0"))
MAX_LENGTH: Final = 40
"""Code points of what may be the name of a language; platforms write what they want."""


class _File(msgspec.Struct):
    languages: dict[str, str]
    countries: str
    country_names: dict[str, str]
    spoken: dict[str, str]


@cache
def _file() -> _File:
    content = files("text").joinpath("codes.yaml").read_bytes()
    return msgspec.yaml.decode(content, type=_File)


@cache
def languages() -> dict[str, str]:
    """What people write, folded, to the ISO 639-1 code."""
    return _known(_file().languages)


@cache
def countries() -> dict[str, str]:
    """What people write, folded, to the ISO 3166-1 alpha-2 code, in capitals."""
    names = dict.fromkeys(_file().countries.split(), "")
    return _known(names | _file().country_names)


def _known(names: dict[str, str]) -> dict[str, str]:
    known = {folded_form(word): code for code, words in names.items() for word in words.split()}
    # A code is its own, whatever else is called so: "in" is Indonesian where no code is "in".
    return known | {folded_form(code): code for code in names}


@lru_cache(maxsize=2_000)
def language_code(written: str) -> str | None:
    """``fr`` for FR, fra, fr-FR, fr_CA, French and français; None: no language of posts."""
    if len(written) > MAX_LENGTH:
        return None
    plain = written.strip().replace("_", "-")
    found = languages().get(folded_form(plain))
    return found or languages().get(folded_form(plain.partition("-")[0]))


def country_code(written: str) -> str | None:
    """``GB`` for gb, UK, GBR and Britain; None: there is no such country."""
    if len(written) > MAX_LENGTH:
        return None
    plain = written.strip()
    # "United Kingdom", "Royaume-Uni", "U.S.": names of several words are one word in the list.
    whole = plain.translate(_BETWEEN)
    return countries().get(folded_form(plain)) or countries().get(folded_form(whole))


def spoken_in(written: str) -> tuple[str, ...]:
    """The languages of a country, for what may be one: ``("de", "fr", "it")`` for CH."""
    return tuple(_file().spoken.get(country_code(written) or "", "").split())


def near_language(written: str) -> str | None:
    """The code of the language whose name is closest; few letters are like any code."""
    if len(written.strip()) < _MIN_LIKE:
        return None
    near = nearest(folded_form(written.strip()[:MAX_LENGTH]), languages())
    return None if near is None else languages()[near]
