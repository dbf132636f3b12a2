"""Annotates people, organisations, places, products and events with spaCy and a gazetteer.

spaCy is by far the slowest annotator, so it reads no more than it must: one text once (copies and
reposts are remembered), and no text in which nothing can be a name. The gazetteer then gives
well-known names their usual form and id, and adds those that spaCy missed, handles among them;
other handles are no entities: they are in the post's ``mentions``.
"""

import re
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from processors.enrichment.gazetteer import Gazetteer, built_in
from processors.models.entity_model import EntityRecognizer
from schemas.mention import Entity, Mention

FALLBACK = "en"
SURE = 0.5
"""Confidence in the language from which it chooses the pipeline."""
_REMEMBERED = 10_000
"""Texts whose entities are kept: a few minutes of a busy stream, a few megabytes."""
_MACHINE_TEXT = re.compile(r"(?:https?://|www\.)\S+|[@＠][\w.\-]+")


class EntityAnnotator:
    """Runs the pipeline of each post's language; a language without a pipeline stays empty."""

    name = "entities"
    heavy = True
    version = "spacy-3.8-2"

    def __init__(
        self, recognizer: EntityRecognizer | None = None, gazetteer: Path | None = None
    ) -> None:
        """`gazetteer`: a file of well-known names of one's own, beside the built-in one."""
        self._recognizer = recognizer or EntityRecognizer()
        self._gazetteer = built_in() if gazetteer is None else Gazetteer(gazetteer)
        self._known: OrderedDict[tuple[str, str], list[Entity]] = OrderedDict()

    def warm(self, languages: Sequence[str]) -> None:
        """Load the pipelines now rather than at the first post in their language (seconds)."""
        self._recognizer.warm(languages)

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Fill ``entities``."""
        keys = [(reading_language(mention), mention.post.text) for mention in batch]
        self._recognise(dict.fromkeys(keys))
        for mention, key in zip(batch, keys, strict=True):
            mention.entities = self._known[key]
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _recognise(self, wanted: dict[tuple[str, str], None]) -> None:
        """Have every wanted text among the known ones, the last used at the end."""
        new: list[tuple[str, str]] = []
        for key in wanted:
            if key in self._known:
                self._known.move_to_end(key)
            else:
                new.append(key)
        missing = set(self._recognizer.missing([code for code, _ in new]))
        read = [key for key in new if key[0] not in missing and self._may_name(*key)]
        found = self._recognizer.recognise([text for _, text in read], [code for code, _ in read])
        spans = dict(zip(read, found, strict=True))
        for key in new:
            _, text = key
            self._known[key] = self._gazetteer.apply(
                text,
                [(start, end, label) for _, start, end, label in spans.get(key, ())],
                self._recognizer.text_limit,
            )

    def _may_name(self, language: str, text: str) -> bool:
        """Whether the pipeline of the language should read the text at all."""
        return may_name(text) or (
            any(map(str.isalpha, text)) and self._recognizer.reads_lower_case(language)
        )


def reading_language(mention: Mention) -> str:
    """The language to read the post in: where nobody can tell, it is read as English.

    A post of a few names and abbreviations is what language models are least sure of.
    """
    language = mention.language
    if language is None or language.code == "und" or language.confidence < SURE:
        return FALLBACK
    return language.code


def may_name(text: str) -> bool:
    """Whether anything in the text can be a name to the pipelines: a capital outside handles.

    The pipelines as they come go by capitals: what they find in a text without any is noise.
    """
    rest = _MACHINE_TEXT.sub(" ", text)
    return rest.lower() != rest
