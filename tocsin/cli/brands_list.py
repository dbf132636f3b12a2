"""``tocsin brands list``: the published brands."""

from typing import Any

import msgspec

from brands.brand_query import query_of
from brands.registry import Published, published_brands
from queries.language.ast import Phrase, Term
from queries.language.tree import walk
from runtime.settings import KafkaSettings, load
from schemas.brand import Brand
from tocsin.cli.output import FormatOption, write_rows

COLUMNS = ("brand", "name", "languages", "terms", "examples", "published_at")


def list_(format: FormatOption = "text") -> None:
    """List the published brands.

    `terms` counts the words and phrases of the query; `published_at` is the time of the last
    change. JSON has every field of the brand.

    Example: `tocsin brands list`
    """
    published = sorted(published_brands(load(KafkaSettings)).items())
    empty = "no brands are published; run 'tocsin brands apply brands.yaml'"
    if format in ("json", "jsonl"):
        fields = tuple(field.name for field in msgspec.structs.fields(Brand))
        rows = ((*_fields(name, each, fields), each.at) for name, each in published)
        write_rows(rows, (*fields, "published_at"), format, empty=empty)
    else:
        write_rows((_row(*entry) for entry in published), COLUMNS, format, empty=empty)


def _row(name: str, published: Published) -> tuple[Any, ...]:
    brand = published.brand
    if brand is None:
        return name, "(cannot be read)", None, None, None, published.at
    terms = sum(isinstance(node, Term | Phrase) for node in walk(query_of(brand)))
    languages = ", ".join(brand.languages) or "all"
    return name, brand.name, languages, terms, len(brand.examples), published.at


def _fields(name: str, published: Published, fields: tuple[str, ...]) -> tuple[Any, ...]:
    if published.brand is None:
        return name, *[None] * (len(fields) - 1)
    values = msgspec.to_builtins(published.brand)
    return tuple(values.get(field, _default(published.brand, field)) for field in fields)


def _default(brand: Brand, field: str) -> Any:
    """The value of a field that the JSON of a message leaves out."""
    return msgspec.to_builtins(getattr(brand, field))
