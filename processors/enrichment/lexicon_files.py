"""The word lists of annotators, read from ``lexicons/``: a folder a kind, a file a language."""

from pathlib import Path
from typing import Final

import yaml

from schemas.errors import ConfigurationError
from text.phrases import phrases_of

LEXICONS: Final = Path(__file__).parent / "lexicons"
"""The lists that come with tocsin: a folder a kind, a file a language."""


def read_lists(path: Path) -> dict[str, list[str]]:
    """What a file holds: label to phrases."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path.name} holds no labels")
    try:
        return {str(label): phrases_of(block) for label, block in content.items()}
    except ConfigurationError as error:
        raise ConfigurationError(f"{path.parent.name}/{path.name}: {error}") from error


def load_kind(kind: str, folder: Path = LEXICONS) -> dict[str, dict[str, list[str]]]:
    """Language to label to phrases, of all files of a kind."""
    return {path.stem: read_lists(path) for path in sorted((folder / kind).glob("*.yaml"))}
