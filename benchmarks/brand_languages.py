"""The languages of a brand: which posts are lost to them, and which of others are kept.

Beginnings of labelled tweets, of some words each, as posts about a brand without its name: a brand
listens to one of six languages. ``now`` is the language filter; ``code`` compares the language code
alone, as the filter did before.

Usage: ``python -m benchmarks.brand_languages [--file FILE] [--each N]``
"""

import argparse
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.machine import describe
from benchmarks.markdown import table
from processors.enrichment.spoken_languages import may_be_in
from processors.models.language_model import UNKNOWN, LanguageIdentifier

FILE: Final = Path("../shared/data/sentiment/umsab_val.jsonl.gz")
LANGUAGES: Final = ("de", "en", "es", "fr", "it", "pt")
WORDS: Final = (1, 2, 3, 4, 6, 9, 15)


@dataclass(frozen=True)
class Beginning:
    """The first words of a post, its language, and the language that is found."""

    text: str
    language: str
    found: str


def beginnings(file: Path, words: int, each: int, model: LanguageIdentifier) -> list[Beginning]:
    taken = dict.fromkeys(LANGUAGES, 0)
    made = []
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            language, parts = row["lang"], list(_words(row["text"]))
            if taken.get(language, each) >= each or len(parts) < words:
                continue
            taken[language] += 1
            text = " ".join(parts[:words])
            made.append(Beginning(text, language, model.identify([text])[0][0]))
    return made


def _words(text: str) -> Iterator[str]:
    for word in text.split():
        if not word.startswith(("@", "#", "http")):
            yield word


def shares(some: list[Beginning], keeps: Callable[[Beginning, str], bool]) -> tuple[str, str]:
    """Of the posts in the brand's language, the share lost; of all others, the share kept."""
    lost = sum(not keeps(one, one.language) for one in some) / len(some)
    others = [keeps(one, code) for one in some for code in LANGUAGES if code != one.language]
    return f"{lost:.1%}", f"{sum(others) / len(others):.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, default=FILE)
    parser.add_argument("--each", type=int, default=300, help="posts of each language")
    options = parser.parse_args()
    model = LanguageIdentifier()

    def by_code(one: Beginning, code: str) -> bool:
        return one.found in (UNKNOWN, code)

    def now(one: Beginning, code: str) -> bool:
        return by_code(one, code) or may_be_in({code}, one.text, (), None, model.share_of)

    rows = []
    for words in WORDS:
        some = beginnings(options.file, words, options.each, model)
        rows.append((words, len(some), *shares(some, by_code), *shares(some, now)))
    heads = ("words", "posts", "code: lost", "code: others kept", "now: lost", "now: others kept")
    print("\n".join([*describe(("tocsin", "fasttext-predict")), "", *table(heads, rows)]))


if __name__ == "__main__":
    main()
