"""The fields that a query can ask of: their names, what they hold and what they take.

Data and the reading of values; what a field of a post is, says ``queries.matching.document``.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import get_args

from queries.language.errors import QueryError, shorten
from schemas.types import Kind, SentimentLabel
from text.spelling import nearest
from text.tokens import folded_form


class Holds(Enum):
    """What a field holds, and so what may stand behind its colon."""

    TEXT = auto()
    """Words: everything that a query can ask of the text."""
    VALUE = auto()
    """Whole values, of which a post has one or several."""
    NUMBER = auto()
    TIME = auto()


@dataclass(frozen=True, slots=True)
class FieldType:
    name: str
    holds: Holds
    meaning: str
    single: bool = True
    """A post has one value at most, so that no two can be asked for with AND."""
    choices: tuple[str, ...] = ()
    pattern: str = ""
    example: str = ""
    sign: str = ""
    """A sign that people write before the value, and that the value does not hold."""
    wildcards: bool = False


_LANGUAGE = "write its ISO 639-1 code, such as lang:fr"
_COUNTRY = "write its ISO 3166-1 code, such as country:FR"

FIELDS: dict[str, FieldType] = {
    field.name: field
    for field in (
        FieldType("text", Holds.TEXT, "the text of the post, without the title", single=False),
        FieldType("title", Holds.TEXT, "the title", single=False),
        FieldType("authorName", Holds.TEXT, "the words of the author's display name", single=False),
        FieldType(
            "url",
            Holds.TEXT,
            "the words of the post's own address and of each link in it",
            single=False,
        ),
        FieldType(
            "author", Holds.VALUE, "the author's handle or id", single=False, sign="@",
            wildcards=True,
        ),
        FieldType(
            "lang", Holds.VALUE, "the language that the text was found to be in",
            pattern=r"[a-z]{2,3}", example=_LANGUAGE,
        ),
        FieldType("source", Holds.VALUE, "the platform or feed", wildcards=True),
        FieldType("site", Holds.VALUE, "the host of the post's address, or a domain that it is in"),
        FieldType(
            "country", Holds.VALUE, "the country that the platform gives", pattern=r"[a-z]{2}",
            example=_COUNTRY,
        ),
        FieldType(
            "hashtags", Holds.VALUE, "the hashtags that the platform lists", single=False,
            sign="#", wildcards=True,
        ),
        FieldType(
            "mentions", Holds.VALUE, "the handles that the platform lists as addressed",
            single=False, sign="@", wildcards=True,
        ),
        FieldType(
            "entity", Holds.VALUE, "the text, name or id of an entity found in it", single=False,
            wildcards=True,
        ),
        FieldType("brand", Holds.VALUE, "the id of a brand found in it", single=False),
        FieldType(
            "sentiment", Holds.VALUE, "the sentiment of the text",
            choices=get_args(SentimentLabel),
        ),
        FieldType(
            "engagementType", Holds.VALUE, "what the post is to another one",
            choices=get_args(Kind),
        ),
        FieldType(
            "verified", Holds.VALUE, "whether the platform verified the author",
            choices=("true", "false"),
        ),
        FieldType("followers", Holds.NUMBER, "followers of the author"),
        FieldType("likes", Holds.NUMBER, "likes when the post was read"),
        FieldType("reposts", Holds.NUMBER, "reposts when the post was read"),
        FieldType("replies", Holds.NUMBER, "replies when the post was read"),
        FieldType("quotes", Holds.NUMBER, "quotes when the post was read"),
        FieldType("views", Holds.NUMBER, "views when the post was read"),
        FieldType("date", Holds.TIME, "when the post was published"),
    )
}  # fmt: skip
QUERY = "query"
"""The name that is written as a field and stands for another query."""
_BY_LOWER = {name.lower(): name for name in (*FIELDS, QUERY)}
# What the fields are called elsewhere, for the hint.
_ELSEWHERE = {
    "language": "lang", "published": "date", "time": "date", "created": "date", "since": "date",
    "until": "date", "domain": "site", "host": "site", "user": "author", "from": "author",
    "to": "mentions", "hashtag": "hashtags", "mention": "mentions", "location": "country",
    "sourcetype": "source", "platform": "source", "links": "url", "link": "url", "raw": "text",
    "content": "text", "body": "text", "followers_count": "followers", "retweets": "reposts",
    "shares": "reposts", "comments": "replies", "sourceid": "source", "is": "engagementType",
    "type": "engagementType", "tonality": "sentiment", "name": "authorName",
}  # fmt: skip


def field_name(written: str, start: int) -> str:
    """The field of that name, in any case; refuses one that there is not."""
    name = _BY_LOWER.get(written.lower())
    if name is not None:
        return name
    meant = _ELSEWHERE.get(written.lower()) or nearest(written, (*FIELDS, QUERY))
    hint = f"did you mean '{meant}:'?" if meant else f"there are {', '.join(FIELDS)}"
    raise QueryError(
        f"there is no field '{written[:40]}'",
        start,
        start + len(written),
        f'{hint} To look for the word and its colon, put quotes around them: "{written[:40]}: …"',
    )


def normal(text: str) -> str:
    """How values are compared: without case, accents and repeated spaces."""
    return " ".join(folded_form(word) for word in text.split())


def checked_value(field: FieldType, text: str, start: int, end: int) -> str:
    """The value as it is kept, or an error that says what the field takes."""
    value = " ".join(text.split())
    if field.sign:
        value = value.removeprefix(field.sign)
    if not value:
        raise QueryError(f"'{field.name}:' has an empty value", start, end, "write what to find")
    value = value.lower() if field.pattern or field.choices else value
    if field.choices and value not in field.choices:
        meant = nearest(value, field.choices)
        hint = f"did you mean {field.name}:{meant}? " if meant else ""
        hint += f"It takes {', '.join(field.choices)}"
        message = f"'{shorten(value)}' is no value of '{field.name}:'"
        raise QueryError(message, start, end, hint)
    if field.pattern and not re.fullmatch(field.pattern, value, re.ASCII):
        message = f"'{shorten(value, 40)}' is no value of '{field.name}:'"
        raise QueryError(message, start, end, field.example)
    return value
