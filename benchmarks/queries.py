"""Speed of the live matcher, by the number of queries.

    python -m benchmarks.queries --data DIR [--posts N] [--queries 1,10,...] [--reference]

Posts are real, English and French. Queries are made from their words: rare names and frequent words
in the four shapes that analysts write (any of and any of, NEAR, a long list without a long list,
wildcards), 30 terms each. The tokenizer alone on the same posts measures the machine; the reference
evaluator runs on a few of them. One core. Writes ``benchmarks/reports/queries.md``.
"""

import argparse
import gc
import gzip
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.machine import describe
from benchmarks.markdown import table
from queries.language.ast import Node
from queries.language.parser import parse
from queries.matching.document import Document
from queries.matching.query_matcher import QueryMatcher
from schemas.mention import Mention
from schemas.post import Author, Post
from tests.queries.reference import evaluate
from text.tokens import folded_tokens

SETS = ("sentiment/semeval2017_4A_train", "stream/airline_us_2015", "stream/french_media_2022")
REPORT = Path("benchmarks/reports/queries.md")
BATCH = 500
REPEATS = 3
"""Runs over the posts; the report shows the median."""
FEW = 200
"""Posts for the reference evaluator."""
AT = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Measured:
    queries: int
    build_s: float
    posts_per_s: float
    tokenize_per_s: float
    candidates: float
    """Queries that are asked of a post."""
    matches: float
    memory_mib: float
    reference_per_s: float | None


def read(data: Path, posts: int) -> list[str]:
    """Texts of all sets, shuffled deterministically."""
    texts: list[str] = []
    for name in SETS:
        with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines]
    random.Random(0).shuffle(texts)
    return texts[:posts]


class Writer:
    """Writes queries from the words of some texts."""

    def __init__(self, texts: Sequence[str], seed: int = 0) -> None:
        counts = Counter(itertools.chain.from_iterable(map(set, map(folded_tokens, texts))))
        words = [
            (word, count / len(texts))
            for word, count in counts.most_common()
            if word.isalpha() and word.isascii() and len(word) > 3 and word != "near"
        ]
        self._pick = random.Random(seed)
        self.names = [word for word, share in words if 1 / 50_000 <= share <= 1 / 2_000]
        """What brands are called here: each in one post of thousands."""
        self.context = [word for word, share in words if 1 / 1_000 <= share <= 1 / 30]

    def query(self, number: int) -> str:
        return (self._any_and_any, self._near, self._list, self._wild)[number % 4]()

    def _words(self, count: int) -> str:
        return " OR ".join(self._pick.sample(self.context, count))

    def _named(self) -> str:
        name, other = self._pick.sample(self.names, 2)
        return f'({name} OR #{name} OR @{name} OR "{name} {other}" OR {other})'

    def _any_and_any(self) -> str:
        return f"{self._named()} AND ({self._words(14)}) NOT ({self._words(10)})"

    def _near(self) -> str:
        return f"{self._named()} NEAR/5 ({self._words(14)}) NOT ({self._words(10)})"

    def _list(self) -> str:
        names = " OR ".join(self._pick.sample(self.names, 8))
        return f"({names}) NOT ({self._words(22)})"

    def _wild(self) -> str:
        stems = " OR ".join(f"{word[:6]}*" for word in self._pick.sample(self.names, 6))
        return f"({stems}) AND ({self._words(16)}) NOT ({self._words(8)})"


def mention_of(number: int, text: str) -> Mention:
    """A post with this text only."""
    post = Post(id=f"x:{number}", source="x", author=Author(id="1"), created_at=AT, text=text)
    return Mention(post=post)


def measure(nodes: Sequence[Node], posts: Sequence[Mention], reference: bool) -> Measured:
    """Matches all posts with one number of queries."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    began = time.perf_counter()
    matcher = QueryMatcher({f"{number:05}": node for number, node in enumerate(nodes)})
    build = time.perf_counter() - began
    rates: list[float] = []
    tokenized: list[float] = []
    matches = 0
    for _ in range(REPEATS):
        matches = 0
        began = time.perf_counter()
        for at in range(0, len(posts), BATCH):
            for found in matcher.match(posts[at : at + BATCH]):
                matches += len(found)
        rates.append(len(posts) / (time.perf_counter() - began))
        began = time.perf_counter()
        for mention in posts:
            folded_tokens(mention.post.text)
        tokenized.append(len(posts) / (time.perf_counter() - began))
    memory = (psutil.Process().memory_info().rss - before) / 2**20
    candidates = sum(len(matcher.candidates(mention)) for mention in posts[:5_000])
    return Measured(
        len(nodes),
        build,
        sorted(rates)[REPEATS // 2],
        sorted(tokenized)[REPEATS // 2],
        candidates / len(posts[:5_000]),
        matches / len(posts),
        memory,
        asked_plainly(nodes, posts[:FEW]) if reference else None,
    )


def asked_plainly(nodes: Sequence[Node], posts: Sequence[Mention]) -> float:
    """Posts per second of the reference, which evaluates every query on every post."""
    began = time.perf_counter()
    for mention in posts:
        document = Document(mention)
        for node in nodes:
            evaluate(node, document)
    return len(posts) / (time.perf_counter() - began)


def report(found: Sequence[Measured], posts: int, command: str) -> str:
    header = (
        "queries", "posts/s", "of the tokenizer's speed", "queries asked a post",
        "matches a post", "built in s", "MiB", "reference posts/s",
    )  # fmt: skip
    rows = [
        (
            f"{one.queries:,}", f"{one.posts_per_s:,.0f}",
            f"{one.posts_per_s / one.tokenize_per_s:.2f}", f"{one.candidates:.3f}",
            f"{one.matches:.4f}", f"{one.build_s:.2f}", f"{max(one.memory_mib, 0):.0f}",
            "–" if one.reference_per_s is None else f"{one.reference_per_s:,.1f}",
        )
        for one in found
    ]  # fmt: skip
    lines = [
        "# Live matching of many queries",
        "",
        f"Made by `{command}`; do not edit.",
        "",
        f"{posts:,} real posts, queries of 30 terms made of their words, one core, median of "
        f"{REPEATS} runs. The tokenizer's speed is measured on the same posts between these runs.",
        "",
        *describe(("tocsin", "ahocorasick_rs", "regex")),
        "",
        *table(header, rows),
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--queries", default="1,10,100,1000,10000")
    parser.add_argument("--reference", action="store_true", help="measure the reference as well")
    parser.add_argument("--out", type=Path, default=REPORT)
    options = parser.parse_args()
    texts = read(options.data, options.posts)
    posts = [mention_of(number, text) for number, text in enumerate(texts)]
    writer = Writer(texts)
    sizes = [int(size) for size in options.queries.split(",")]
    nodes = [parse(writer.query(number)) for number in range(max(sizes))]
    found = []
    for size in sizes:
        one = measure(nodes[:size], posts, options.reference and size <= 100)
        found.append(one)
        print(f"{size:,} queries: {one.posts_per_s:,.0f} posts/s", flush=True)
    command = "python -m benchmarks.queries --data DIR" + " --reference" * options.reference
    written = report(found, len(posts), command)
    options.out.write_text(written, "utf-8")
    print(written)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
