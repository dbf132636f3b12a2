"""The word lists of annotators, read from ``lexicons/``: a folder a kind, a file a language."""

from pathlib import Path
from typing import Final

from runtime.files import read_yaml
from schemas.errors import ConfigurationError
from text.phrases import phrases_of

LEXICONS: Final = Path(__file__).parent / "lexicons"
"""The lists that come with tocsin: a folder a kind, a file a language."""


def read_lists(path: Path) -> dict[str, list[str]]:
    """What a file holds: label to phrases."""
    blocks = read_yaml(path, dict[str, str | list[str]], "each label has lines or a list of them")
    try:
        return {label: phrases_of(block) for label, block in blocks.items()}
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def load_kind(kind: str) -> dict[str, dict[str, list[str]]]:
    """Language to label to phrases, of all files of a kind."""
    return {path.stem: read_lists(path) for path in sorted((LEXICONS / kind).glob("*.yaml"))}
