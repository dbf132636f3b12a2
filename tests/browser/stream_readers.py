"""Many live streams at a time, by plain HTTP: what browsers would get, without browsers."""

import asyncio
import http.client
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlsplit

CONNECT_S: Final = 30.0


def session_cookie(link: str) -> str:
    """The cookie that a sign-in link gives."""
    parts = urlsplit(link)
    client = http.client.HTTPConnection(parts.netloc, timeout=CONNECT_S)
    try:
        client.request("GET", f"{parts.path}?{parts.query}")
        answer = client.getresponse()
        assert answer.status == 303, answer.status
        return (answer.getheader("Set-Cookie") or "").partition(";")[0]
    finally:
        client.close()


Enough = Callable[[list[Counter[str]]], bool]


def read_streams(
    link: str, path: str, count: int, enough: Enough, within_s: float
) -> list[Counter[str]]:
    """Open the streams and count the events of each by name, until ``enough``.

    :raises TimeoutError: it was not enough in time.
    """
    # In a thread of its own: the browser's client has an event loop in this one.
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(asyncio.run, _read_all(link, path, count, enough, within_s))
        return reading.result()


async def _read_all(
    link: str, path: str, count: int, enough: Enough, within_s: float
) -> list[Counter[str]]:
    cookie = await asyncio.to_thread(session_cookie, link)
    counts: list[Counter[str]] = [Counter() for _ in range(count)]
    host = urlsplit(link).netloc
    readers = [asyncio.create_task(_read(host, path, cookie, counts[n])) for n in range(count)]
    try:
        async with asyncio.timeout(within_s):
            while not enough(counts):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    return counts


async def _read(host: str, path: str, cookie: str, counted: Counter[str]) -> None:
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port), limit=2**24)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n".encode())
        await writer.drain()
        while line := await reader.readline():
            if line.startswith(b"event: "):
                counted[line[7:].strip().decode()] += 1
            elif line.startswith(b"HTTP/1.1 ") and b" 200 " not in line:
                counted["refused"] += 1
        counted["ended"] += 1
    finally:
        writer.close()
