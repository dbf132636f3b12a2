"""Live streams of the control tower: processor time, memory and lost events of the server.

One process serves the real application over the embedded index and is fed posts; this one opens
the streams by plain HTTP and counts. Every post that matches a stream's query is either received or
told as lost: the report says how many are neither, which must be none.

Usage: ``python -m benchmarks.tower_streams [--streams N] [--rate N] [--seconds N] [--slow N]``
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, Final
from urllib.parse import quote

import psutil

from benchmarks.machine import describe
from benchmarks.markdown import table
from queries.language.parser import parse
from queries.matching.query_matcher import QueryMatcher
from runtime import logs
from runtime.settings import ElasticsearchSettings
from schemas.mention import MentionUpsert
from tests import make
from tests.browser.filled_index import embedded_index, fill
from tests.browser.ordinary_posts import ordinary_event, ordinary_events
from tests.browser.served_tower import ServedTower
from tests.browser.stream_readers import session_cookie

QUERIES: Final = ("", "lang:fr", "country:(FR OR DE)", "brand:velmora AND sentiment:negative")
FEED_S: Final = 0.05
"""Between two batches, as a poll of Kafka gives them."""
DRAIN_S: Final = 30.0
WRITTEN: Final = re.compile(rb'datetime=\\"([^"\\]+)\\"')
EVERY: Final = 20
"""Posts of a stream to one whose way is timed."""


@dataclass
class Stream:
    """What one stream got."""

    query: str
    slow: bool
    events: Counter[str]
    lost: int = 0


# --- the server ------------------------------------------------------------------------------


def serve(url: str, streams: int, rate: int, seconds: int) -> None:
    """Start, say where, feed at the first line of input, and say what was fed at its end."""
    logs.configure("json", "warning")
    brands = {"velmora": make.brand()}
    with tempfile.TemporaryDirectory() as folder:
        tower = ServedTower(
            ElasticsearchSettings(url=url),
            Path(folder),
            brands,
            max_streams=streams + 10,
            max_streams_per_person=streams + 10,
        )
        tower.start()
        _say({"link": tower.link()})
        sys.stdin.readline()
        matcher = QueryMatcher({query: parse(query) for query in QUERIES if query})
        matched: Counter[str] = Counter()
        sent, began, ours = 0, time.monotonic(), time.thread_time()
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * rate) - sent
            now = datetime.now(UTC)
            events = [ordinary_event(100_000 + sent + n, now) for n in range(due)]
            sent += due
            tower.feed(events)
            matched.update(_matches(matcher, events))
            time.sleep(FEED_S)
        # This thread makes posts and counts what should come: it is not of the tower.
        _say({"matched": matched, "ours_s": time.thread_time() - ours})
        sys.stdin.readline()
        tower.stop()


def _matches(matcher: QueryMatcher, events: Sequence[MentionUpsert]) -> Counter[str]:
    counted = Counter({"": len(events)})
    for matches in matcher.match([event.mention for event in events]):
        counted.update(match.name for match in matches)
    return counted


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


# --- the clients -----------------------------------------------------------------------------


async def read_stream(host: str, cookie: str, stream: Stream, delays: list[float]) -> None:
    """Until it is cancelled; a slow one takes four kilobytes a second while posts are fed."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port), limit=2**24)
    path = f"/events?page=live&q={quote(stream.query)}"
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n".encode())
        await writer.drain()
        event = ""
        while line := await reader.readline():
            if line.startswith(b"HTTP/1.1 ") and b" 200 " not in line:
                raise RuntimeError(f"a stream is refused: {line!r}")
            if line.startswith(b"event: "):
                event = line[7:].strip().decode()
                stream.events[event] += 1
            elif line.startswith(b"data: ") and event == "lost":
                stream.lost += json.loads(line[6:])["count"]
            elif line.startswith(b"data: ") and event == "post":
                if stream.slow:
                    await asyncio.sleep(0.5)
                elif stream.events["post"] % EVERY == 0 and (at := WRITTEN.search(line)):
                    delay = datetime.now(UTC) - datetime.fromisoformat(at[1].decode())
                    delays.append(delay.total_seconds())
    finally:
        writer.close()


async def measure(server: "Popen[str]", options: argparse.Namespace) -> list[str]:
    assert server.stdin is not None
    assert server.stdout is not None
    link = json.loads(await asyncio.to_thread(server.stdout.readline))["link"]
    cookie, host = await asyncio.to_thread(session_cookie, link), link.split("/")[2]
    streams = [
        Stream(QUERIES[number % len(QUERIES)], number < options.slow, Counter())
        for number in range(options.streams)
    ]
    delays: list[float] = []
    readers = [asyncio.create_task(read_stream(host, cookie, one, delays)) for one in streams]
    while not all(one.events["state"] for one in streams):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    process = psutil.Process(server.pid)
    memory, cpu, began = process.memory_info().rss, process.cpu_times(), time.monotonic()
    server.stdin.write("begin\n")
    server.stdin.flush()
    told = json.loads(await asyncio.to_thread(server.stdout.readline))
    wall, after = time.monotonic() - began, process.cpu_times()
    spent = after.user + after.system - cpu.user - cpu.system - told["ours_s"]
    for one in streams:
        one.slow = False
    await _drained(streams, told["matched"])
    report = _report(streams, told["matched"], delays, options)
    grown = (process.memory_info().rss - memory) / 2**20
    report += [
        f"- server: {spent / wall:.1%} of one core ({spent:.1f} s of {wall:.0f} s)",
        f"- memory of the server: {memory / 2**20:.0f} MiB with open streams, "
        f"{grown:+.0f} MiB after the feed",
    ]
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    server.stdin.write("end\n")
    server.stdin.flush()
    return report


async def _drained(streams: Sequence[Stream], matched: dict[str, int]) -> None:
    deadline = time.monotonic() + DRAIN_S
    while time.monotonic() < deadline and _missing(streams, matched):  # noqa: ASYNC110
        await asyncio.sleep(0.2)


def _missing(streams: Sequence[Stream], matched: dict[str, int]) -> int:
    """Posts that should have come, and were neither received nor told as lost."""
    due = sum(matched.get(one.query, 0) for one in streams)
    return due - sum(one.events["post"] + one.lost for one in streams)


def _report(
    streams: Sequence[Stream],
    matched: dict[str, int],
    delays: list[float],
    options: argparse.Namespace,
) -> list[str]:
    rows = []
    for query in QUERIES:
        own = [one for one in streams if one.query == query]
        due = matched.get(query, 0) * len(own)
        got, lost = sum(one.events["post"] for one in own), sum(one.lost for one in own)
        rows.append((f"`{query or 'everything'}`", len(own), due, got, lost, due - got - lost))
    delays.sort()
    half, most = delays[len(delays) // 2], delays[int(len(delays) * 0.95)]
    return [
        f"{options.streams} streams ({options.slow} slow), {options.rate} posts/s "
        f"for {options.seconds} s.",
        "",
        *table(("query", "streams", "due", "received", "told as lost", "missing"), rows),
        f"- from a post to its stream: median {half * 1000:.0f} ms, 95 % within "
        f"{most * 1000:.0f} ms ({len(delays)} timed)",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--rate", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--slow", type=int, default=0, help="streams that read slowly")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.streams, options.rate, options.seconds)
        return
    with embedded_index() as elasticsearch:
        fill(elasticsearch, ordinary_events(datetime.now(UTC), 400))
        sizes = [f"--{name}={getattr(options, name)}" for name in ("streams", "rate", "seconds")]
        command = [sys.executable, "-m", __spec__.name, "--serve", elasticsearch.url, *sizes]
        with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as server:
            report = asyncio.run(measure(server, options))
    print("\n".join([*describe(("tocsin", "starlette", "uvicorn")), "", *report]))


if __name__ == "__main__":
    main()
