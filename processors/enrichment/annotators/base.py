"""The interface of annotators, the language that they read a post in, and their word lists.

Word lists are in ``processors/enrichment/lexicons/``: a folder a kind, a file a language.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self, TypeAlias

from brands.brand_matcher import BrandMatcher
from runtime.configuration.files import read_yaml
from runtime.settings import ProcessSettings
from schemas.errors import ConfigurationError
from schemas.mention import Mention
from text.phrases import phrases_of

FALLBACK: Final = "en"
"""The language of posts whose language is unknown."""
MIN_CONFIDENCE: Final = 0.5
"""Minimum confidence in a language to choose its model."""
LEXICONS: Final = Path(__file__).parents[1] / "lexicons"
Lists: TypeAlias = Mapping[str, Mapping[str, Sequence[str]]]
"""Language to label to phrases."""


class Annotator(ABC):
    """Fills its own field of each mention in place and touches nothing else.

    The result depends only on the mentions and the constructor's arguments, so it is the same
    live, offline and in a back-test. It must not raise for any text; if it does, the batch is
    bisected and the post is dead-lettered.
    """

    name: str
    """The name in settings, metrics and provenance."""
    version: str
    """Changes whenever the results may change; recorded in provenance."""
    heavy: bool = True
    """Too slow for every post: runs only on posts that name a brand."""

    whole: bool = False
    """Whether a long text costs it nothing: it does not read the text.

    The others read the first ``MAX_READ`` code points, or less (their model's own limit).
    """

    @classmethod
    def from_settings(cls, settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Self:
        """The annotator for these settings; ``matcher`` gives the current brands."""
        return cls()

    def warm(self, languages: Sequence[str]) -> None:  # noqa: B027 (most have nothing to load)
        """Load the models of these languages now rather than at the first post."""

    def likely(self, batch: Sequence[Mention]) -> Sequence[Mention]:
        """The posts that need reading; the others are dropped if only mentions are wanted."""
        return batch

    @abstractmethod
    def annotate(self, batch: Sequence[Mention]) -> None: ...


def lexicon_language(mention: Mention) -> str:
    """The language whose word lists apply: the best guess, since a wrong one costs little."""
    language = mention.language
    return FALLBACK if language is None or language.code == "und" else language.code


def model_language(mention: Mention) -> str:
    """The language whose model applies; a doubtful guess is read as English.

    A model finds noise in text of another language, and the language is least certain for posts
    of a few names and abbreviations.
    """
    language = mention.language
    if language is None or language.confidence < MIN_CONFIDENCE:
        return FALLBACK
    return lexicon_language(mention)


def read_lists(path: Path) -> dict[str, list[str]]:
    """Label to phrases, from one file. Raises ConfigurationError."""
    blocks = read_yaml(path, dict[str, str | list[str]], "each label has lines or a list of them")
    try:
        return {label: phrases_of(block) for label, block in blocks.items()}
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


class LazyLists(Mapping[str, Mapping[str, Sequence[str]]]):
    """All files of a kind; each is read at the first post of its language."""

    def __init__(self, kind: str) -> None:
        self._paths = {path.stem: path for path in sorted((LEXICONS / kind).glob("*.yaml"))}
        self._read: dict[str, dict[str, list[str]]] = {}

    def __getitem__(self, language: str) -> dict[str, list[str]]:
        if language not in self._read:
            self._read[language] = read_lists(self._paths[language])
        return self._read[language]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)
