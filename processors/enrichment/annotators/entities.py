"""Annotates people, organisations, places, products and events with a model and a gazetteer.

The name model reads the languages that it knows. The gazetteer gives well-known names their usual
form and id, and adds those that the model missed. Other handles are not entities: they are in the
post's ``mentions``. In the accurate tier spaCy reads English and French again
(`processors/enrichment/annotators/spacy_entities.py`).
"""

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.base import Annotator, model_language
from processors.enrichment.brand_names import BrandNames
from processors.enrichment.gazetteer import Gazetteer, built_in
from processors.models.name_model import Name, NameModel
from runtime.settings import ProcessSettings
from schemas.bounds import MAX_READ
from schemas.mention import Entity, Mention
from text.tokens import Tokens, tokenize

_MAX_CACHED = 10_000
"""Texts in the cache of entities: a few minutes of a busy stream, a few megabytes."""
_MAX_CACHED_TEXT = 500
"""Code points of a text in the cache: copies are short, and long texts would fill the memory."""

Key = tuple[str, str]
"""Language and text."""


class NamingAnnotator(Annotator):
    """Replaces the entities by the names of a model and of the gazetteer; a copy is not read again.

    Subclasses give the model's names.
    """

    def __init__(
        self,
        gazetteer: Path | None = None,
        matcher: Callable[[], BrandMatcher] | None = None,
    ) -> None:
        """`gazetteer`: a file of names in addition to the built-in one; `matcher`: the brands,
        whose names are known too."""
        self._gazetteer = built_in() if gazetteer is None else Gazetteer(gazetteer)
        self._brand_names = BrandNames(matcher, self._gazetteer)
        self._cache: OrderedDict[Key, list[Entity]] = OrderedDict()

    def annotate(self, batch: Sequence[Mention]) -> None:
        keys = [(model_language(mention), mention.post.text[:MAX_READ]) for mention in batch]
        self._fill_cache(dict.fromkeys(keys))
        for mention, key in zip(batch, keys, strict=True):
            mention.entities = self._cache[key]
        self._brand_names.apply(batch)
        for key in keys:
            if len(key[1]) > _MAX_CACHED_TEXT:
                self._cache.pop(key, None)
        while len(self._cache) > _MAX_CACHED:
            self._cache.popitem(last=False)

    @abstractmethod
    def names_of(
        self, keys: Sequence[Key], tokens: Mapping[Key, Tokens]
    ) -> Mapping[Key, Sequence[Name]]:
        """The model's names in each text; a text that it does not read may be left out."""

    def _fill_cache(self, keys: Iterable[Key]) -> None:
        """Read the texts that are not in the cache; the last used move to its end."""
        new: list[Key] = []
        for key in keys:
            if key in self._cache:
                self._cache.move_to_end(key)
            else:
                new.append(key)
        tokens = {key: tokenize(key[1]) for key in new}
        names = self.names_of(new, tokens)
        for key in new:
            self._cache[key] = self._gazetteer.apply(
                key[1], names.get(key, ()), MAX_READ, tokens[key]
            )


class EntityAnnotator(NamingAnnotator):
    """Runs the name model on posts in its languages."""

    name = "entities"

    def __init__(
        self,
        gazetteer: Path | None = None,
        matcher: Callable[[], BrandMatcher] | None = None,
    ) -> None:
        super().__init__(gazetteer, matcher)
        self._model = NameModel()
        self.version = self._model.version

    @classmethod
    def from_settings(cls, settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Self:
        return cls(settings.gazetteer, matcher)

    def names_of(
        self, keys: Sequence[Key], tokens: Mapping[Key, Tokens]
    ) -> Mapping[Key, Sequence[Name]]:
        read = [key for key in keys if key[0] in self._model.languages]
        found = self._model.find([text for _, text in read], [tokens[key] for key in read])
        return dict(zip(read, found, strict=True))
