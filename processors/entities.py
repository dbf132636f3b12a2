"""Annotates people, organisations, places, products and events with spaCy.

spaCy is by far the slowest annotator, so it reads no more than it must: one text once (copies and
reposts are remembered), and no text in which nothing can be a name.
"""

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import cast

from processors.models.entities import EntityRecognizer
from schemas.mention import Entity, Mention
from schemas.types import EntityLabel

_REMEMBERED = 10_000
"""Texts whose entities are kept: a few minutes of a busy stream, a few megabytes."""
_MACHINE_TEXT = re.compile(r"(?:https?://|www\.)\S+|[@＠][\w.\-]+")


class EntityAnnotator:
    """Runs the pipeline of each post's language; a language without a pipeline stays empty."""

    name = "entities"
    heavy = True
    version = "spacy-3.8-1"

    def __init__(self, recognizer: EntityRecognizer | None = None) -> None:
        self._recognizer = recognizer or EntityRecognizer()
        self._known: OrderedDict[tuple[str, str], list[Entity]] = OrderedDict()

    def warm(self, languages: Sequence[str]) -> None:
        """Load the pipelines now rather than at the first post in their language (seconds)."""
        self._recognizer.warm(languages)

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Fill ``entities``."""
        keys = [(_language(mention), mention.post.text) for mention in batch]
        self._recognise(dict.fromkeys(key for key in keys if may_name(key[1])))
        for mention, key in zip(batch, keys, strict=True):
            mention.entities = self._known.get(key, [])
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _recognise(self, wanted: dict[tuple[str, str], None]) -> None:
        """Have every wanted text among the known ones, the last used at the end."""
        new = []
        for key in wanted:
            if key in self._known:
                self._known.move_to_end(key)
            else:
                new.append(key)
        found = self._recognizer.recognise([text for _, text in new], [code for code, _ in new])
        for key, spans in zip(new, found, strict=True):
            self._known[key] = [
                Entity(text=text, label=cast(EntityLabel, label), start=start, end=end)
                for text, start, end, label in spans
                # The pipelines take handles for places and people; a handle is in ``mentions``.
                if text[0] not in "@＠"
            ]


def _language(mention: Mention) -> str:
    return "und" if mention.language is None else mention.language.code


def may_name(text: str) -> bool:
    """Whether anything in the text can be a name to the pipelines: a capital outside handles.

    The small pipelines go by capitals: what they find in a text without any is noise.
    """
    rest = _MACHINE_TEXT.sub(" ", text)
    return rest.lower() != rest
