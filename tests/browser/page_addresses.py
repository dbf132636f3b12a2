"""The addresses of all pages, and how they are looked at: languages, themes and widths."""

import http.client
import json
import re
from functools import cache
from typing import Final
from urllib.parse import quote

from tests.browser.stream_readers import session_cookie
from tests.browser.watched_page import NARROW, WIDE, SignsIn
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
EVERY: Final = {
    **ADDRESSES,
    "alert": address("/alerts/{id}"),
    "query": "/queries?q=brand%3Aaeris%20AND%20NOT%20lang%3Afr",
    "reports": "/reports",
    "api": "/api",
    "sign_in": "/sign-in",
    "wrong query": "/live?q=brand%3A(%3Cb%3E",
}
"""Also what the table of pages does not have."""
NAMES: Final = (*EVERY, "report")
REPORT: Final = b'{"kind": "day", "q": "brand:aeris OR brand:velmora"}'


def found(served: SignsIn, name: str) -> str:
    """The address of a page; a report is made first."""
    return EVERY[name] if name in EVERY else _report(served)


@cache
def _report(served: SignsIn) -> str:
    client = http.client.HTTPConnection(served.origin.removeprefix("http://"), timeout=120)
    try:
        cookie = session_cookie(served.link())
        client.request("POST", "/api/v1/reports", REPORT, {"Cookie": cookie})
        answer = client.getresponse()
        body = answer.read()
        assert answer.status == 201, body
        return f"/reports/{quote(json.loads(body)['id'])}"
    finally:
        client.close()


def within(path: str, window: str) -> str:
    """The address with a fixed window."""
    return f"{path}{'&' if '?' in path else '?'}{window}"
