"""The addresses of all pages, and how they are looked at: languages, themes and widths."""

import re
from typing import Final
from urllib.parse import quote

from tests.browser.watched_page import NARROW, WIDE
from tower.pages.page_table import PAGES

SIZES: Final = (WIDE, NARROW)
THEMES: Final = ("light", "dark")
LANGUAGES: Final = ("en", "fr")
SAMPLES: Final = {"alerts": "aeris-0-<script>window.__pwned=1</script>"}
"""First part of a path to the id that stands for its parameter."""


def address(path: str) -> str:
    """The path with a sample in place of its parameter."""
    first = path.strip("/").partition("/")[0]
    return re.sub(r"\{[^}]+\}", lambda _: quote(SAMPLES[first], safe=""), path)


ADDRESSES: Final = {page.name: address(page.path) for page in PAGES.values()}
EVERY: Final = {**ADDRESSES, "sign_in": "/sign-in", "wrong query": "/live?q=brand%3A(%3Cb%3E"}


def within(path: str, window: str) -> str:
    """The address with a fixed window."""
    return f"{path}{'&' if '?' in path else '?'}{window}"
