"""Near duplicates: recall, precision and speed.

    python -m benchmarks.duplicates --data DIR [--posts N]

Texts are those of ``stream/airline_us_2015`` and ``stream/crisislex_t26``. Recall: each kind of
edit is applied to some texts; an edit is found if its keys match those of the text. Precision: of
the matching pairs of published texts, the share with mostly equal words (``difflib``'s ratio; 0.6
is three words of five). Then all texts and their edits go through the bounded window.
"""

import argparse
import difflib
import gzip
import itertools
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from processors.detector.state.near_duplicates import DuplicateWindow
from text.fingerprint import duplicate_group, duplicate_keys, same_text
from text.tokens import folded_tokens

SETS = ("stream/airline_us_2015", "stream/crisislex_t26")
WORDS = ("really", "the", "lol", "flight", "now")
LEAST_WORDS = 4
"""Minimum length of an edited text: one word of three is not a light edit."""
CROWD = 300
"""Maximum texts per key whose pairs are compared."""
AT = datetime(2020, 1, 1, tzinfo=UTC)
BATCH = 500


def read(data: Path, posts: int) -> list[str]:
    """Distinct texts in a deterministic order."""
    texts: list[str] = []
    for name in SETS:
        with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines]
    random.Random(0).shuffle(texts)
    return list(dict.fromkeys(texts))[:posts]


def _changed(text: str, order: random.Random) -> str:
    words = text.split()
    words[order.randrange(len(words))] = order.choice(WORDS)
    return " ".join(words)


def _added(text: str, order: random.Random) -> str:
    words = text.split()
    words.insert(order.randrange(len(words)), order.choice(WORDS))
    return " ".join(words)


def _dropped(text: str, order: random.Random) -> str:
    words = text.split()
    del words[order.randrange(len(words))]
    return " ".join(words)


def _two_changed(text: str, order: random.Random) -> str:
    return _changed(_changed(text, order), order)


def _cut(text: str, order: random.Random) -> str:
    words = text.split()
    return " ".join(words[: max(1, len(words) * 9 // 10)]) + "..."


EDITS: dict[str, Callable[[str, random.Random], str]] = {
    "RT prefix": lambda text, order: f"RT @abc{order.randrange(1000)}: {text}",
    "added link": lambda text, order: f"{text} https://t.co/{order.randrange(10**10)}",
    "one word changed": _changed,
    "one word added": _added,
    "one word dropped": _dropped,
    "two words changed": _two_changed,
    "last tenth cut": _cut,
}
LIGHT = 5
"""The number of copies and light edits; the others show the limits."""


def keys_of(texts: Sequence[str]) -> list[list[str]]:
    """Keys of the texts, computed in batches as on the stream."""
    return [
        keys
        for low in range(0, len(texts), BATCH)
        for keys in duplicate_keys(texts[low : low + BATCH])
    ]


def recall(texts: Sequence[str], keys: Sequence[Sequence[str]]) -> None:
    """Prints a row per kind of edit."""
    order = random.Random(1)
    places = [place for place, text in enumerate(texts) if len(text.split()) >= LEAST_WORDS]
    print(f"\n| edit, of texts of {LEAST_WORDS} words and more | found | exact group |")
    print("|---|---|---|")
    shares = []
    for name, edit in EDITS.items():
        chosen = order.sample(places, min(4_000, len(places)))
        edited = [edit(texts[place], order) for place in chosen]
        pairs = list(zip(chosen, keys_of(edited), edited, strict=True))
        found = sum(same_text(keys[place], own) for place, own, _ in pairs) / len(pairs)
        exact = sum(
            duplicate_group(texts[place]) == duplicate_group(text) != None  # noqa: E711
            for place, _, text in pairs
        )
        shares.append(found)
        print(f"| {name} | {found:.4f} | {exact / len(pairs):.3f} |")
    print(f"| the first {LIGHT}, mean | {sum(shares[:LIGHT]) / LIGHT:.4f} | |")


def precision(texts: Sequence[str], keys: Sequence[Sequence[str]]) -> None:
    """Prints the similarity of the pairs that share a key."""
    crowds: dict[str, list[int]] = defaultdict(list)
    for place, own in enumerate(keys):
        for key in own:
            crowds[key].append(place)
    pairs = {
        pair
        for crowd in crowds.values()
        if len(crowd) <= CROWD
        for pair in itertools.combinations(crowd, 2)
    }
    same = sorted(pair for pair in pairs if same_text(keys[pair[0]], keys[pair[1]]))
    words = [folded_tokens(text) for text in texts]
    for label, chosen in (
        ("all", same),
        ("of at most 8 words", [p for p in same if max(len(words[p[0]]), len(words[p[1]])) <= 8]),
    ):
        sample = random.Random(2).sample(chosen, min(1_000, len(chosen)))
        ratios = [
            difflib.SequenceMatcher(None, words[one], words[two], autojunk=False).ratio()
            for one, two in sample
        ]
        shares = ", ".join(
            f"{sum(ratio >= least for ratio in ratios) / max(1, len(ratios)):.3f} at {least}"
            for least in (0.5, 0.6, 0.7)
        )
        print(f"pairs taken for the same, {label}: {len(chosen):,}; alike: {shares}")
    crowded = sum(len(crowd) > CROWD for crowd in crowds.values())
    print(f"pairs that share a key: {len(pairs):,}; keys too common to count: {crowded}")


def windowed(texts: Sequence[str], keys: Sequence[Sequence[str]]) -> None:
    """Sends all texts, then edits of some, through one window."""
    order = random.Random(3)
    window = DuplicateWindow(timedelta(days=2))
    began = time.process_time()
    groups = [
        window.add(AT + timedelta(seconds=place), f"x:{place}", own)
        for place, own in enumerate(keys)
    ]
    spent = time.process_time() - began
    places = [place for place, text in enumerate(texts) if len(text.split()) >= LEAST_WORDS]
    chosen = order.sample(places, min(4_000, len(places)))
    light = list(EDITS.values())[:LIGHT]
    edited = [light[number % LIGHT](texts[place], order) for number, place in enumerate(chosen)]
    later = AT + timedelta(seconds=len(texts))
    found = [
        window.add(later, f"e:{place}", own)
        for place, own in zip(chosen, keys_of(edited), strict=True)
    ]
    right = sum(group == groups[place] for place, group in zip(chosen, found, strict=True))
    print(
        f"\nwindow: {len(keys) / spent:,.0f} posts/s, {len(window):,} groups; "
        f"copies and light edits in the group of their text: {right / len(chosen):.4f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Recall, precision and speed of near duplicates.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--posts", type=int, default=20_000)
    options = parser.parse_args()
    texts = read(options.data, options.posts)
    keys_of(texts[:BATCH])
    began = time.process_time()
    keys = keys_of(texts)
    spent = time.process_time() - began
    letters = sum(len(key) for own in keys for key in own)
    print(
        f"{len(texts):,} texts: {len(texts) / spent:,.0f} posts/s; "
        f"{sum(map(len, keys)) / len(keys):.1f} keys a post, {letters / len(keys):.0f} characters; "
        f"at most {max(map(len, keys))}; {sum(not own for own in keys)} too short for any"
    )
    recall(texts, keys)
    print()
    precision(texts, keys)
    windowed(texts, keys)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
