"""The application over an embedded Elasticsearch with a day of mentions, some of them hostile."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec

from runtime.settings import ElasticsearchSettings, KafkaSettings, TowerSettings, load
from schemas.alert import Alert, Carrier, Evidence, Headline, Lift, ShownPost, Signal
from schemas.ids import author_hash
from schemas.mention import (
    Aspect,
    BrandMatch,
    Entity,
    Influence,
    Language,
    Mention,
    MentionUpsert,
    Sentiment,
)
from schemas.post import Author, Post
from schemas.types import SentimentLabel
from sinks.alerts.store import merged
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import upsert
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup
from sinks.elasticsearch.writes.bulk import write
from tests import make
from tests.tocsin.local.stack.records import quiet
from tower.answers import Answers
from tower.app import create_app
from tower.application import Tower
from tower.desk.jobs import Jobs
from tower.live.hub import Hub
from tower.pages.post_card import card_key
from tower.pages.renderer import Renderer
from tower.questions.question import Context
from tower.search_client import SearchClient
from tower.security.identity import Identity
from tower.security.sessions import Sessions
from tower.security.users import Account, Accounts, hashed_token

NOW = datetime(2026, 3, 3, 9, 30, tzinfo=UTC)
DAY = "2026-03-02"
ZONE = "Europe/Paris"
SINCE = datetime(2026, 3, 1, 23, tzinfo=UTC)
"""The midnight in Paris at which the day begins."""
DID = "did:plc:abcdefghijklmnop"
"""An account whose id is within the ids of its posts."""
NAME = "Zoé Querelle"
SECRET = "the words of Zoé"
ALERT = "velmora-2026-03-02T09:40Z"
ROLES = ("reader", "desk", "admin")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '#panic("typst") $x^2$ #read("/etc/passwd")',
    "Velmora\r\nBcc: everybody@evil.test",
    "\u202eevil\u202c javascript:alert(1)",
    "{{ 7*7 }} {% raw %}",
    "=HYPERLINK(1)",
)
BRANDS = {
    one.id: one
    for one in (
        make.brand("velmora", peers=["corvane", "unheard"]),
        make.brand("corvane"),
        make.brand("unheard"),
    )
}


def _sentiment(label: SentimentLabel) -> Sentiment:
    return Sentiment(label=label, score=0, negative=0.3, neutral=0.4, positive=0.3)


def _mention(number: int, author: Author, text: str, at: datetime, brand: str) -> Mention:
    source = "bluesky" if author.id.startswith("did:") else "x"
    tone: SentimentLabel = ("negative", "neutral", "positive")[number % 3]  # type: ignore[assignment]
    native = f"at://{author.id}/app.bsky.feed.post/{number}" if source == "bluesky" else str(number)
    return Mention(
        post=Post(
            id=f"{source}:{native}",
            source=source,
            author=author,
            text=text,
            created_at=at,
            country=("FR", "DE", None)[number % 3],
            hashtags=[HOSTILE[1], "panne"] if number % 2 else ["panne"],
            links=[f"https://bsky.app/profile/{author.id}"] if source == "bluesky" else [],
            url=f"https://example.org/{number}",
        ),
        language=Language(code="fr", confidence=1),
        brands=[BrandMatch(id=brand, sentiment=_sentiment(tone))],
        aspects=[Aspect(label="delay", text="x", start=0, end=1, sentiment=_sentiment(tone))],
        intents=["complaint"] if number % 2 else [],
        entities=[Entity(text="Z", name=HOSTILE[number % 4], label="ORG", start=0, end=1)],
        influence=Influence(reach=number * 10, engagement=number),
    )


def corpus() -> list[MentionUpsert]:
    """Two days of mentions, every ten minutes; the second is the one that is reported."""
    mentions = []
    for number in range(288):
        at = SINCE + timedelta(minutes=10 * (number - 144), seconds=number % 7)
        author = Author(
            id=f"a{number % 11}", handle=f"h{number % 11}", name=HOSTILE[number % 11 % 7]
        )
        text = f"Velmora {number} {HOSTILE[number % 7]}"
        if number % 9 == 4:
            author = Author(id=DID, handle="zoe.test", name=NAME)
            text = f"{SECRET} {number}"
        brand = "corvane" if number % 8 == 7 else "velmora"
        made = make.enriched(_mention(number, author, text, at, brand), version=number + 1, at=at)
        assert isinstance(made, MentionUpsert)
        mentions.append(made)
    return mentions


def alert(events: list[MentionUpsert]) -> dict[str, Any]:
    """The document of an alert that was judged, with evidence that names the account."""
    of_day = [one for one in events if one.mention.post.created_at >= SINCE]
    shown = [one for one in of_day if one.mention.post.author.id == DID][:2] + of_day[:2]
    began = SINCE + timedelta(hours=9)
    evidence = Evidence(
        mentions=40,
        lifted=[Lift(term=f"bsky.app/profile/{DID}", count=9, expected=1, significance=30)],
        carriers=[Carrier(author=author_hash("bluesky", DID), mentions=5)],
        shown=[
            ShownPost(
                id=one.mention.post.id,
                role="typical",
                at=one.mention.post.created_at,
                url=one.mention.post.url,
                author=author_hash(one.mention.post.source, one.mention.post.author.id),
            )
            for one in shown
        ],
    )
    document: dict[str, Any] | None = None
    for version, status in ((1, "open"), (2, "update"), (3, "close")):
        state = Alert(
            id=ALERT,
            brand="velmora",
            version=version,
            status=status,  # type: ignore[arg-type]
            severity=4,
            began_at=began,
            raised_at=began + timedelta(minutes=20 * version),
            title="Velmora: mentions",
            signals=[Signal(name="volume", observed=540, baseline=61.5, unit="posts/5min")],
            evidence=evidence,
            headline=Headline(name="Velmora", minutes=30, mentions=40, authors=9, times=8.8),
        )
        document = merged(state, document)
    assert document is not None
    act = {"at": NOW.isoformat(), "by": "ana"}
    document["desk"] = {
        "verdict": "right",
        "history": [{**act, "did": "noted", "text": HOSTILE[0]}, {**act, "did": "acknowledged"}],
    }
    return document


@dataclass
class Rig:
    """The application; each request has an event loop of its own."""

    url: str
    prefix: str
    events: list[MentionUpsert] = field(default_factory=corpus)
    jobs: Jobs = field(default_factory=Jobs)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.settings = load(ElasticsearchSettings, url=self.url, index_prefix=self.prefix)
        self.names = IndexNames(self.settings)
        self.client = connect(self.settings)
        accounts = Accounts(
            {
                role: Account(name=role, role=role, tokens=[hashed_token(role)])  # type: ignore[arg-type]
                for role in ROLES
            }
        )
        search = SearchClient(self.settings)
        self.tower = Tower(
            settings=load(TowerSettings),
            kafka=load(KafkaSettings),
            search=search,
            answers=Answers(search.search_all, lambda: Context(self.now, BRANDS)),
            hub=Hub(lambda mention, number, language: "", card_key),
            renderer=Renderer("test"),
            identity=Identity(Sessions(b"k" * 32, accounts), accounts, secure=False),
            clock=lambda: self.now,
            brands=_Brands(),  # type: ignore[arg-type]
            jobs=self.jobs,
        )
        self.tower.hub.on_withdrawal = self.tower.answers.forget
        self.app = create_app(self.tower, read_stream=False)

    def fill(self) -> None:
        setup(self.client, self.settings, quiet)
        written = write(self.client, [upsert(one, self.names) for one in self.events])
        assert len(written.written) == len(self.events)
        self.client.index(index=self.names.alerts, id=ALERT, document=alert(self.events))
        self.refresh()

    def refresh(self) -> None:
        self.client.indices.refresh(index=f"{self.prefix}*")

    def get(self, path: str, role: str = "reader", **headers: str) -> httpx.Response:
        return self._send("GET", path, role, headers=headers)

    def post(self, path: str, role: str = "desk", **options: Any) -> httpx.Response:
        return self._send("POST", path, role, **options)

    def _send(self, method: str, path: str, role: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                signed = {"Authorization": f"Bearer {role}", "Accept-Language": "en"}
                headers = signed | options.pop("headers", {})
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(send())

    def make(self, **ask: Any) -> str:
        """The id of a report that is made now."""
        answer = self.post("/api/v1/reports", json=ask)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def sections(self, id_: str) -> dict[str, dict[str, Any]]:
        answer = self.get(f"/api/v1/reports/{id_}")
        assert answer.status_code == 200, answer.text
        return {one["name"]: one for one in answer.json()["sections"]}

    def stored(self, id_: str) -> str:
        """The document as the index has it."""
        found = self.client.get(index=self.names.reports, id=id_)["_source"]
        return msgspec.json.encode(found).decode()

    def close(self) -> None:
        self.client.close()
        self.tower.search.close()


class _Brands:
    """The brands that are published."""

    def brands(self) -> Mapping[str, Any]:
        return BRANDS
