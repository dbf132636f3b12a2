"""What a live page was shown for a query is what the index finds for it afterwards."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from msgspec.structs import replace

from ingestors.generator.accounts import brands as invented_brands
from ingestors.generator.source import generate
from schemas.post import PostEvent
from tests.engines.pipeline import BROKEN_SOCKETS, PATIENCE_S, Pipeline
from tests.tower.live.sse_parser import SseParser
from tocsin.local.stack.ports import free_ports
from tower.pages.post_card import card_key
from tower.security.users import hashed_token

pytestmark = [pytest.mark.engines, BROKEN_SOCKETS]
TOKEN = "a token of the tests, which nobody else has"
QUERIES = ("", "brand:velmora", "lang:fr AND (velmora OR corvane)", "country:GB NOT brand:lumirail")
POSTS = 400


class LivePage:
    """A browser that keeps what it is shown: key to version, as its script does."""

    def __init__(self, url: str, query: str) -> None:
        self.shown: dict[str, int] = {}
        self.lost = 0
        self.opened = threading.Event()
        self._url = f"{url}/events?page=live&q={quote(query)}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        parser = SseParser()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.stream("GET", self._url, headers=headers, timeout=None) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_raw():
                for event in parser.feed(chunk):
                    self._take(event.type, json.loads(event.data))
                self.opened.set()
                if self._stop.is_set():
                    return

    def _take(self, name: str, body: dict[str, object]) -> None:
        if name == "lost":
            self.lost += int(str(body["count"]))
        elif name == "post":
            key, version = str(body["key"]), int(str(body["version"]))
            self.shown[key] = max(version, self.shown.get(key, -1))
        elif name in ("gone", "changed") and "key" in body:
            key, version = str(body["key"]), int(str(body["version"]))
            if self.shown.get(key, version + 1) <= version:
                del self.shown[key]

    def close(self) -> None:
        self._stop.set()


def day() -> Iterator[PostEvent]:
    """Posts of now, with edits and deletes: a live page has no others."""
    start = datetime.now(UTC) - timedelta(hours=1)
    for event in generate(3, POSTS, start, timedelta(minutes=50)):
        yield replace(event, ingested_at=datetime.now(UTC))


def test_a_live_page_shows_what_the_index_finds(pipeline: Pipeline, tmp_path: Path) -> None:
    users = tmp_path / "users.yaml"
    token = hashed_token(TOKEN)
    users.write_text(f'users:\n  - {{name: test, role: reader, tokens: ["{token}"]}}\n')
    pipeline.listen(invented_brands())
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    tower = pipeline.start(
        "tower",
        "tower",
        TOCSIN_TOWER_PORT=str(port),
        TOCSIN_TOWER_USERS=str(users),
        TOCSIN_TOWER_DATA_DIR=str(tmp_path / "tower"),
    )
    pipeline.wait("the tower to be live", lambda: is_live(url))
    pages = {query: LivePage(url, query) for query in QUERIES}
    assert all(page.opened.wait(PATIENCE_S) for page in pages.values())
    events = list(day())
    pipeline.send("posts", events)
    pipeline.wait_until_idle(len(events))
    pipeline.client.indices.refresh(index=pipeline.names.mentions_pattern)

    found = {query: history(url, query) for query in QUERIES}
    assert len(found[""]) > POSTS / 3, "the index has mentions"
    assert all(found.values()), "each query finds something"
    for query, page in pages.items():
        pipeline.wait(f"what is live for {query!r}", partial(same, page, found[query]))
        assert page.lost == 0
        page.close()
    assert tower.stop() == 0


def is_live(url: str) -> bool:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        with httpx.stream("GET", f"{url}/events?page=live", headers=headers, timeout=5) as answer:
            parser = SseParser()
            for chunk in answer.iter_raw():
                for event in parser.feed(chunk):
                    if event.type == "state":
                        return bool(json.loads(event.data)["live"])
    except httpx.HTTPError:
        return False
    return False


def history(url: str, query: str) -> dict[str, int]:
    """Every mention that the index has of a query, as the page knows it: key to version."""
    found: dict[str, int] = {}
    after = None
    while True:
        params = {"q": query, "last": "2h", "size": "200"}
        answer = httpx.get(
            f"{url}/api/v1/mentions",
            params=params | ({"after": after} if after else {}),
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=30,
        )
        answer.raise_for_status()
        body = answer.json()
        for one in body["mentions"]:
            found[card_key(one["mention"]["post"]["id"])] = one["version"]
        after = body.get("next")
        if after is None:
            return found


def same(page: LivePage, found: dict[str, int]) -> bool:
    return page.shown == found
