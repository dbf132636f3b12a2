"""Pictures of every page of a running control tower: both themes, wide and narrow.

Start one (``tocsin demo --keep``), make a link (``tocsin tower link``), and give it here: it signs
in once. The pages show yesterday, the day that the demo plays.

Usage: ``python -m benchmarks.screenshots [--out DIR] [--only live,world] [--query Q] LINK``
"""

import argparse
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.tower_site import SETTLED, Site, chromium

SIZES: Final = ((1440, 900), (390, 844))
THEMES: Final = ("light", "dark")
MAX_WAIT_MS: Final = 60_000


def take(site: Site, options: argparse.Namespace) -> list[Path]:
    """The files, one a page, theme and width."""
    name, _, value = site.cookie.partition("=")
    ends = options.day + timedelta(days=1)
    params = {"since": f"{options.day}T00:00:00Z", "until": f"{ends}T00:00:00Z"}
    params |= {"q": options.query} if options.query else {}
    wanted = {each for each in options.only.split(",") if each}
    made = []
    with chromium() as browser:
        for theme in THEMES:
            context = browser.new_context(locale=options.locale, reduced_motion="reduce")
            cookies = {name: value, "theme": theme}
            context.add_cookies(
                [{"name": key, "value": each, "url": site.origin} for key, each in cookies.items()]
            )
            page = context.new_page()
            for shown, path in site.addresses(**params).items():
                if wanted and shown not in wanted:
                    continue
                for width, height in SIZES:
                    page.set_viewport_size({"width": width, "height": height})
                    page.goto(f"{site.origin}{path}")
                    page.wait_for_function(SETTLED, timeout=MAX_WAIT_MS)
                    file = options.out / f"tower-{shown}-{theme}-{width}.png"
                    page.screenshot(path=file, full_page=options.full)
                    made.append(file)
            context.close()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("link", help="a sign-in link: tocsin tower link")
    parser.add_argument("--out", type=Path, default=Path("docs/img"))
    parser.add_argument("--only", default="", help="pages, comma-separated; all if empty")
    parser.add_argument("--query", default="", help="query of the pages")
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
