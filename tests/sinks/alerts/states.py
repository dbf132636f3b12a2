"""States of alerts for the tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.alert import Alert, Carrier, Evidence, Headline, Lift, ShownPost, Signal
from tests import make

BEGAN = datetime(2026, 1, 2, 9, 5, tzinfo=UTC)
NOW = datetime(2026, 1, 2, 9, 40, 2, tzinfo=UTC)
ID = "velmora-2026-01-02T09:40Z"


def state(version: int = 1, status: str = "open", **changed: Any) -> Alert:
    """A state; each version is decided a second after the one before."""
    fields: dict[str, Any] = {
        "id": ID,
        "began_at": BEGAN,
        "raised_at": NOW + timedelta(seconds=version - 2),
        "title": "Velmora: negative mentions nine times the usual",
    }
    return make.alert(version, status, **{**fields, **changed})


def rich(**changed: Any) -> Alert:
    """A state with all the evidence that there can be."""
    evidence = Evidence(
        mentions=12_540,
        distinct_authors=2_210,
        duplicate_share=0.125,
        lifted=[
            Lift(term="panne", count=1_210, expected=3.14, significance=820.5),
            Lift(term="#velmoradown", count=96, expected=0, significance=300),
        ],
        lifted_entities=[Lift(term="Nantes", count=310, expected=2.5, significance=410)],
        carriers=[
            Carrier(
                author="1d4c267e87ab0a39", mentions=14, reach=412, url="https://x.com/i/status/7"
            ),
            Carrier(author="77ab0a391d4c267e", mentions=1, reach=1_250_000),
        ],
        shown=[
            ShownPost(
                id="x:1541815603606036480",
                role="first",
                at=BEGAN,
                url="https://x.com/i/status/1541815603606036480",
                reach=412,
                score=-0.8,
            ),
            ShownPost(id="bluesky:abc", role="most_seen", at=NOW, reach=1_250_000),
        ],
        sources={"x": 11_600, "bluesky": 940},
        languages={"fr": 12_300, "en": 240},
        countries={"FR": 120},
        authenticity="amplified",
    )
    signals = [
        Signal(name="volume", observed=540, baseline=61.5, unit="posts/5min", significance=11.2),
        Signal(name="authors", observed=210, baseline=0, unit="authors/5min"),
        Signal(name="negative_share", observed=0.81, baseline=0.22, unit="share"),
        Signal(name="sentiment", observed=-0.42, baseline=0.1, unit="score", significance=4),
        Signal(
            name="topic",
            observed=96,
            baseline=0.02,
            unit="posts/30min",
            significance=17.3,
            about="#velmoradown",
        ),
        Signal(
            name="spread",
            observed=5,
            baseline=2,
            unit="sources",
            significance=6.4,
            about="reddit, mastodon, lemmy",
        ),
        Signal(name="influencer", observed=250_000, baseline=100_000, unit="followers"),
        Signal(name="a_new_one", observed=12_345.6, baseline=12_000, unit="things"),
    ]
    headline = Headline(
        name="Velmora", minutes=30, mentions=12_540, authors=2_210, times=8.8, negative_share=0.81
    )
    return state(**{"signals": signals, "evidence": evidence, "headline": headline, **changed})


def hostile() -> Alert:
    """What the public may write to trick a desk, in every place where it can stand."""
    tricky = "<script>alert(1)</script>\x1b[31m\u202e<!channel> *b* & \"q\" 'q'\r\nBcc: all@desk"
    evidence = Evidence(
        lifted=[Lift(term=tricky, count=3, expected=1, significance=1)],
        lifted_entities=[Lift(term=tricky, count=3, expected=1, significance=1)],
        carriers=[Carrier(author=tricky, mentions=1, url="javascript:alert(1)")],
        shown=[
            ShownPost(id=tricky, role="first", at=BEGAN, url="javascript:alert(1)"),
            ShownPost(id="x:2", role="typical", at=BEGAN, url='https://e.test/"><b>|x'),
            ShownPost(id="x:3", role="typical", at=BEGAN, url="https://bank.test@evil.test/"),
            ShownPost(id="x:4", role="typical", at=BEGAN, url="https://раураl.test/"),
        ],
        sources={tricky: 1},
        languages={},
        mentions=1,
    )
    signal = Signal(name=tricky, observed=1, baseline=0, unit=tricky, about=tricky)
    headline = Headline(name=tricky, minutes=30, mentions=1, authors=1)
    return state(title=tricky, evidence=evidence, signals=[signal], headline=headline)


def blind() -> Alert:
    """No data, which is no calm."""
    return state(
        kind="blind",
        brand="source:x",
        severity=2,
        title="x: blind since 09:05 UTC, quiet may not be calm",
        headline=Headline(name="x"),
        muted=True,
    )
