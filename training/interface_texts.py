"""Reads the translations of a user interface: edited Galician under a permissive licence.

The package ``home-assistant-frontend`` (Apache-2.0) holds its texts in many languages as JSON
files; its code is never imported. The other languages of the peninsula are read too, so that
the words of settings and dashboards speak for none of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import files
from typing import Any, Final

from text.prose import prose

PACKAGE: Final = "home-assistant-frontend"
LANGUAGES: Final = ("gl", "eu", "ca", "es", "pt")

_FILE = re.compile(r"translations/(?:.*[/-])?([a-z]{2})-[0-9a-f]{8,}\.json$")
_SLOT = re.compile(r"%\(\w+\)[sd]|%[sd]|\{[^{}]*\}|<[^<>]*>|&\w+;")


def interface_texts() -> dict[str, list[str]]:
    """Normalised texts of two words or more, sorted, by language; none that is left in English."""
    read: dict[str, set[str]] = {language: set() for language in (*LANGUAGES, "en")}
    for path in files(PACKAGE) or ():
        match = _FILE.search(path.as_posix())
        if match and match[1] in read:
            read[match[1]].update(_strings(json.loads(path.read_text("utf-8"))))
    english = set(map(prose, read["en"]))
    found = {}
    for language in LANGUAGES:
        translated = (one for one in read[language] if prose(one) not in english)
        # Plural forms within a text are a syntax of their own.
        plain = (one for one in translated if not ("{" in one and "plural" in one))
        texts = {prose(_SLOT.sub(" ", one)) for one in plain}
        found[language] = sorted(text for text in texts if " " in text)
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value
