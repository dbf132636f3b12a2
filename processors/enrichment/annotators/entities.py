"""Annotates people, organisations, places, products and events with models and a gazetteer.

spaCy reads the languages that it has a pipeline of, the name model the others that it knows.
spaCy is by far the slowest annotator: it reads a repeated text once, and skips text that cannot
contain a name. The gazetteer gives well-known names their usual form and id, and adds those that
the models missed. Other handles are not entities: they are in the post's ``mentions``.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.base import Annotator, model_language
from processors.enrichment.brand_names import BrandNames
from processors.enrichment.gazetteer import Gazetteer, built_in
from processors.models.entity_model import EntityRecognizer
from processors.models.name_model import Name, NameModel
from runtime.settings import ProcessSettings
from schemas.bounds import MAX_READ
from schemas.errors import ConfigurationError
from schemas.mention import Entity, Mention
from text.tokens import tokenize

_MAX_CACHED = 10_000
"""Texts in the cache of entities: a few minutes of a busy stream, a few megabytes."""
_MAX_CACHED_TEXT = 500
"""Code points of a text in the cache: copies are short, and long texts would fill the memory."""
_SKIPPED = re.compile(r"(?:https?://|www\.)\S+|[@＠][\w.\-]+")
"""Links and handles. Wider than the pattern of the word lists: it includes "@.Paris"."""

_Key = tuple[str, str]
"""Language and text."""


class EntityAnnotator(Annotator):
    """Runs the pipeline of each post's language; without one, the name model if it knows it."""

    name = "entities"

    def __init__(
        self,
        recognizer: EntityRecognizer | None = None,
        gazetteer: Path | None = None,
        matcher: Callable[[], BrandMatcher] | None = None,
    ) -> None:
        """`gazetteer`: a file of names in addition to the built-in one; `matcher`: the brands,
        whose names are known too."""
        self._recognizer = recognizer or EntityRecognizer()
        self._gazetteer = built_in() if gazetteer is None else Gazetteer(gazetteer)
        self._brand_names = BrandNames(matcher, self._gazetteer)
        self._names = NameModel()
        self.version = f"spacy-3.8-3 {self._names.version}"
        self._cache: OrderedDict[_Key, list[Entity]] = OrderedDict()

    @classmethod
    def from_settings(cls, settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Self:
        return cls(recognizer_of(settings), settings.gazetteer, matcher)

    def warm(self, languages: Sequence[str]) -> None:
        self._recognizer.warm(languages)

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

    def _fill_cache(self, keys: Iterable[_Key]) -> None:
        """Read the texts that are not in the cache; the last used move to its end."""
        new: list[_Key] = []
        for key in keys:
            if key in self._cache:
                self._cache.move_to_end(key)
            else:
                new.append(key)
        missing = set(self._recognizer.missing([code for code, _ in new]))
        tokens = {key: tokenize(key[1]) for key in new}
        names = self._by_spacy([key for key in new if key[0] not in missing])
        reads = missing & self._names.languages
        others = [key for key in new if key[0] in reads]
        found = self._names.find([text for _, text in others], [tokens[key] for key in others])
        names.update(zip(others, found, strict=True))
        for key in new:
            self._cache[key] = self._gazetteer.apply(
                key[1], names.get(key, ()), MAX_READ, tokens[key]
            )

    def _by_spacy(self, keys: Sequence[_Key]) -> dict[_Key, list[Name]]:
        read = [key for key in keys if self._may_name(*key)]
        answers = self._recognizer.recognise([text for _, text in read], [code for code, _ in read])
        return {key: [name[1:] for name in names] for key, names in zip(read, answers, strict=True)}

    def _may_name(self, language: str, text: str) -> bool:
        return may_name(text) or (
            any(map(str.isalpha, text)) and self._recognizer.reads_lower_case(language)
        )


def recognizer_of(settings: ProcessSettings) -> EntityRecognizer:
    """The recogniser with the pipelines of the settings, not loaded yet."""
    packages = spacy_models(settings)
    return EntityRecognizer(packages) if packages else EntityRecognizer()


def spacy_models(settings: ProcessSettings) -> dict[str, list[str]]:
    """Language to pipeline packages, from ``TOCSIN_PROCESS_SPACY_MODELS``."""
    packages: dict[str, list[str]] = {}
    for pair in filter(None, map(str.strip, settings.spacy_models.split(","))):
        language, _, package = pair.partition("=")
        if not language or not package:
            raise ConfigurationError(
                f"TOCSIN_PROCESS_SPACY_MODELS holds {pair!r}; write pairs such as "
                "fr=fr_core_news_md,en=en_core_web_md"
            )
        packages.setdefault(language.strip(), []).append(package.strip())
    return packages


def may_name(text: str) -> bool:
    """Whether a capital stands outside links and handles.

    Pipelines that are not fine-tuned go by capitals; without one, they find noise.
    """
    rest = _SKIPPED.sub(" ", text)
    return rest.lower() != rest
