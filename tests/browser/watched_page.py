"""A browser page that reports whatever a hostile post could cause."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request

WAIT_MS: Final = 30_000
WIDE: Final = (1440, 900)
NARROW: Final = (390, 844)
_REPORT: Final = """
addEventListener("securitypolicyviolation", (event) => {
  __report(`${event.effectiveDirective} blocked ${event.blockedURI} ${event.sample}`);
});
"""
_SETTLED: Final = """
() => document.readyState === "complete"
  && !document.querySelector('[data-panel][aria-busy="true"], [data-wait-job]')
"""
_STATE: Final = """
() => ({
  pwned: window.__pwned,
  base: document.baseURI === location.href,
  twice: [...document.querySelectorAll("[id]")].map((each) => each.id)
    .filter((id, place, all) => all.indexOf(id) !== place),
  inline: document.querySelectorAll("[style]:not(.tip), style, script:not([src])").length,
  frames: document.querySelectorAll("iframe, object, embed, base, meta[http-equiv]").length,
})
"""
_WIDE: Final = """
() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("*")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => `${each.tagName}.${each.getAttribute("class")}`)
"""


class SignsIn(Protocol):
    """A tower that serves."""

    @property
    def origin(self) -> str: ...

    def link(self, path: str = "/live") -> str:
        """A link that signs in."""
        ...


class Watched:
    """A context of a signed-in browser, and the faults that its pages had."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context = context
        self.origin = origin
        self.faults: list[str] = []
        self.allowed: set[int] = set()
        """Statuses of answers that the test asks for; the console tells of each."""
        context.expose_binding("__report", lambda source, text: self.fault("policy", text))
        context.add_init_script(_REPORT)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.fault("error", str(error.error)))
        context.on("dialog", self._dialog)
        context.on("request", self._request)
        context.set_default_timeout(WAIT_MS)

    def fault(self, kind: str, text: str) -> None:
        self.faults.append(f"{kind}: {text[:300]}")

    def _console(self, message: ConsoleMessage) -> None:
        if any(f"status of {status} " in message.text for status in self.allowed):
            return
        if message.type in ("error", "warning"):
            self.fault("console", f"{message.text} {message.location.get('url', '')}")

    def _dialog(self, dialog: Dialog) -> None:
        self.fault("dialog", dialog.message)
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        if not request.url.startswith(f"{self.origin}/"):
            self.fault("request", request.url)

    def open(self, path: str) -> Page:
        """A new page, once all of its panels are there."""
        page = self.context.new_page()
        self.goto(page, path)
        return page

    def goto(self, page: Page, path: str) -> None:
        page.goto(f"{self.origin}{path}")
        self.settle(page)

    def settle(self, page: Page) -> None:
        """Wait until no panel and no job is awaited."""
        page.wait_for_function(_SETTLED)

    def resize(self, page: Page, size: tuple[int, int]) -> None:
        page.set_viewport_size({"width": size[0], "height": size[1]})

    def dress(self, page: Page, theme: str) -> None:
        """Change the theme, as the button of the page does."""
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)

    def check_width(self, page: Page) -> None:
        """Nothing is wider than the screen: a page scrolls in one direction (WCAG 1.4.10)."""
        wide = page.evaluate(_WIDE)
        assert not wide, f"{page.url}: {wide[:10]}"

    def check(self, page: Page) -> None:
        """No script ran, nothing left the origin, nothing of a stranger became an element."""
        state = page.evaluate(_STATE)
        wanted = {"pwned": None, "base": True, "twice": [], "inline": 0, "frames": 0}
        found = {"pwned": None, **state}
        assert found == wanted, f"{page.url}: {found}"
        pages = self.context.pages
        assert all(urlsplit(one.url).netloc in self.origin for one in pages), "a page was opened"
        assert not self.faults, f"{page.url}: {self.faults}"


@contextmanager
def signed_in(
    browser: Browser,
    served: SignsIn,
    language: str = "en",
    theme: str = "light",
    *,
    size: tuple[int, int] = WIDE,
    bypass_csp: bool = False,
) -> Iterator[Watched]:
    """A fresh browser of a person who has followed a sign-in link."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale={"en": "en-GB", "fr": "fr-FR"}[language],
        bypass_csp=bypass_csp,
        reduced_motion="reduce",
    )
    try:
        context.add_cookies([{"name": "theme", "value": theme, "url": served.origin}])
        watched = Watched(context, served.origin)
        # Without a page: following the link shows nothing.
        answer = context.request.get(served.link("/live"), max_redirects=0)
        assert answer.status == 303, answer.text()
        yield watched
    finally:
        context.close()
