"""Annotates people, organisations, places, products and events with spaCy."""

from collections.abc import Sequence
from typing import cast

from processors.models.entities import EntityRecognizer
from schemas.mention import Entity, Mention
from schemas.types import EntityLabel


class EntityAnnotator:
    """Runs the pipeline of each post's language; a language without a pipeline stays empty."""

    name = "entities"
    heavy = True
    version = "spacy-3.8"

    def __init__(self, recognizer: EntityRecognizer | None = None) -> None:
        self._recognizer = recognizer or EntityRecognizer()

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Fill ``entities``."""
        texts = [mention.post.text for mention in batch]
        languages = [mention.language.code if mention.language else "und" for mention in batch]
        for mention, found in zip(batch, self._recognizer.recognise(texts, languages), strict=True):
            mention.entities = [
                Entity(text=text, label=cast(EntityLabel, label), start=start, end=end)
                for text, start, end, label in found
            ]
