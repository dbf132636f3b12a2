"""Which queries a post matches, where they ask for what nobody has found in it yet.

A query may ask for the language, the sentiment, the entities and the brands of a post, which the
stream finds before. Here the same annotators, with the stream's settings (``TOCSIN_PROCESS_...``),
are asked first, of the posts that could match.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from brands.brand_matcher import BrandMatcher
from brands.brands_file import load_brands
from processors.enrichment.annotator_table import (
    ACCURATE,
    ANNOTATORS,
    build_enricher,
    check_annotators,
)
from processors.enrichment.annotators.base import Annotator
from queries.language.ast import And, Field, Node, Not, Or
from queries.language.tree import children
from queries.matching.query_matcher import QueryMatch, QueryMatcher
from runtime.settings import ProcessSettings, load
from schemas.errors import ConfigurationError
from schemas.mention import Mention

_FOUND_BY: Final[dict[str, tuple[str, ...]]] = {
    "lang": ("language",),
    "brand": ("language", "brands"),
    "sentiment": ("language", "sentiment", "encoder"),
    "entity": ("language", "entities", "encoder"),
}
"""Fields to the annotators that find them; all of them read the language."""


class OfflineMatcher:
    """Asks queries of posts. Models are loaded only for what is asked.

    ``queries``: by name, with no names of other queries in them. ``brands``: the file of brands,
    without which ``brand:`` is an error.
    """

    def __init__(self, queries: Mapping[str, Node], brands: Path | None = None) -> None:
        asked = frozenset(name for node in queries.values() for name in _fields(node))
        if "brand" in asked and brands is None:
            raise ConfigurationError(
                "the query asks for brand:…, which nobody has found in these posts yet; say which "
                "brands there are with --brands brands.yaml"
            )
        self._annotators = _annotators(asked, brands) if asked else ()
        before = [_before(node, asked) for node in queries.values()]
        bounds = {str(number): node for number, node in enumerate(before) if node is not None}
        # One query that any post could match is enough to have all of them read.
        self._maybe = QueryMatcher(bounds) if len(bounds) == len(before) else None
        self._matcher = QueryMatcher(queries)

    def could_match(self, mention: Mention) -> bool:
        """Whether a post may match a query, as far as can be told before it is annotated."""
        return self._maybe is None or bool(self._maybe.match([mention])[0])

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Fill in place what the queries ask for, of the posts that could match."""
        chosen = [mention for mention in batch if self._annotators and self.could_match(mention)]
        if chosen:
            _run(self._annotators, chosen)

    def find(self, batch: Sequence[Mention]) -> list[list[QueryMatch]]:
        """For each post, the queries that it matches; they are annotated for that."""
        self.annotate(batch)
        return self._matcher.match(batch)


class Describer:
    """Finds the language and the sentiment of posts, in the fast tier, where nobody has yet."""

    @cached_property
    def _language(self) -> Sequence[Annotator]:
        return _build(["language"], "fast")

    @cached_property
    def _sentiment(self) -> Sequence[Annotator]:
        return _build(["sentiment"], "fast")

    def fill(self, batch: Sequence[Mention]) -> None:
        """Annotate in place; models are loaded when the first post comes."""
        if unknown := [mention for mention in batch if mention.language is None]:
            _run(self._language, unknown)
        if unknown := [mention for mention in batch if mention.sentiment is None]:
            _run(self._sentiment, unknown)


def _annotators(asked: frozenset[str], brands: Path | None) -> Sequence[Annotator]:
    settings = load(ProcessSettings)
    wanted = {name for field in asked for name in _FOUND_BY[field]}
    # What the stream leaves to its accurate tier, it may have been told to leave out.
    wanted -= set(ACCURATE) - set(check_annotators(settings))
    return _build([name for name in ANNOTATORS if name in wanted], settings.tier, brands)


def _build(names: Sequence[str], tier: str, brands: Path | None = None) -> Sequence[Annotator]:
    settings = load(ProcessSettings).model_copy(
        update={"annotators": ",".join(names), "tier": tier}
    )
    matcher = BrandMatcher(load_brands(brands) if brands else ())
    enricher = build_enricher(settings, lambda: matcher)
    return (*enricher.annotators, *enricher.accurate)


def _run(annotators: Iterable[Annotator], batch: Sequence[Mention]) -> None:
    for annotator in annotators:
        if annotator.name == "language":
            # What the file says of it is believed.
            annotator.annotate([mention for mention in batch if mention.language is None])
        else:
            annotator.annotate(batch)


def _fields(node: Node) -> Iterable[str]:
    """The fields that a query asks for and annotators fill."""
    if isinstance(node, Field) and node.name in _FOUND_BY:
        yield node.name
    for child in children(node):
        yield from _fields(child)


def _before(node: Node, later: frozenset[str]) -> Node | None:
    """What a post must be, as far as the fields ``later`` are not asked for; None: anything."""
    match node:
        case Field(name) if name in later:
            return None
        case Not(child):
            return None if later.intersection(_fields(child)) else node
        case And(nodes) | Or(nodes):
            bounds = [bound for child in nodes if (bound := _before(child, later)) is not None]
            if not bounds or (isinstance(node, Or) and len(bounds) < len(nodes)):
                return None
            return bounds[0] if len(bounds) == 1 else type(node)(tuple(bounds))
        case _:
            return node
