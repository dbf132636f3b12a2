"""Pages of the control tower: time of the first answer and of warm ones, size, and first paint.

Without a link it measures a tower of its own over the embedded index with ``--posts`` posts.

Usage: ``python -m benchmarks.tower_pages [--posts N] [--runs N] [LINK]``
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.machine import describe
from benchmarks.markdown import table
from benchmarks.tower_site import SETTLED, Site, chromium
from runtime import logs
from tests import make
from tests.browser.filled_index import embedded_index, fill
from tests.browser.ordinary_posts import ordinary_events
from tests.browser.served_tower import ServedTower

PAINTS: Final = 5
"""Loads of each page in the browser; the median is told."""
PAINT: Final = """
() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime
"""
TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
Row = tuple[str, float, float, float, float]


def measured(site: Site, runs: int) -> list[str]:
    """The report's table, milliseconds and kilobytes."""
    rows: dict[str, Row] = {}
    # A fixed window: its answers are kept for a minute, so all requests but the first are warm.
    now = datetime.now(UTC).replace(second=0)
    paths = site.addresses(since=f"{now - timedelta(days=1):{TIME}}", until=f"{now:{TIME}}")
    for name, path in paths.items():
        joined = f"{path}&wait=1"
        first, body = _timed(site, joined)
        times = sorted(_timed(site, path)[0] for _ in range(runs))
        rows[name] = (name, first, median(times), _share(times, 0.95), len(body) / 1000)
    paints = _paints(site, {name: paths[name] for name in rows})
    header = ("page", "first, ms", "median, ms", "95 %, ms", "gzip, kB", "first paint, ms")
    lines = [
        (name, *(f"{value:.0f}" for value in numbers), f"{paints[name]:.0f}")
        for name, *numbers in rows.values()
    ]
    return table(header, lines)


def _timed(site: Site, path: str) -> tuple[float, bytes]:
    began = time.perf_counter()
    body = site.get(path)
    return (time.perf_counter() - began) * 1000, body


def _share(times: Sequence[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))]


def _paints(site: Site, paths: dict[str, str]) -> dict[str, float]:
    name, _, value = site.cookie.partition("=")
    found = {}
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": name, "value": value, "url": site.origin}])
        page = context.new_page()
        for shown, path in paths.items():
            times = []
            for _ in range(PAINTS):
                page.goto(f"{site.origin}{path}")
                page.wait_for_function(SETTLED, timeout=60_000)
                painted = page.wait_for_function(PAINT, timeout=60_000)
                times.append(float(painted.json_value()))
            found[shown] = median(times)
    return found


def of_our_own(posts: int, runs: int) -> list[str]:
    logs.configure("json", "warning")
    with embedded_index() as elasticsearch, tempfile.TemporaryDirectory() as folder:
        fill(elasticsearch, ordinary_events(datetime.now(UTC), posts))
        tower = ServedTower(elasticsearch, Path(folder), {"velmora": make.brand()})
        tower.start()
        try:
            return measured(Site.of_link(tower.link()), runs)
        finally:
            tower.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("link", nargs="?", help="a sign-in link of a running tower")
    parser.add_argument("--posts", type=int, default=3_000)
    parser.add_argument("--runs", type=int, default=40, help="warm requests of each page")
    options = parser.parse_args()
    if options.link:
        report = measured(Site.of_link(options.link), options.runs)
    else:
        report = of_our_own(options.posts, options.runs)
    print("\n".join([*describe(("tocsin", "starlette", "uvicorn")), "", *report]))


if __name__ == "__main__":
    main()
