"""Everyday posts: what an analyst sees first, in eight languages, with answers by hand.

The posts of ``everyday_posts.yaml`` are written for this: thirteen kinds in each language, such as
a polite complaint, irony, a comparison, or an accident told neutrally. Nothing is trained on them
and no threshold is chosen by them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from benchmarks.accuracy.context import Context
from benchmarks.accuracy.tiers import TierReader
from benchmarks.markdown import table
from schemas.mention import Mention
from schemas.types import SentimentLabel

FILE: Final = Path(__file__).with_name("everyday_posts.yaml")
Kind = Literal[
    "complaint", "praise", "question", "polite", "irony", "comparison", "not-bad", "reported",
    "help", "accident", "joy", "leaving", "news",
]  # fmt: skip


class EverydayPost(msgspec.Struct, forbid_unknown_fields=True):
    lang: str
    kind: Kind
    text: str
    tone: SentimentLabel
    towards: dict[str, SentimentLabel]
    """Brand, as it is written, to the sentiment towards it."""
    names: dict[str, Literal["ORG", "LOC", "PERSON"]]


@dataclass
class Score:
    """Right answers of all."""

    right: Counter[str]
    asked: Counter[str]
    wrong_names: int = 0
    """Names that are found and are none."""

    def share(self, what: str) -> str:
        return f"{self.right[what]}/{self.asked[what]}"


def everyday_posts() -> list[EverydayPost]:
    class File(msgspec.Struct):
        posts: list[EverydayPost]

    return msgspec.yaml.decode(FILE.read_bytes(), type=File).posts


def score(posts: Sequence[EverydayPost], read: Sequence[Mention | None]) -> Score:
    """Compare answers with those by hand."""
    found = Score(Counter(), Counter())
    for post, mention in zip(posts, read, strict=True):
        for what, right in _answers(post, mention):
            found.asked[what] += 1
            found.right[what] += right
        names = {(one.text, one.label) for one in mention.entities} if mention else set()
        found.wrong_names += len(names - set(post.names.items()))
    return found


def _answers(post: EverydayPost, mention: Mention | None) -> Iterator[tuple[str, bool]]:
    language = mention.language.code if mention and mention.language else ""
    tone = mention.sentiment.label if mention and mention.sentiment else ""
    yield "language", language == post.lang
    yield "tone", tone == post.tone
    towards = {one.text: one.sentiment for one in mention.targets} if mention else {}
    for name, label in post.towards.items():
        said = towards.get(name)
        yield "towards", (said.label if said else tone) == label
    names = {(one.text, one.label) for one in mention.entities} if mention else set()
    for pair in post.names.items():
        yield "names", pair in names


def read_posts(reader: TierReader, posts: Sequence[EverydayPost]) -> list[Mention | None]:
    texts, targets = [post.text for post in posts], [list(post.towards) for post in posts]
    return reader.read(texts, targets=targets)


def section(context: Context) -> list[str]:
    posts = everyday_posts()
    lines = [
        "## Everyday posts",
        "",
        f"{len(posts)} posts written for this (`benchmarks/accuracy/everyday_posts.yaml`), with "
        "answers by hand: right of all. Towards the brand the fast tier has the tone of the post. "
        "Names are right in text and kind; the last number counts those that are none.",
        "",
    ]
    for reader in context.readers:
        read = read_posts(reader, posts)
        lines += [f"### Everyday posts, {reader.tier}", ""]
        lines += _by(posts, read, lambda post: post.lang, "language")
        lines += _by(posts, read, lambda post: post.kind, "kind")
    return lines


def _by(
    posts: Sequence[EverydayPost],
    read: Sequence[Mention | None],
    key: Callable[[EverydayPost], str],
    head: str,
) -> list[str]:
    rows = []
    for name in (*dict.fromkeys(map(key, posts)), "all"):
        some = [
            (post, mention)
            for post, mention in zip(posts, read, strict=True)
            if name in ("all", key(post))
        ]
        found = score([post for post, _ in some], [mention for _, mention in some])
        shares = [found.share(what) for what in ("language", "tone", "towards", "names")]
        rows.append((name, len(some), *shares, found.wrong_names))
    heads = (head, "posts", "language right", "tone", "towards the brand", "names", "none")
    return table(heads, rows)
