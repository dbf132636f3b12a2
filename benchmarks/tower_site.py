"""A running control tower, for measurements and pictures: signed in, with its pages' addresses."""

import json
import re
import shutil
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from playwright.sync_api import Browser, sync_playwright

from tests.browser.stream_readers import session_cookie
from tower.pages.page_table import PAGES

SETTLED: Final = """
() => document.readyState === "complete"
  && !document.querySelector('[data-panel][aria-busy="true"]')
"""
"""Whether every panel of a page is there."""
ROOMS: Final = {"alerts": "alerts"}
"""First part of a path with a parameter, to the question whose first answer has the id."""
CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Site:
    """Where it is, and the cookie of the session."""

    origin: str
    cookie: str

    @classmethod
    def of_link(cls, link: str) -> "Site":
        """Follows a sign-in link, which works once."""
        parts = urlsplit(link)
        return cls(f"{parts.scheme}://{parts.netloc}", session_cookie(link))

    def get(self, path: str) -> bytes:
        """The body as it is sent: compressed if the server does so."""
        headers = {"Cookie": self.cookie, "Accept-Encoding": "gzip"}
        request = urllib.request.Request(f"{self.origin}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return bytes(answer.read())

    def ask(self, question: str) -> Any:
        request = urllib.request.Request(
            f"{self.origin}/api/v1/{question}", headers={"Cookie": self.cookie}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def addresses(self, **params: str) -> Mapping[str, str]:
        """Page to its address; of an alert's room, that of the first alert, if there is one."""
        query = f"?{urlencode(params)}" if params else ""
        found = {}
        for page in PAGES.values():
            path = page.path
            if "{" in path:
                first = path.strip("/").partition("/")[0]
                if (id_ := self._first(first)) is None:
                    continue
                path = re.sub(r"\{[^}]+\}", lambda _, id_=id_: quote(id_, safe=""), path)
            found[page.name] = path + query
        if "alert" not in found and (id_ := self._first("alerts")):
            found["alert"] = f"/alerts/{quote(id_, safe='')}{query}"
        return found

    def _first(self, name: str) -> str | None:
        question = ROOMS.get(name)
        answer = self.ask(f"{question}?last=7d&size=1") if question else {}
        listed = answer.get("alerts") or []
        return str(listed[0]["alert"]["id"]) if listed else None


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's own browser.

    :raises SystemExit: there is none.
    """
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        raise SystemExit("there is no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
