"""Brings the values of a brand into the form that posts have, or says which one is meant.

A value that can never match makes a brand silent for ever, so none is accepted.
"""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from brands.brand_matcher import BrandMatcher
from brands.brand_query import is_account
from brands.disambiguation import example_post
from schemas.brand import Brand
from schemas.errors import ConfigurationError
from text.codes import language_code, near_language, spoken_in
from text.tokens import folded_form

_OPERATOR: Final = re.compile(r"\S\s+(?:AND|OR|NOT|NEAR(?:/\d+)?)\s+\S")
_WILDCARD: Final = re.compile(r"\w\w\*")
_EVERY: Final = frozenset({"*", "all", "any", "every", "toutes", "alle", "todos", "tutte"})
_BETWEEN: Final = re.compile(r"[\s,;/|+&]+")
_HOST: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_BEFORE_NAME: Final = frozenset({"profile", "user", "users", "u", "c", "channel", "company", "in"})
"""Parts of an address that stand before the name of an account."""


def normalised(brand: Brand, path: Path) -> Brand:
    """The brand with languages, handles and accounts as posts have them.

    :raises ConfigurationError: a value can never match.
    """
    for name in brand.names or ([brand.name] if brand.query is None else []):
        _check_name(brand, name, path)
    whole = replace(
        brand,
        languages=list(dict.fromkeys(_language(brand, one, path) for one in brand.languages)),
        handles=list(dict.fromkeys(_handle(brand, one, path) for one in brand.handles)),
        owned=[_account(one) for one in brand.owned],
    )
    _check_exclude(whole, path)
    return whole


def _language(brand: Brand, written: str, path: Path) -> str:
    code = language_code(written)
    if code is None:
        hint = _language_hint(written)
        raise ConfigurationError(
            f"{path}: brand {brand.id} has the language {written!r}, which no post has; {hint}"
        )
    return code


def _language_hint(written: str) -> str:
    if written.strip().lower() in _EVERY:
        return "leave languages out to keep all of them"
    codes = [language_code(part) for part in _BETWEEN.split(written.strip()) if part]
    if len(codes) > 1 and None not in codes:
        return f"write each as one of the list: [{', '.join(filter(None, codes))}]"
    near = " or ".join(spoken_in(written)) or near_language(written)
    return f"did you mean {near}?" if near else "write its ISO 639-1 code, such as fr or en"


def _check_name(brand: Brand, name: str, path: Path) -> None:
    """Refuse a query among the names: its signs would be words, or nothing."""
    if _OPERATOR.search(name) or _WILDCARD.search(name):
        raise ConfigurationError(
            f"{path}: brand {brand.id} has the name {name!r}, which is a query; names are words: "
            f"write each as a name of its own, or query: {name!r} in place of names"
        )


def _handle(brand: Brand, written: str, path: Path) -> str:
    handle = handle_of(written)
    # An account of the Fediverse is user@host in the platform's list of mentions.
    user, at, host = handle.partition("@")
    sign = f"@{user}"
    # Folding takes spaces out: both forms must be one account.
    is_one = all(is_account(one) for one in (sign, folded_form(sign)))
    if not user or not is_one or (at and _HOST.fullmatch(host) is None):
        raise ConfigurationError(
            f"{path}: brand {brand.id} has the handle {written!r}, which no post can mention; "
            "write the name of the account, such as velmora or velmora.example"
        )
    return handle


def handle_of(written: str) -> str:
    """``velmora`` for @velmora, https://x.com/velmora and bsky.app/profile/velmora."""
    text = written.strip()
    if "/" in text:
        try:
            address = urlsplit(text if "://" in text else f"https://{text}")
        except ValueError:
            return ""
        parts = [part for part in address.path.split("/") if part]
        while len(parts) > 1 and parts[0].lower() in _BEFORE_NAME:
            del parts[0]
        text = parts[0] if parts else ""
    return text.strip(".,;: ").lstrip("@").strip()


def _account(written: str) -> str:
    source, colon, name = written.partition(":")
    return f"{source.strip()}{colon}{name.strip().lstrip('@')}"


def _check_exclude(brand: Brand, path: Path) -> None:
    """Refuse a phrase that takes away every place of a name."""
    if brand.query is not None or not brand.exclude:
        return
    matcher = BrandMatcher([brand])
    for name in brand.names or [brand.name]:
        if not matcher.match(example_post(name)):
            raise ConfigurationError(
                f"{path}: exclude of brand {brand.id} has its name {name!r}, which then matches "
                "nothing; write the whole phrase in which the name means something else"
            )
