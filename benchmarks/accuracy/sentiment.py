"""Sentiment: of posts by language, out of domain, towards targets; confusion and calibration."""

from collections.abc import Sequence
from itertools import compress

from benchmarks.accuracy import libraries
from benchmarks.accuracy.context import Context
from benchmarks.accuracy.sets import Labelled
from benchmarks.accuracy.tiers import TierReader
from benchmarks.markdown import table
from benchmarks.scores import (
    Bin,
    Counts,
    accuracy,
    bootstrap,
    calibration_error,
    confusion,
    macro_f1,
    macro_recall,
    reliability,
)
from schemas.mention import Mention, Sentiment
from training.umsab import AT_CHANCE

CLASSES = ("negative", "neutral", "positive")
ANNOTATORS = ("language", "sentiment", "encoder")
NONE = "none"
"""The guess for a post without one."""

HINDI = (
    "These are validation files; the official tests are not here. The labels of the Hindi "
    "validation posts are not of their texts: no score of any model's goes with them, nor do those "
    "of the first half of the Hindi training posts (`training/umsab.py`). Its scores are chance "
    "whatever the model; the mean of the languages that are told is the one to choose by."
)

OUT_OF_DOMAIN = (("stream/airline_us_2015", ""), ("stream/sanders_brands", "irrelevant"))
TARGETS = tuple(
    f"absa/semeval16_restaurants_train_{name}" for name in ("french", "english", "spanish")
)


def of_post(mention: Mention | None) -> Sentiment | None:
    """The sentiment of a post, if any."""
    return None if mention is None else mention.sentiment


def towards(mention: Mention | None) -> Sentiment | None:
    """The sentiment towards the target; that of the post if the tier has no other."""
    if mention is None:
        return None
    asked = mention.targets[0].sentiment if mention.targets else None
    return asked or mention.sentiment


def labels_of(found: Sequence[Sentiment | None]) -> list[str]:
    return [NONE if one is None else one.label for one in found]


def section(context: Context) -> list[str]:
    umsab = context.sets.labelled("sentiment/umsab_val")
    tweets = context.sets.labelled("sentiment/tweeteval_sentiment_val")
    others = [context.sets.labelled(name, without) for name, without in OUT_OF_DOMAIN]
    beside, absent = libraries.sentiment()
    context.not_installed(absent)

    columns: list[tuple[str, dict[str, list[str]]]] = []
    found: dict[str, list[Sentiment | None]] = {}
    every = [one for one in (umsab, tweets, *others) if one.texts]
    if not every:
        return []
    for reader in context.readers:
        said = {}
        for one in every:
            read = [of_post(mention) for mention in reader.read(one.texts, ANNOTATORS)]
            said[one.name] = labels_of(read)
            if one in (umsab, tweets):
                found.setdefault(reader.tier, []).extend(read)
        columns.append((reader.tier, said))
    for library in beside:
        said = {}
        for one in every:
            own = [text if library.reads([code]) else None
                   for text, code in zip(one.texts, one.languages, strict=True)]  # fmt: skip
            labels = iter(library.label([text for text in own if text is not None]))
            said[one.name] = ["" if text is None else next(labels) for text in own]
        columns.append((library.name, said))

    lines = ["## Sentiment", "", "Macro-F1 over negative, neutral and positive, in percent.", ""]
    lines += _by_language(umsab, columns)
    rows = []
    for one, metric, name in (
        (tweets, macro_recall, "macro recall"),
        (tweets, macro_f1, "macro-F1"),
        *((other, macro_f1, "macro-F1, out of domain") for other in others),
        *((other, accuracy, "accuracy, out of domain") for other in others),
    ):
        if one.texts:
            scores = [
                bootstrap([confusion(one.labels, said[one.name], CLASSES)], metric)
                for _, said in columns
            ]
            rows.append([one.name, name, len(one.texts), *scores])
    lines += table(["set (English)", "score", "posts", *(name for name, _ in columns)], rows)
    lines += _confusions(umsab, columns[: len(context.readers)])
    lines += _calibration(found, [*umsab.labels, *tweets.labels])
    return lines


def _by_language(umsab: Labelled, columns: Sequence[tuple[str, dict[str, list[str]]]]) -> list[str]:
    if not umsab.texts:
        return []
    tables: dict[str, list[Counts]] = {name: [] for name, _ in columns}
    rows: list[list[object]] = []
    last: list[list[object]] = []
    for code in sorted(set(umsab.languages)):
        row: list[object] = [code, umsab.languages.count(code)]
        for name, said in columns:
            pairs = [
                (truth, label)
                for truth, label, own in zip(
                    umsab.labels, said[umsab.name], umsab.languages, strict=True
                )
                if own == code
            ]
            if all(label == "" for _, label in pairs):
                row.append("–")
                continue
            meant, labels = [m for m, _ in pairs], [label for _, label in pairs]
            tables[name].append(confusion(meant, labels, CLASSES))
            row.append(bootstrap(tables[name][-1:], macro_f1))
        rows.append(row)
    codes = [row[0] for row in rows]
    for name, wanted in (
        ("mean of those told", [code not in AT_CHANCE for code in codes]),
        ("mean of all", [True] * len(codes)),
    ):
        posts = sum(int(str(row[1])) for row, chosen in zip(rows, wanted, strict=True) if chosen)
        means = [
            bootstrap(list(compress(own, wanted)), macro_f1) if len(own) == len(codes) else "–"
            for own in tables.values()
        ]
        last.append([name, posts, *means])
    return [*table(["umsab_val", "posts", *tables], [*rows, *last]), HINDI, ""]


def _confusions(umsab: Labelled, columns: Sequence[tuple[str, dict[str, list[str]]]]) -> list[str]:
    """Counts by language; rows are the labels of the set."""
    lines: list[str] = []
    for tier, said in columns:
        rows = []
        for code in sorted(set(umsab.languages)):
            chosen = [n for n, own in enumerate(umsab.languages) if own == code]
            counts = confusion(
                [umsab.labels[n] for n in chosen], [said[umsab.name][n] for n in chosen], CLASSES
            )
            for meant, row in zip(CLASSES, counts.tolist(), strict=True):
                rows.append([code, meant, *row[: len(CLASSES)]])
        if rows:
            lines += [f"Confusion by language, umsab_val, {tier}; meant (rows) by said:", ""]
            lines += table(["language", "meant", *CLASSES], rows)
    return lines


def _calibration(found: dict[str, list[Sentiment | None]], labels: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for tier, read in found.items():
        pairs = [
            (max(one.negative, one.neutral, one.positive), one.label == label)
            for one, label in zip(read, labels, strict=True)
            if one is not None
        ]
        bins = reliability([sure for sure, _ in pairs], [right for _, right in pairs])
        lines += [
            f"Calibration, {tier}, over umsab_val and tweeteval_sentiment_val: of posts whose "
            "label has a probability, the share that is right. "
            f"Expected calibration error {100 * calibration_error(bins):.1f} points.",
            "",
            *table(("probability", "posts", "mean", "right"), bin_rows(bins)),
        ]
    return lines


def bin_rows(bins: Sequence[Bin]) -> list[list[object]]:
    """Rows of a reliability table."""
    return [
        [f"{one.low:.1f}–{one.high:.1f}", one.posts, f"{one.confidence:.3f}", f"{one.accuracy:.3f}"]
        for one in bins
    ]


def target_section(context: Context) -> list[str]:
    """Sentiment towards a given phrase of the text."""
    rows = []
    for name in TARGETS:
        one = context.sets.held_out(name)
        if not one.texts:
            continue
        tables = [_towards_counts(reader, one) for reader in context.readers]
        for metric, label in ((accuracy, "accuracy"), (macro_f1, "macro-F1")):
            scores = [bootstrap([counts], metric) for counts in tables]
            rows.append([one.name, label, len(one.texts), *scores])
    if not rows:
        return []
    return [
        "## Sentiment towards a target",
        "",
        "The first sixth of each file, which training left alone. The fast tier has only the "
        "sentiment of the whole post, which is what is scored there.",
        "",
        *table(["set", "score", "targets", *context.tiers], rows),
    ]


def _towards_counts(reader: TierReader, one: Labelled) -> Counts:
    read = reader.read(one.texts, ANNOTATORS, targets=[[target] for target in one.targets])
    return confusion(one.labels, labels_of([towards(mention) for mention in read]), CLASSES)
