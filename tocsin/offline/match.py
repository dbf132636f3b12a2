"""Matches queries offline; first runs the annotators that their fields need.

The annotators of language, sentiment, entities and brands have the stream's settings
(``TOCSIN_PROCESS_...``) and see only the posts that could match.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from queries.language.ast import And, Field, Node, Not, Or
from queries.language.tree import children
from queries.matching.query_matcher import QueryMatch, QueryMatcher
from schemas.errors import ConfigurationError
from schemas.mention import Mention

if TYPE_CHECKING:  # Slow to import, and a query of words needs none of them.
    from processors.enrichment.annotators.base import Annotator

_FOUND_BY: Final[dict[str, tuple[str, ...]]] = {
    "lang": ("language",),
    "brand": ("language", "brands"),
    "sentiment": ("language", "sentiment", "encoder"),
    "entity": ("language", "entities", "spacy_entities", "encoder"),
    "towards": ("language", "brands", "encoder"),
    "aspect": ("language", "aspects", "encoder"),
    "intent": ("language", "intents", "encoder"),
    "emotion": ("language", "encoder"),
}
"""Fields to the annotators that find them; all of them read the language."""


class OfflineMatcher:
    """Matches posts against queries. Loads models only for the fields that they name.

    ``queries``: by name, with saved queries resolved. ``brands``: the brands file, which
    ``brand:`` needs.
    """

    def __init__(self, queries: Mapping[str, Node], brands: Path | None = None) -> None:
        fields = frozenset(name for node in queries.values() for name in _fields(node))
        if brands is None and (of_brands := fields & {"brand", "towards"}):
            raise ConfigurationError(
                f"{min(of_brands)}: needs to know your brands; add --brands brands.yaml "
                "(docs/brands.md)"
            )
        self._annotators = _annotators(fields, brands) if fields else ()
        bounds = [_upper_bound(node, fields) for node in queries.values()]
        prefilter = {str(number): node for number, node in enumerate(bounds) if node is not None}
        # One query that any post could match is enough: then all posts are annotated.
        self._prefilter = QueryMatcher(prefilter) if len(prefilter) == len(bounds) else None
        self._matcher = QueryMatcher(queries)

    def could_match(self, mention: Mention) -> bool:
        """Whether a post may match a query, judged before it is annotated."""
        return self._prefilter is None or bool(self._prefilter.match([mention])[0])

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Fill the fields of the queries in place, for the posts that could match."""
        if self._annotators:
            _run(self._annotators, [mention for mention in batch if self.could_match(mention)])

    def find(self, batch: Sequence[Mention]) -> list[list[QueryMatch]]:
        """For each post, the queries that it matches; annotates the posts in place."""
        self.annotate(batch)
        return self._matcher.match(batch)


class Describer:
    """Fills language and sentiment where they are missing, with the fast tier."""

    @cached_property
    def _annotators(self) -> "Sequence[Annotator]":
        return _build(["language", "sentiment"], "fast")

    def fill(self, batch: Sequence[Mention]) -> None:
        unknown = [m for m in batch if m.language is None or m.sentiment is None]
        if unknown:
            _run(self._annotators, unknown)


def _annotators(fields: frozenset[str], brands: Path | None) -> "Sequence[Annotator]":
    from processors.enrichment.annotator_table import ACCURATE, ANNOTATORS, check_annotators
    from runtime.settings import ProcessSettings, load

    settings = load(ProcessSettings)
    wanted = {name for field in fields for name in _FOUND_BY[field]}
    # The settings may leave out annotators of the accurate tier.
    wanted -= set(ACCURATE) - set(check_annotators(settings))
    return _build([name for name in ANNOTATORS if name in wanted], settings.tier, brands)


def _build(names: Sequence[str], tier: str, brands: Path | None = None) -> "Sequence[Annotator]":
    from brands.brand_matcher import BrandMatcher
    from brands.brands_file import load_brands
    from processors.enrichment.annotator_table import build_enricher
    from runtime.settings import ProcessSettings, load

    settings = load(ProcessSettings).model_copy(
        update={"annotators": ",".join(names), "tier": tier}
    )
    matcher = BrandMatcher(load_brands(brands) if brands else ())
    enricher = build_enricher(settings, lambda: matcher)
    return (*enricher.annotators, *enricher.accurate)


def _run(annotators: "Iterable[Annotator]", batch: Sequence[Mention]) -> None:
    for annotator in annotators:
        if annotator.name == "language":
            # A language in the file is kept.
            annotator.annotate([mention for mention in batch if mention.language is None])
        else:
            annotator.annotate(batch)


def _fields(node: Node) -> Iterable[str]:
    if isinstance(node, Field) and node.name in _FOUND_BY:
        yield node.name
    for child in children(node):
        yield from _fields(child)


def _upper_bound(node: Node, later: frozenset[str]) -> Node | None:
    """A query without the fields ``later`` that matches at least as much; None: everything."""
    match node:
        case Field(name) if name in later:
            return None
        case Not(child):
            return None if later.intersection(_fields(child)) else node
        case And(nodes) | Or(nodes):
            bounds = [bound for child in nodes if (bound := _upper_bound(child, later)) is not None]
            if not bounds or (isinstance(node, Or) and len(bounds) < len(nodes)):
                return None
            return bounds[0] if len(bounds) == 1 else type(node)(tuple(bounds))
        case _:
            return node
