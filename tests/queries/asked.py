"""Posts, and hypothesis strategies for query trees of every kind."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from hypothesis import strategies as st

from queries.language.ast import And, Field, Named, Near, Node, Not, Or, Phrase, Range, Term, Value
from queries.language.errors import QueryError
from queries.language.fields import FIELDS, Holds
from queries.language.validate import check
from queries.matching.document import Document
from schemas.mention import Aspect, BrandMatch, Emotion, Entity, Language, Sentiment
from schemas.post import Author, Community, Metrics, Publisher, Rating
from tests.make import mention, post

NEGATIVE = Sentiment(label="negative", score=-1, negative=1, neutral=0, positive=0)
POSITIVE = Sentiment(label="positive", score=1, negative=0, neutral=0, positive=1)
WHEN = datetime(2026, 3, 2, 12, 0, 0, 123_456, tzinfo=UTC)


def document(text: str, **fields: Any) -> Document:
    """A post with this text."""
    return Document(
        mention(post(text, **{"id": "x:1", "author": "1", "created_at": WHEN, **fields}))
    )


def whole_document(text: str, title: str, **fields: Any) -> Document:
    """A post with every field except ``views``."""
    author = Author(
        id="did:plc:1", handle="ana", name="Ana de Lima", followers=1000, verified=True, bot=False
    )
    given: dict[str, Any] = {
        "author": author,
        "url": "https://www.lemonde.fr/panne/",
        "links": ["http://velmora.example/été"],
        "country": "FR",
        "hashtags": ["Panne", "fibre", "été"],
        "mentions": ["Velmora", "ana.bsky.example"],
        "reply_to": "x:0",
        "metrics": Metrics(likes=0, score=-3),
        "thread": "x:0",
        "format": "review",
        "community": Community(id="c/9", name="Le Café"),
        "about": "app:Velmora",
        "about_name": "Velmora Mobile",
        "publisher": Publisher(name="Le Monde", domain="lemonde.fr"),
        "rating": Rating(value=2, best=10, worst=0),
    }
    asked = document(text, title=title, **{**given, **fields})
    known = asked.mention
    known.language = Language(code="fr", confidence=1)
    known.brands = [
        BrandMatch(id="air-volta", sentiment=NEGATIVE),
        BrandMatch(id="velmora", sentiment=POSITIVE),
        BrandMatch(id="corvane"),
    ]
    known.aspects = [
        Aspect(label="price", text="cher", start=0, end=4, sentiment=NEGATIVE),
        Aspect(label="staff", text="agent", start=0, end=5),
    ]
    known.intents = ["complaint", "threat_to_leave"]
    known.emotion = Emotion(label="anger", confidence=0.7)
    known.entities = [Entity(text="AF", name="Air France", id="Q1", label="ORG", start=0, end=2)]
    known.sentiment = NEGATIVE
    return asked


WORDS = st.sampled_from(
    ["orange", "Été", "ete", "BT", "bt", "panne", "5g", "a", "b", "日", "ก", "straße", "or", "AND",
     "near", "To", "クラウド", "한국", "snake_case", "2026", "Ørsted", "orsted", "Łódź", "yapı",
     "yapi", "اورنج", "أورنج", "شركة", "삼성", "lg", "ー", "c", "on", "net"]
)  # fmt: skip
SIGNED = st.sampled_from(
    ["#orange", "#Été", "@velmora", "@ana.bsky.example", "$AAPL", "🍊", "👍🏽", "❤️", "🇫🇷",
     "https://a.example/x?y=1", "www.b.example/(c)*", "#日本", "jean@orange.example"]
)  # fmt: skip
PATTERNS = st.sampled_from(["oran*", "abo?n*", "été*", "pan?e", "#vel*", "box?"])
_ONE_WORD = WORDS.filter(lambda word: word != "クラウド")
TOKENS = _ONE_WORD | SIGNED
"""Texts of one token each."""
_PLAIN = TOKENS.map(Term)
_PATTERN, _EXACT = partial(Term, wildcard=True), partial(Term, exact=True)
_EXACT_WORDS = _ONE_WORD.map(_EXACT)
TERMS = _PLAIN | PATTERNS.map(_PATTERN) | _EXACT_WORDS
TERMS |= SIGNED.filter(lambda text: "(" not in text).map(_EXACT)
_MIXED = _PLAIN | PATTERNS.filter(lambda text: not text.endswith("?")).map(_PATTERN)
_RUNS = st.lists(_MIXED, min_size=2, max_size=4) | st.lists(_EXACT_WORDS, min_size=2, max_size=3)
_NAMES = st.sampled_from(
    [("c", "&", "a"), ("e", ".", "on"), ("c", "++"), ("c", "#"), (".", "net"), ("m", "&", "ms")]
).map(lambda words: Phrase(tuple(map(Term, words))))
"""Names that signs make."""
PHRASES = st.builds(Phrase, _RUNS.map(tuple), st.none() | st.integers(0, 100)) | _NAMES
_LEAVES: st.SearchStrategy[Node] = TERMS | PHRASES


def _several(kind: Any, nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.lists(nodes, min_size=2, max_size=4).map(lambda parts: kind(tuple(parts)))


_NEAR_OPERANDS = st.recursive(
    _LEAVES,
    lambda inner: (
        _several(Or, inner) | st.builds(Near, inner, inner, st.integers(0, 100), st.booleans())
    ),
    max_leaves=6,
)
NEARS = st.builds(Near, _NEAR_OPERANDS, _NEAR_OPERANDS, st.integers(0, 6), st.booleans())
_WORDY = st.recursive(
    _LEAVES | NEARS,
    lambda inner: _several(And, inner | inner.map(Not)) | _several(Or, inner),
    max_leaves=6,
)
_TEXT_FIELDS = st.builds(Field, st.sampled_from(["text", "title", "authorName"]), _WORDY)
_VALUES = {
    "lang": ["fr", "en", "und"],
    "country": ["fr", "us"],
    "source": ["x", "bluesky", "my feed", "or"],
    "author": ["velmora", "did:plc:1", "a b"],
    "entity": ["Air France", "Q1", "*", "l'été"],
    "sentiment": ["negative", "positive"],
    "engagementType": ["reply", "original"],
    "verified": ["true", "false"],
    "hashtags": ["panne", "Été", "not"],
    "tag": ["velmora", "orange", "boycott", "été"],
    "mentions": ["velmora", "ana.bsky.example"],
    "site": ["lemonde.fr"],
    "brand": ["air-volta"],
    "towards": ["negative", "neutral", "air-volta=negative", "velmora=negative"],
    "aspect": ["price", "staff", "price=negative", "staff=negative", "delay"],
    "intent": ["complaint", "threat_to_leave", "praise"],
    "emotion": ["anger", "none"],
    "community": ["c/9", "le cafe", "r/velmora"],
    "thread": ["x:0", "x:7", "file:A"],
    "about": ["app:velmora", "velmora mobile"],
    "publisher": ["lemonde.fr", "le monde"],
    "format": ["review", "post"],
    "bot": ["true", "false"],
}


def _value_field(name: str) -> st.SearchStrategy[Node]:
    value: st.SearchStrategy[Node] = st.sampled_from(_VALUES[name]).map(Value)
    if FIELDS[name].wildcards:
        value |= st.sampled_from([Value("vel*", wildcard=True), Value("pan?e", wildcard=True)])
    listed = value | _several(Or, value)
    if not FIELDS[name].single:
        listed |= _several(And, value)
    return listed.map(lambda child: Field(name, child))


_VALUE_FIELDS = st.sampled_from(sorted(_VALUES)).flatmap(_value_field)
_TIMES = st.integers(-(10**12), 10**13).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
) | st.sampled_from(
    [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, 23, 59, 59, 999_000, tzinfo=UTC)]
)


def _ranges(names: list[str], bounds: Any) -> st.SearchStrategy[Node]:
    def of(name: str, ends: list[Any], open_side: int) -> Node:
        low, high = sorted(ends)
        return Range(name, None if open_side == 1 else low, None if open_side == 2 else high)

    pairs = st.lists(bounds, min_size=2, max_size=2)
    return st.builds(of, st.sampled_from(names), pairs, st.integers(0, 2))


RANGES = _ranges(
    [name for name, field in FIELDS.items() if field.holds is Holds.NUMBER],
    st.integers(0, 10**15 - 1),
)
RANGES |= _ranges(["score"], st.integers(-(10**15) + 1, 10**15 - 1) | st.integers(-9, 9))
RANGES |= _ranges(["rating"], st.integers(100, 500).map(lambda mark: Decimal(mark) / 100))
RANGES |= _ranges(["date"], _TIMES)
NAMES = st.builds(Named, st.sampled_from(["outages", "mes marques", "a"]))


def valid(node: Node) -> bool:
    try:
        check(node)
    except QueryError:
        return False
    return True


def trees(leaves: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Valid queries."""
    return st.recursive(
        leaves,
        lambda inner: _several(And, inner | inner.map(Not)) | _several(Or, inner),
        max_leaves=8,
    ).filter(valid)


VALUED = trees(_VALUE_FIELDS | RANGES)
"""Queries of values, numbers and times alone."""
RESOLVED = trees(_LEAVES | NEARS | _TEXT_FIELDS | _VALUE_FIELDS | RANGES)
"""Queries without references."""
QUERIES = trees(_LEAVES | NEARS | _TEXT_FIELDS | _VALUE_FIELDS | RANGES | NAMES)
TEXTS = st.lists(
    TOKENS
    | st.sampled_from(
        [
            "oranges",
            "...",
            "l'orange",
            "日本",
            "C&A",
            "c & a",
            "c&amp;a",
            "C a",
            "E.ON",
            "e on",
            "C++",
            "C#",
            ".NET",
            "M&M's",
            "#VelmoraDown",
            "#velmoragate",
            "#stopOrange",
            "m&ms",
            "LG가",
            "삼성은",
            "vel\u00admora",
            "Orange®",
            "ソニーA7",
            "YAPI",
            "IRMAK",
            "لأورنج",
            "شركه",
        ]
    ),
    max_size=12,
).map(" ".join)
