"""The held-out parts of the data sets.

A missing file is noted, and the sections that need it are left out of the report.
"""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.scores import Span

Row = dict[str, Any]

HELD_OUT_PART: Final = 6
"""The first sixth of every set used in training was held out."""

WIKI_ROWS: Final = 1_500
"""Maximum rows of each WikiNEuRal file."""

_CORE: Final = frozenset({"PERSON", "ORG", "LOC"})


class Labelled(NamedTuple):
    """Posts with their true labels."""

    name: str
    texts: list[str]
    labels: list[str]
    languages: list[str]
    """Of each post, as the set says."""
    targets: list[str]
    """What the sentiment is towards, post by post; empty where it is of the post."""


class Named(NamedTuple):
    """Posts in one language with their true entities."""

    name: str
    language: str
    texts: list[str]
    gold: list[set[Span]]
    labels: frozenset[str]
    """What the set annotates; other labels are not counted."""


@dataclass
class DataSets:
    """Reads sets. ``limit`` is the maximum rows per set and language, for trials."""

    folder: Path
    limit: int | None = None
    missing: list[str] = field(default_factory=list)

    def rows(self, name: str) -> list[Row]:
        """Rows of one file; a missing file is noted and empty."""
        path = self.folder / f"{name}.jsonl.gz"
        try:
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                return [json.loads(line) for line in lines]
        except FileNotFoundError:
            if name not in self.missing:
                self.missing.append(name)
            return []

    def limited(self, rows: Sequence[Row], key: Callable[[Row], str] = lambda _: "") -> list[Row]:
        """The first rows of each key."""
        if self.limit is None:
            return list(rows)
        seen: Counter[str] = Counter()
        kept = []
        for row in rows:
            seen[key(row)] += 1
            if seen[key(row)] <= self.limit:
                kept.append(row)
        return kept

    def labelled(self, name: str, without: str = "") -> Labelled:
        """A set of posts with one label each."""
        rows = [row for row in self.rows(name) if row["label"] != without]
        rows = self.limited(rows, lambda row: row.get("lang", ""))
        return Labelled(
            name.partition("/")[2],
            [row["text"] for row in rows],
            [row["label"] for row in rows],
            [row.get("lang", "en") for row in rows],
            [],
        )

    def held_out(self, name: str) -> Labelled:
        """The held-out part of a labelled set: its first sixth."""
        rows = self.rows(name)
        rows = self.limited(rows[: len(rows) // HELD_OUT_PART])
        return Labelled(
            name.partition("/")[2],
            [row["text"].replace("$T$", row.get("aspect", "")) for row in rows],
            [row["label"].lower() for row in rows],
            [row.get("lang", "en") for row in rows],
            [row["aspect"] for row in rows if "aspect" in row],
        )

    def language_sets(self) -> list[Labelled]:
        """Posts and their language, held out as in `docs/models/language.md`."""
        from training.train_language import TWEETLID, split

        sets = []
        for name in (
            "sentiment/umsab_val",
            "lid/twitterlid5_train",
            "lid/tweetlid14_train",
            "lid/lingua_sentences",
            "lid/lingua_wordpairs",
        ):
            pairs = [(row["text"], row["lang"]) for row in self.rows(name)]
            if name.startswith("lid/"):
                _, pairs = split([pair for pair in pairs if pair[0].strip() != "Not Available"])
            if "tweetlid14" in name:
                pairs = [pair for pair in pairs if pair[1] in (*TWEETLID, "und")]
            rows = [{"text": text, "lang": _written(code)} for text, code in pairs]
            rows = self.limited(rows, lambda row: row["lang"])
            codes = [row["lang"] for row in rows]
            sets.append(
                Labelled(name.partition("/")[2], [row["text"] for row in rows], codes, codes, [])
            )
        return sets

    def entity_sets(self) -> list[Named]:
        """Posts and news with their entities."""
        from training.entity_data import LABELS, paragraphs, rendered, wiki_news

        sets = []
        dev = self.limited(self.rows("ner/wnut17_dev"))
        broad = self.limited(self.rows("ner/btc_h"))
        for name, rows, labels, joined in (
            ("wnut17_dev", dev, _CORE | {"PRODUCT"}, False),
            ("btc_h, tokens apart", broad, _CORE, False),
            ("btc_h, as published, handles not counted", broad, _CORE, True),
        ):
            posts = [rendered(row, joined=joined, raw=not joined) for row in rows]
            sets.append(_named(name, "en", posts, labels))
        if self.rows("ner/winer_fr"):
            articles = paragraphs(wiki_news(self.folder)[1])[: self.limit]
            sets.append(_named("winer_fr, last fifth", "fr", articles, frozenset(LABELS.values())))
        for code in ("en", "fr", "de", "es", "it", "pt"):
            rows = self.limited(self.rows(f"ner/wikineural_{code}_val")[:WIKI_ROWS])
            posts = [rendered(row, joined=False, raw=True) for row in rows]
            sets.append(_named(f"wikineural_{code}_val", code, posts, _CORE))
        return [one for one in sets if one.texts]


def _written(code: str) -> str:
    """Norwegian is `no`, as on most platforms."""
    return "no" if code == "nb" else code


def _named(
    name: str, language: str, posts: Sequence[tuple[str, list[Span]]], labels: frozenset[str]
) -> Named:
    texts = [text for text, _ in posts]
    gold = [{span for span in spans if span[2] in labels} for _, spans in posts]
    return Named(name, language, texts, gold, labels)
