"""The names of the user's brands among a post's entities: they are known, so no model guesses them.

A recogniser glues a capital at the beginning to a name ("Bravo Velmora") or takes a brand for a
person. A name of a brand is an organisation wherever the brand matched by it. A longer name that
goes on behind it ("Velmora Arena") stays as the recogniser found it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from brands.brand_matcher import BrandMatcher
from processors.enrichment.gazetteer import MAX_ENTITIES, Gazetteer
from schemas.mention import Entity, Mention
from text.tokens import folded_tokens

_Names = Mapping[tuple[str, ...], str]
"""Folded tokens of a brand's names, to the name as the user writes it."""
_LONGER = frozenset({"ORG", "PRODUCT", "EVENT", "LOC"})
"""Labels of names that may begin with a brand's."""


class BrandNames:
    """Reads ``matcher`` once a batch, as the brand annotator does: changes apply at once."""

    def __init__(self, matcher: Callable[[], BrandMatcher] | None, gazetteer: Gazetteer) -> None:
        self._matcher = matcher
        self._gazetteer = gazetteer
        self._current: BrandMatcher | None = None
        self._names: dict[str, _Names] = {}

    def apply(self, batch: Sequence[Mention]) -> None:
        """Correct the entities of a batch by its brands; other posts stay as they are."""
        if self._matcher is None:
            return
        matcher = self._matcher()
        if matcher is not self._current:
            self._current = matcher
            self._names = {brand.id: _names_of(brand.name, brand.names) for brand in matcher.brands}
        for mention in batch:
            if mention.brands and (named := list(self._named(mention))):
                mention.entities = _merged(mention.entities, named)

    def _named(self, mention: Mention) -> Iterator[Entity]:
        for brand in mention.brands:
            names = self._names.get(brand.id)
            for match in brand.matches if names else ():
                if match.field != "text" or match.start is None or match.end is None:
                    continue
                words = tuple(folded_tokens(match.text.lstrip("#＃")))
                name = names.get(words) if names else None
                if name is None:
                    continue
                entry = self._gazetteer.link(match.text, "ORG")
                yield Entity(
                    text=match.text,
                    label=entry.label if entry and entry.sure else "ORG",
                    start=match.start,
                    end=match.end,
                    name=entry.name if entry else name,
                    id=entry.id if entry else None,
                )


def _names_of(name: str, names: Sequence[str]) -> _Names:
    found: dict[tuple[str, ...], str] = {}
    for one in (name, *names):
        words = tuple(folded_tokens(one))
        found.setdefault(words, one)
        found.setdefault(("".join(words),), one)  # in a hashtag
    return found


def _merged(entities: Sequence[Entity], named: Sequence[Entity]) -> list[Entity]:
    """Both without overlaps, in the order of the text."""
    named = sorted(named, key=lambda one: (one.start, -one.end))
    kept: list[Entity] = []
    added: list[Entity] = []
    for entity in entities:
        within = [one for one in named if one.start < entity.end and entity.start < one.end]
        if not within or (_goes_on(entity, within[0]) and len(within) == 1):
            kept.append(entity)
    for one in named:
        taken = any(one.start < other.end and other.start < one.end for other in (*kept, *added))
        if not taken:
            added.append(one)
    merged = sorted((*kept, *added), key=lambda entity: entity.start)
    return merged[:MAX_ENTITIES]


def _goes_on(entity: Entity, brand: Entity) -> bool:
    """Whether an entity is a longer name that begins with the brand's."""
    longer = entity.start == brand.start and entity.end > brand.end
    known = entity.name is not None and entity.start <= brand.start and brand.end <= entity.end
    return (longer and entity.label in _LONGER) or known
