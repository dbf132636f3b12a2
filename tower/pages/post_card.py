"""A post as a card: what is shown of it, bounded and cleaned. Pure."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from schemas.mention import Mention
from tower.questions.scope import value_clause

MAX_TEXT: Final = 1_200
MAX_NAME: Final = 60
MAX_CHIPS: Final = 8
MAX_ALT: Final = 300
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MARKS: Final = 4
"""Combining marks on one letter; more cover the lines above."""


@dataclass(frozen=True)
class Chip:
    """A value that a click adds to the query."""

    kind: str
    text: str
    clause: str | None


@dataclass(frozen=True)
class Card:
    key: str
    author_key: str
    version: int
    source: str
    name: str
    handle: str
    at: datetime
    url: str | None
    language: str
    text: Markup
    cut: bool
    title: str
    tone: str
    tone_share: float | None
    reach: int
    chips: Sequence[Chip]
    media: Sequence[str]
    edited: bool
    kind: str
    copies: int = 1
    copy_authors: int = 1


def card_key(id_: str) -> str:
    """What a page knows a post or an author by: an id of a stranger never names an element."""
    return hashlib.blake2b(id_.encode("utf-8", "replace"), digest_size=12).hexdigest()


def clean(text: str, most: int) -> str:
    """Without control characters and towers of marks, at most ``most`` code points."""
    return "".join(_signs(text[: most * 2]))[:most]


def _signs(text: str) -> list[str]:
    """What is shown of each code point; an empty string for a mark too many."""
    signs, marks = [], 0
    for sign in _CONTROL.sub(" ", text):
        # By category: the marks of Thai and of some other scripts have no combining class.
        marks = marks + 1 if unicodedata.category(sign) in ("Mn", "Me") else 0
        signs.append(sign if marks <= _MARKS else "")
    return signs


def web_link(url: str | None) -> str | None:
    """The address if a browser may follow it: http or https, with a host."""
    if not url or len(url) > 2_000:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def bare_link(url: str) -> str:
    """What is shown of a link where there is little room."""
    return url.partition("://")[2].removeprefix("www.").rstrip("/") or url


def card(
    mention: Mention, version: int, brand: str | None = None, copies: int = 1, authors: int = 1
) -> Card:
    """``brand``: whose sentiment is shown, if the query asks for one."""
    post = mention.post
    tone, share = tone_of(mention, brand)
    name = clean(post.author.name or post.author.handle or post.author.id, MAX_NAME)
    return Card(
        key=card_key(post.id),
        author_key=card_key(f"{post.source}:{post.author.id}"),
        version=version,
        source=clean(post.source, 20),
        name=name,
        handle=clean(post.author.handle or "", MAX_NAME),
        at=post.created_at,
        url=web_link(post.url),
        language=language_tag(mention),
        text=marked(post.text, spans_of(mention)),
        cut=len(post.text) > MAX_TEXT,
        title=clean(post.title or "", 200),
        tone=tone,
        tone_share=share,
        reach=mention.influence.reach if mention.influence else 0,
        chips=chips_of(mention),
        media=[clean(one.alt or one.type, MAX_ALT) for one in post.media[:4]],
        edited=post.edited_at is not None,
        kind=post.kind,
        copies=copies,
        copy_authors=authors,
    )


def tone_of(mention: Mention, brand: str | None) -> tuple[str, float | None]:
    """The sentiment towards the brand, else towards any, else of the text."""
    found = [one for one in mention.brands if one.sentiment and brand in (None, one.id)]
    sentiment = found[0].sentiment if found else mention.sentiment
    if sentiment is None:
        return "none", None
    return sentiment.label, getattr(sentiment, sentiment.label)


def language_tag(mention: Mention) -> str:
    """For ``lang``; empty if it is not known."""
    code = mention.language.code if mention.language else ""
    return code if re.fullmatch(r"[a-z]{2,3}", code) and code != "und" else ""


def spans_of(mention: Mention) -> list[tuple[int, int]]:
    """The places of the brands in the text, without overlaps."""
    spans = sorted(
        (match.start, match.end)
        for brand in mention.brands
        for match in brand.matches
        if match.field == "text" and match.start is not None and match.end is not None
    )
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        if start < end and (not kept or start >= kept[-1][1]):
            kept.append((start, end))
    return kept


def marked(text: str, spans: Iterable[tuple[int, int]]) -> Markup:
    """The text, escaped, with the places in ``mark``; cut at ``MAX_TEXT``."""
    signs = _signs(text[:MAX_TEXT])
    parts, place = [], 0
    for start, end in spans:
        if end > len(signs):
            break
        parts.append(escape("".join(signs[place:start])))
        parts.append(Markup("<mark>{}</mark>").format("".join(signs[start:end])))
        place = end
    parts.append(escape("".join(signs[place:])))
    return Markup("").join(parts)


def chips_of(mention: Mention) -> list[Chip]:
    """Intents, emotion, aspects, names and hashtags, each once."""
    chips: list[Chip] = []
    said: set[str] = set()

    def add(kind: str, field: str, value: str) -> None:
        text = clean(value, 40)
        # A hashtag is often a name too.
        same = text.lstrip("#@").casefold()
        if same and same not in said:
            said.add(same)
            chips.append(Chip(kind, text, value_clause(field, value)))

    for intent in mention.intents[:3]:
        add("intent", "intent", intent)
    if mention.emotion is not None and mention.emotion.label != "none":
        add("emotion", "emotion", mention.emotion.label)
    if mention.irony is not None and mention.irony.label:
        chips.append(Chip("irony", "irony", None))
    for aspect in mention.aspects[:3]:
        if aspect.label != "other":
            add("aspect", "aspect", aspect.label)
    for entity in mention.entities[:4]:
        add("entity", "entity", entity.name or entity.text)
    for tag in mention.post.hashtags[:4]:
        add("hashtag", "hashtags", tag)
    return chips[:MAX_CHIPS]
