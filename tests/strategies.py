"""Hypothesis strategies for messages: valid ones, derived from the types, and hostile posts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st
from msgspec import Struct, inspect

from schemas.mention import Mention, MentionDelete, MentionErasure
from schemas.post import Post, PostDelete, PostErasure, Rating
from schemas.topic_registry import CODECS
from tests import make

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
"""Any text that JSON can hold."""
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)
"""Any Python string, lone surrogates included."""
SHORT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
IDS = st.tuples(st.sampled_from(["x", "bluesky", "file"]), SHORT).map(":".join)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-9.5))])
TIMES = st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=ZONES,
)
VERSIONS = st.integers(0, 2**63 - 1)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


_MARKS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)
RATINGS = (
    st.lists(_MARKS, min_size=3, max_size=3)
    .map(sorted)
    .filter(lambda marks: marks[0] < marks[2])
    .map(lambda marks: Rating(worst=marks[0], value=marks[1], best=marks[2]))
) | st.floats(1, 5).map(lambda value: Rating(value=value))
"""Ratings on any scale, and on the usual one."""


@dataclass(frozen=True)
class Derived:
    """Structs that are valid by type; None and empty lists stand for absent fields."""

    text: st.SearchStrategy[str]
    times: st.SearchStrategy[datetime]

    def of(self, type_: type[Struct], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        """Structs of the type; ``fields`` replace derived ones."""
        info = inspect.type_info(type_)
        assert isinstance(info, inspect.StructType)
        return self._struct(info, fields)

    def _struct(
        self, info: inspect.StructType, fields: Mapping[str, st.SearchStrategy[Any]]
    ) -> st.SearchStrategy[Any]:
        if info.cls is Rating:  # its fields depend on each other
            return RATINGS
        derived = {
            field.name: self._value(field.type) for field in info.fields if field.name not in fields
        }
        return st.builds(info.cls, **fields, **derived)

    def _value(self, info: inspect.Type) -> st.SearchStrategy[Any]:
        match info:
            case inspect.Metadata():
                return self._value(info.type)
            case inspect.UnionType():
                return st.one_of(*map(self._value, reversed(info.types)))
            case inspect.StructType():
                return self._struct(info, {})
            case inspect.ListType():
                return st.lists(self._value(info.item_type), max_size=3)
            case inspect.DictType():
                values = self._value(info.value_type)
                return st.dictionaries(self._value(info.key_type), values, max_size=2)
            case inspect.LiteralType():
                return st.sampled_from(info.values)
            case inspect.StrType(pattern=str(pattern)):
                return st.from_regex(pattern, fullmatch=True)
            case inspect.StrType():
                shortest, longest = info.min_length or 0, info.max_length or 10**9
                return self.text.filter(lambda text: shortest <= len(text) <= longest)
            case inspect.IntType():
                return st.integers(info.ge, 2**53 if info.le is None else info.le)
            case inspect.FloatType():
                return st.floats(
                    info.ge if info.gt is None else info.gt,
                    info.le,
                    exclude_min=info.gt is not None,
                    allow_nan=False,
                    allow_infinity=False,
                )
        return {
            inspect.AnyType: JSON,
            inspect.BoolType: st.booleans(),
            inspect.BytesType: st.binary(max_size=60),
            inspect.DateTimeType: self.times,
            inspect.NoneType: st.none(),
        }[type(info)]


VALID = Derived(TEXT, TIMES)


def posts(
    ids: st.SearchStrategy[str] = IDS, texts: st.SearchStrategy[str] = TEXT
) -> st.SearchStrategy[Post]:
    return VALID.of(Post, id=ids, text=texts)


UPSERTS = st.builds(make.upsert, posts(), VERSIONS, TIMES)
MENTION_EVENTS = (
    st.builds(make.enriched, VALID.of(Mention, post=posts()), VERSIONS, TIMES)
    | VALID.of(MentionDelete, id=IDS)
    | VALID.of(MentionErasure, id=IDS)
)

MESSAGES: dict[str, st.SearchStrategy[Any]] = {
    topic: VALID.of(codec.type)
    for topic, codec in CODECS.items()
    if topic not in ("posts", "mentions")
}
MESSAGES |= {
    "posts": UPSERTS | VALID.of(PostDelete, id=IDS) | VALID.of(PostErasure, id=IDS),
    "mentions": MENTION_EVENTS,
}
"""Messages by topic."""
BRANDS = MESSAGES["brands"]

# Long strings are made by repetition, since drawing them letter by letter is slow.
_LONG = st.builds(
    lambda text, times: text * times,
    st.text(alphabet=st.characters(exclude_categories=()), min_size=1, max_size=8),
    st.integers(1, 2_000),
)
HOSTILE_TEXT = ANY_TEXT | _LONG
HOSTILE_TIMES = st.datetimes(timezones=ZONES) | st.sampled_from(
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2090, 1, 1, tzinfo=UTC),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ]
)
HOSTILE_POSTS: st.SearchStrategy[Post] = Derived(HOSTILE_TEXT, HOSTILE_TIMES).of(
    Post,
    id=st.builds(lambda text: f"file:{text}"[:512], ANY_TEXT.filter(bool)),
    source=st.just("file"),
    mentions=st.lists(HOSTILE_TEXT, max_size=3) | HOSTILE_TEXT.map(lambda text: [text] * 300),
)
"""Posts with everything that a platform should not send."""
