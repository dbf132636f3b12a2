"""The fields of a query: names, types and allowed values.

``queries.matching.document`` maps them to the fields of a post.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import get_args

from queries.language.errors import QueryError, shorten
from queries.language.foreign_fields import field_hint
from schemas.source_names import INGESTED, OTHERWISE
from schemas.types import (
    AspectLabel,
    EmotionLabel,
    Format,
    IntentLabel,
    Kind,
    SentimentLabel,
)
from text.codes import country_code, language_code, spoken_in
from text.spelling import nearest
from text.tokens import folded_form


class Holds(Enum):
    """The type of a field, which decides what may follow its colon."""

    TEXT = auto()
    VALUE = auto()
    """Whole values, one or several per post."""
    NUMBER = auto()
    MARK = auto()
    """A rating, on the scale of 1 to 5 whatever the platform's is."""
    TIME = auto()


@dataclass(frozen=True, slots=True)
class FieldType:
    name: str
    holds: Holds
    meaning: str
    single: bool = True
    """A post has at most one value, so AND between two values never matches."""
    choices: tuple[str, ...] = ()
    reads: Callable[[str], str | None] | None = None
    """What people write, to the value that posts have; None: no post has it."""
    example: str = ""
    sign: str = ""
    """An optional sign before the value, not part of it."""
    wildcards: bool = False
    least: int | None = 0
    """Of a number: the smallest that there is."""
    owners: tuple[str, ...] | None = None
    """What may stand before ``=`` and a sentiment; empty: any id; None: the field has no pairs."""


SENTIMENTS: tuple[str, ...] = get_args(SentimentLabel)
_LANGUAGE = "write its ISO 639-1 code, such as lang:fr"
_COUNTRY = "write its ISO 3166-1 code, such as country:FR"
_SITE = 'write a host, such as site:example.org; for a page, url:"example.org/page"'
_UNKNOWN_LANGUAGE = "und"
TAG = "tag"
"""The only field of values that are words of the text, with places in it."""


def _language(written: str) -> str | None:
    return _UNKNOWN_LANGUAGE if written == _UNKNOWN_LANGUAGE else language_code(written)


def _country(written: str) -> str | None:
    code = country_code(written)
    return None if code is None else code.lower()


def _site(written: str) -> str | None:
    """The host of what may be an address; a path is of one page, which no host has."""
    host = written.rpartition("://")[2].rstrip("/")
    return None if not host or "/" in host else host


FIELDS: dict[str, FieldType] = {
    field.name: field
    for field in (
        FieldType("text", Holds.TEXT, "the text of the post, without the title", single=False),
        FieldType("title", Holds.TEXT, "the title", single=False),
        FieldType("authorName", Holds.TEXT, "the words of the author's display name", single=False),
        FieldType(
            "url", Holds.TEXT, "the words of the post's own address and of each link in it",
            single=False,
        ),
        FieldType(
            "author", Holds.VALUE, "the author's handle or id", single=False, sign="@",
            wildcards=True,
        ),
        FieldType(
            "lang", Holds.VALUE, "the language that the text was found to be in",
            reads=_language, example=_LANGUAGE,
        ),
        FieldType("source", Holds.VALUE, "the platform or feed", wildcards=True),
        FieldType(
            "site", Holds.VALUE, "the host of the post's address, or a domain that it is in",
            reads=_site, example=_SITE,
        ),
        FieldType(
            "country", Holds.VALUE, "the country that the platform gives", reads=_country,
            example=_COUNTRY,
        ),
        FieldType(
            "hashtags", Holds.VALUE, "the hashtags that the platform lists", single=False,
            sign="#", wildcards=True,
        ),
        FieldType(
            TAG, Holds.VALUE, "the words of the hashtags in its text and title", single=False,
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
            choices=SENTIMENTS,
        ),
        FieldType(
            "towards", Holds.VALUE, "the sentiment towards a brand found in it", single=False,
            choices=SENTIMENTS, owners=(),
        ),
        FieldType(
            "aspect", Holds.VALUE, "what an opinion in it is about", single=False,
            choices=get_args(AspectLabel), owners=get_args(AspectLabel),
        ),
        FieldType(
            "intent", Holds.VALUE, "what its author wants", single=False,
            choices=get_args(IntentLabel),
        ),
        FieldType(
            "emotion", Holds.VALUE, "the strongest emotion of the text",
            choices=get_args(EmotionLabel),
        ),
        FieldType("community", Holds.VALUE, "the id or name of where it was posted", single=False),
        FieldType("thread", Holds.VALUE, "the post id of the conversation's first post"),
        FieldType(
            "about", Holds.VALUE, "the id or name of the thing that it is on", single=False
        ),
        FieldType(
            "publisher", Holds.VALUE, "the name or domain of the press title", single=False
        ),
        FieldType(
            "format", Holds.VALUE, "the form of the publication", choices=get_args(Format)
        ),
        FieldType(
            "engagementType", Holds.VALUE, "what the post is to another one",
            choices=get_args(Kind),
        ),
        FieldType(
            "verified", Holds.VALUE, "whether the platform verified the author",
            choices=("true", "false"),
        ),
        FieldType(
            "bot", Holds.VALUE, "whether the author says it is automated",
            choices=("true", "false"),
        ),
        FieldType("rating", Holds.MARK, "the mark that a review gives, from 1 to 5"),
        FieldType("followers", Holds.NUMBER, "followers of the author"),
        FieldType("likes", Holds.NUMBER, "likes when the post was read"),
        FieldType("reposts", Holds.NUMBER, "reposts when the post was read"),
        FieldType("replies", Holds.NUMBER, "replies when the post was read"),
        FieldType("quotes", Holds.NUMBER, "quotes when the post was read"),
        FieldType("views", Holds.NUMBER, "views when the post was read"),
        FieldType("score", Holds.NUMBER, "votes up minus votes down", least=None),
        FieldType("dislikes", Holds.NUMBER, "dislikes when the post was read"),
        FieldType("saves", Holds.NUMBER, "bookmarks when the post was read"),
        FieldType("date", Holds.TIME, "when the post was published"),
    )
}  # fmt: skip
QUERY = "query"
"""Looks like a field and refers to another query."""
_CALLED: dict[str, tuple[str, ...]] = {
    "neg": ("negative",), "-1": ("negative",), "-": ("negative",), "bad": ("negative",),
    "pos": ("positive",), "1": ("positive", "true"), "+1": ("positive",), "+": ("positive",),
    "good": ("positive",), "0": ("neutral", "false"), "neu": ("neutral",), "mixed": ("neutral",),
    "yes": ("true",), "no": ("false",), "blue": ("true",), "retweet": ("repost",),
    "rt": ("repost",), "share": ("repost",), "boost": ("repost",), "comment": ("reply", "comment"),
    "answer": ("reply",), "tweet": ("original",), "quote_tweet": ("quote",), "angry": ("anger",),
    "happy": ("joy",), "sad": ("sadness",), "scared": ("fear",), "afraid": ("fear",),
    "churn": ("threat_to_leave",), "leave": ("threat_to_leave",), "buy": ("purchase_intent",),
    "purchase": ("purchase_intent",), "thanks": ("praise",), "news": ("article",),
    "blog": ("article",),
    # In other languages.
    "colère": ("anger",), "wut": ("anger",), "ärger": ("anger",), "enojo": ("anger",),
    "ira": ("anger",), "rabia": ("anger",), "rabbia": ("anger",), "raiva": ("anger",),
    "joie": ("joy",), "freude": ("joy",), "alegría": ("joy",), "alegria": ("joy",),
    "gioia": ("joy",), "peur": ("fear",), "angst": ("fear",), "miedo": ("fear",),
    "paura": ("fear",), "medo": ("fear",), "tristesse": ("sadness",), "trauer": ("sadness",),
    "tristeza": ("sadness",), "tristezza": ("sadness",), "beschwerde": ("complaint",),
    "queja": ("complaint",), "reclamo": ("complaint",), "reclamação": ("complaint",),
    "réclamation": ("complaint",), "frage": ("question",), "pregunta": ("question",),
    "domanda": ("question",), "lob": ("praise",), "éloge": ("praise",), "elogio": ("praise",),
    "krise": ("crisis",), "crise": ("crisis",), "avis": ("review",), "rezension": ("review",),
    "reseña": ("review",), "recensione": ("review",), "artikel": ("article",),
    "oui": ("true",), "ja": ("true",), "sí": ("true",), "sì": ("true",), "sim": ("true",),
    "vrai": ("true",), "non": ("false",), "nein": ("false",), "não": ("false",),
    "faux": ("false",), "lieferung": ("delivery",), "livraison": ("delivery",),
    "entrega": ("delivery",), "consegna": ("delivery",), "retard": ("delay",),
    "verspätung": ("delay",), "retraso": ("delay",), "ritardo": ("delay",), "atraso": ("delay",),
}  # fmt: skip
"""What other tools and other languages call a value."""
_NO_LANGUAGE = frozenset({"unknown", "none", "undefined", "undetermined", "other", "?", "null"})
_REGIONS = frozenset(
    {"eu", "ue", "europe", "europa", "emea", "dach", "latam", "apac", "asia", "asie", "africa",
     "afrique", "world", "monde", "global"}
)  # fmt: skip
_BY_LOWER = {name.lower(): name for name in (*FIELDS, QUERY)}


def field_name(written: str, start: int) -> str:
    """The field of that name, in any case; raises ``QueryError`` for an unknown one."""
    name = _BY_LOWER.get(written.lower())
    if name is not None:
        return name
    hint = field_hint(written, (*FIELDS, QUERY))
    hint += "" if hint.endswith("?") else "."
    hint += f' To search for the word and its colon, put quotes around them: "{written[:40]}: …"'
    message = f"there is no field '{written[:40]}'"
    raise QueryError(message, start, start + len(written), hint)


def normal(text: str) -> str:
    """The form that values are compared in: without case, accents and repeated spaces."""
    if len(text) > _SHORT:
        return _normal(text)
    return " ".join(text.lower().split()) if text.isascii() else _known_normal(text)


def _normal(text: str) -> str:
    return " ".join(map(folded_form, text.split()))


_SHORT = 64
"""Code points of a value whose form is kept: accounts, names and tags come again and again."""
_known_normal = lru_cache(maxsize=16_384)(_normal)


def checked_value(field: FieldType, text: str, start: int, end: int) -> str:
    """The value as stored in the tree; raises ``QueryError`` with the allowed values."""
    value = " ".join(text.split()).removeprefix(field.sign)
    if not value:
        raise QueryError(f"'{field.name}:' has an empty value", start, end, "write a value")
    value = value.lower() if field.reads or field.choices else value
    if field.owners is not None and "=" in value:
        return _checked_pair(field, value, start, end)
    if field.choices and value not in field.choices:
        meant = _meant(field, value)
        hint = f"did you mean {meant}? " if meant else ""
        hint += f"It takes {', '.join(field.choices)}"
        if field.owners == ():
            hint += f", for one brand as {field.name}:velmora={field.choices[0]}"
        message = f"'{shorten(value)}' is not a value of '{field.name}:'"
        raise QueryError(message, start, end, hint)
    if field.reads is None:
        return value
    if (meant_value := field.reads(value)) is None:
        message = f"'{shorten(value, 40)}' is not a value of '{field.name}:'"
        other = _of_other_field(field, value)
        if field.name == "lang" and (spoken := spoken_in(value)):
            other = " or ".join([*(f"lang:{code}" for code in spoken), *([other] if other else [])])
        hint = f"did you mean {other}? Else {field.example}" if other else field.example
        raise QueryError(message, start, end, hint)
    return meant_value


def meant_value(name: str, value: str) -> str | None:
    """The field and value of another field that a value looks like: ``lang:fr`` for ``source:fr``.

    Of a field that takes any value.
    """
    return _of_other_field(FIELDS[name], value.lower())


def _meant(field: FieldType, value: str) -> str | None:
    """The field and value that a wrong value stands for."""
    called = _CALLED.get(value, ())
    own = next((word for word in called if word in field.choices), None)
    if own is None and (other := _of_other_field(field, value)):
        return other
    own = own or nearest(value, field.choices)
    return f"{field.name}:{own}" if own else None


def _of_other_field(field: FieldType, value: str) -> str | None:
    """``emotion:joy`` for the joy that was asked of another field."""
    if field.name == "lang" and value in _NO_LANGUAGE:
        return f"lang:{_UNKNOWN_LANGUAGE}"
    if field.name == "country" and value in _REGIONS:
        return "country:(FR OR DE OR IT), with the countries that you mean"
    called = (value, *_CALLED.get(value, ()))
    for other in FIELDS.values():
        if other.name in (field.name, "towards"):
            continue
        if word := next((word for word in called if word in other.choices), None):
            return f"{other.name}:{word}"
    if source := OTHERWISE.get(value) or (value if value in INGESTED else None):
        return f"source:{source}"
    code = country_code(value) if field.name != "country" else None
    if field.name != "lang" and (language := language_code(value)):
        return f"lang:{language}"
    return f"country:{code}" if code else None


def _checked_pair(field: FieldType, value: str, start: int, end: int) -> str:
    """``price=negative``: what the sentiment is towards, and the sentiment."""
    owner, label = (part.strip() for part in value.rsplit("=", 1))
    owners = field.owners or ()
    right_owner = owner if not owners or owner in owners else nearest(owner, owners)
    right_label = label if label in SENTIMENTS else nearest(label, SENTIMENTS)
    if owner and (right_owner, right_label) == (owner, label):
        return f"{owner}={label}"
    hint = ""
    if owner and right_owner and right_label:
        hint = f"did you mean {field.name}:{right_owner}={right_label}? "
    before = f"{', '.join(owners)}" if owners else "the id of a brand"
    hint += f"Before = it takes {before}; after it {', '.join(SENTIMENTS)}"
    message = f"'{shorten(value)}' is not a value of '{field.name}:'"
    raise QueryError(message, start, end, hint)
