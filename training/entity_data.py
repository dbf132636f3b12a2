"""Reads the entity sets and renders them as posts, for `training/train_entities.py`.

The social sets come as tokens. Some of them (sections g and h of the Broad Twitter Corpus) split
"@name" into "@" and "name", and tag both, exactly where an annotator marked the handle: read as
they are, the blank gives the label away. So each post is rendered in one of two ways: `joined`,
as it was published, where handles are not entities (the gazetteer knows the handles that are), and
`spaced`, all tokens apart, where the word after a lone "@" keeps its label.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

Span = tuple[int, int, str]
Post = tuple[str, list[Span]]
"""Text, and its entities: start, end (code points), label."""

LABELS: Final = {
    "PER": "PERSON",
    "ORG": "ORG",
    "LOC": "LOC",
    "person": "PERSON",
    "corporation": "ORG",
    "group": "ORG",
    "location": "LOC",
    "product": "PRODUCT",
    "Person": "PERSON",
    "Organization": "ORG",
    "Location": "LOC",
    "Product": "PRODUCT",
    "Event": "EVENT",
}
"""Labels of the sets to ours. WNUT's creative works, and dates and hours, are left out."""

_WORD = re.compile(r"\w")
_PARAGRAPH = re.compile(r"[^\n]+")


def rows_of(data: Path, name: str) -> list[dict[str, Any]]:
    """Rows of one file of the data folder."""
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def read(data: Path, name: str) -> list[dict[str, Any]]:
    """Rows of one set of names."""
    return rows_of(data, f"ner/{name}")


def _decoded(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """First token, last token exclusive, label of each BIO run."""
    runs: list[tuple[int, int, str]] = []
    for index, tag in enumerate(tags):
        if tag == "O":
            continue
        label = tag[2:]
        if tag[0] == "I" and runs and runs[-1][1] == index and runs[-1][2] == label:
            runs[-1] = (runs[-1][0], index + 1, label)
        else:
            runs.append((index, index + 1, label))
    return runs


def rendered(row: dict[str, Any], joined: bool, raw: bool = False) -> Post:
    """A post from tokens. `raw`: the set's own spans in the spaced text, for scores."""
    tokens, starts, ends, text = row["tokens"], [], [], ""
    for index, token in enumerate(tokens):
        glued = joined and index > 0 and tokens[index - 1] in ("@", "#") and _WORD.match(token)
        if index and not glued:
            text += " "
        starts.append(len(text))
        text += token
        ends.append(len(text))
    spans: list[Span] = []
    for first, last, label in _decoded(row["tags"]):
        start, end = starts[first], ends[last - 1]
        if not raw:
            start += len(text[start:end]) - len(text[start:end].lstrip("#＃@ "))
            handle = start > 0 and text[start - 1] in "@＠"
            if start >= end or handle:
                continue
        if label in LABELS:
            spans.append((start, end, LABELS[label]))
    return text, spans


def handles_whole(row: dict[str, Any]) -> Post:
    """A post as it was published, with its handles among the entities, for scores."""
    text, spans = rendered(row, joined=True)
    _, every = rendered(row, joined=True, raw=True)
    for start, end, label in every:
        if text[start:end] != "@" and start > 0 and text[start - 1] == "@":
            spans.append((start - 1, end, label))
        elif text[start:end].startswith("@") and end - start > 1:
            spans.append((start, end, label))
    return text, sorted(set(spans))


def wiki_news(data: Path) -> tuple[list[Post], list[Post]]:
    """WiNER-fr: the first 80 % of the articles and the last 20 %, in order of time."""
    rows = read(data, "winer_fr")
    posts: list[Post] = [
        (row["text"], [(a, b, LABELS[label]) for a, b, label in row["spans"] if label in LABELS])
        for row in rows
    ]
    cut = int(len(posts) * 0.8)
    return posts[:cut], posts[cut:]


def paragraphs(posts: Sequence[Post]) -> list[Post]:
    """Each paragraph of each article as a post: what a batch should be made of."""
    parts: list[Post] = []
    for text, spans in posts:
        for match in _PARAGRAPH.finditer(text):
            begin, end = match.span()
            inside = [(a - begin, b - begin, c) for a, b, c in spans if begin <= a and b <= end]
            parts.append((match.group(), inside))
    return parts


def lowered(post: Post) -> Post:
    """The same without capitals, where that moves no offset."""
    text = post[0].lower()
    return (text, post[1]) if len(text) == len(post[0]) else post


def shouted(post: Post) -> Post:
    """The same in capitals, where that moves no offset."""
    text = post[0].upper()
    return (text, post[1]) if len(text) == len(post[0]) else post


def substituted(post: Post, pool: dict[str, list[str]], generator: random.Random) -> Post:
    """The same post about others: each name replaced by one of the same label."""
    text, spans, place = "", [], 0
    for start, end, label in sorted(post[1]):
        if start < place:
            continue
        text += post[0][place:start]
        name = generator.choice(pool[label])
        spans.append((len(text), len(text) + len(name), label))
        text += name
        place = end
    return text + post[0][place:], spans


def tagged(post: Post, generator: random.Random) -> Post:
    """The same with its names as hashtags, some of them."""
    text, spans, place = "", [], 0
    for start, end, label in sorted(post[1]):
        if start < place:
            continue
        text += post[0][place:start]
        name = post[0][start:end]
        if text[-1:] not in ("#", "@") and generator.random() < 0.5:
            joined = "".join(part[:1].upper() + part[1:] for part in re.findall(r"\w+", name))
            if joined:
                text, name = text + "#", joined
        spans.append((len(text), len(text) + len(name), label))
        text += name
        place = end
    return text + post[0][place:], spans


def names(posts: Sequence[Post]) -> dict[str, list[str]]:
    """The names of each label that may stand in for another: capitalised, of a plain shape."""
    pool: dict[str, list[str]] = defaultdict(list)
    for text, spans in posts:
        for start, end, label in spans:
            name = text[start:end]
            if len(name) > 2 and name[0].isupper() and "\n" not in name and "@" not in name:
                pool[label].append(name)
    return dict(pool)


def augmented(
    posts: Sequence[Post],
    lower: float,
    seed: int,
) -> list[Post]:
    """The posts, and beside them `lower` of them in lower case, and some in capitals, about
    others, and with hashtags."""
    generator = random.Random(seed)
    pool = names(posts)
    result = list(posts)
    for post in posts:
        draw = generator.random()
        if post[1] and all(label in pool for _, _, label in post[1]) and draw < 0.2:
            other = substituted(post, pool, generator)
            result.append(lowered(other) if generator.random() < lower else other)
        if generator.random() < lower:
            result.append(lowered(post))
        if post[1] and generator.random() < 0.05:
            result.append(tagged(post, generator))
        if generator.random() < 0.03:
            result.append(shouted(post))
    return result
