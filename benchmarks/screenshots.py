"""Pictures of every page of a running control tower, by theme and size, as WebP.

Start one (``tocsin demo --keep``), make a link (``tocsin tower link``), and give it here: it signs
in once. The pages show yesterday, the day that the demo plays.

Usage: ``python -m benchmarks.screenshots [--out DIR] [--only live,world] [--themes light]
[--sizes 1440x900] LINK``
"""

import argparse
import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from playwright.sync_api import BrowserContext, Page

from benchmarks.tower_site import SETTLED, Site, chromium

THEMES: Final = "light,dark"
SIZES: Final = "1440x900,390x844"
QUERIES: Final[Mapping[str, str]] = {
    "brands": "brand:velmora",
    "queries": "velmora AND (panne OR outage OR network)",
}
"""Pages that show little without a query."""
MAX_WAIT_MS: Final = 60_000
QUALITY: Final = 82


def parts_of(text: str) -> list[str]:
    return [each for each in text.split(",") if each]


def take(site: Site, options: argparse.Namespace) -> Iterator[Path]:
    """The files, one a page, theme and size."""
    name, _, value = site.cookie.partition("=")
    with chromium() as browser:
        for theme in parts_of(options.themes):
            context = browser.new_context(locale=options.locale, reduced_motion="reduce")
            cookies = {name: value, "theme": theme}
            context.add_cookies(
                [{"name": key, "value": each, "url": site.origin} for key, each in cookies.items()]
            )
            page = context.new_page()
            for shown, address in addresses(site, options).items():
                for size in parts_of(options.sizes):
                    width, _, height = size.partition("x")
                    page.set_viewport_size({"width": int(width), "height": int(height)})
                    page.goto(f"{site.origin}{address}")
                    page.wait_for_function(SETTLED, timeout=MAX_WAIT_MS)
                    file = options.out / f"tower-{shown}-{theme}-{width}.webp"
                    file.write_bytes(picture(context, page, full=options.full))
                    yield file
            context.close()


def addresses(site: Site, options: argparse.Namespace) -> Mapping[str, str]:
    """Page to its address, with the day and a query."""
    ends = options.day + timedelta(days=1)
    window = {"since": f"{options.day}T00:00:00Z", "until": f"{ends}T00:00:00Z"}
    wanted = set(parts_of(options.only))
    found = {}
    for name, plain in site.addresses(**window).items():
        query = options.query or QUERIES.get(name)
        address = site.addresses(**window, q=query)[name] if query else plain
        if not wanted or name in wanted:
            found[name] = address
    return found


def picture(context: BrowserContext, page: Page, *, full: bool) -> bytes:
    """One screen, or the whole page."""
    size = page.evaluate("({x: document.body.scrollWidth, y: document.body.scrollHeight})")
    clip = {"x": 0, "y": 0, "width": size["x"], "height": size["y"], "scale": 1}
    asked = {"format": "webp", "quality": QUALITY, "captureBeyondViewport": full}
    session = context.new_cdp_session(page)
    answer = session.send("Page.captureScreenshot", asked | ({"clip": clip} if full else {}))
    session.detach()
    return base64.b64decode(answer["data"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("link", help="a sign-in link: tocsin tower link")
    parser.add_argument("--out", type=Path, default=Path("docs/img"))
    parser.add_argument("--only", default="", help="pages, comma-separated; all if empty")
    parser.add_argument("--themes", default=THEMES, help="comma-separated")
    parser.add_argument("--sizes", default=SIZES, help="width x height, comma-separated")
    parser.add_argument("--query", default="", help="query of every page")
    parser.add_argument(
        "--day",
        type=date.fromisoformat,
        default=datetime.now(UTC).date() - timedelta(days=1),
        help="the day of the pages, UTC",
    )
    parser.add_argument("--locale", default="en-GB", help="language of the browser")
    parser.add_argument("--full", action="store_true", help="the whole page, not one screen")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for file in take(Site.of_link(options.link), options):
        print(f"{file} {file.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
