"""Distils the teacher into the first layers that the accurate tier ships.

    python -m training.train_encoder --data DIR --wheels DIR --teacher FILE --out FILE

The student starts as the teacher's first layers. It learns every head from the teacher's answers
to labelled and unlabelled posts, mixed with the labels where there are any, and from the state that
these answers come from; some posts it reads in small letters, to the same answers. Two heads over
tokens learn from labels alone: which words name something, and which are what an opinion is about.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from text.normalise import normalise
from training.e5 import (
    WeightsFile,
    load_encoder,
)
from training.encoder_model import (
    Floats,
    Heads,
    batches,
    fit,
    freeze_embeddings,
    logits,
    mean,
    report,
    soft_loss,
    tensors,
)
from training.encoder_tasks import (
    HEADS,
    Reader,
    Sample,
    out_of_domain,
    pretrained,
    read,
    training,
    validation,
)
from training.entity_data import Post, augmented, paragraphs, rendered, wiki_news
from training.entity_data import read as read_entities

POOLED: Final = tuple(head for head in HEADS if head != "target")
TAGS: Final[dict[str, tuple[str, ...]]] = {
    "entities": (
        "O",
        *(f"{p}-{kind}" for kind in ("PERSON", "ORG", "LOC", "PRODUCT", "EVENT") for p in "BI"),
    ),
    "aspects": ("O", "B-aspect", "I-aspect"),
}
"""Heads over tokens."""

UNLABELLED: Final = (
    ("stream/crisislex_t26", 6000), ("lid/tweetlid14_train", 6000), ("lid/twitterlid5_train", 1300),
    ("stream/french_media_2022", 2500), ("emotion/xed_fr", 1500), ("emotion/xed_de", 1500),
    ("emotion/xed_it", 1500), ("emotion/xed_br", 1000), ("emotion/xed_es", 1000),
    ("emotion/xed_ar", 1000), ("sentiment/afrisenti_por_train", 3000),
    ("sentiment/afrisenti_arq_train", 1500), ("sentiment/afrisenti_ary_train", 2000),
)  # fmt: skip
"""Files whose texts the teacher labels, and how many of each."""

OTHERS: Final = 0.4
"""Weight of the labelled posts of all heads but sentiment, beside a teacher's first descent."""
ENGLISH: Final = 0.7
"""Share of SemEval's posts that are read."""
WEIGHT: Final = 0.4
"""Weight of the loss of another head's answers beside those of sentiment."""
LIKENESS: Final = 1.0
"""Weight of the distance between the student's state of a post and the teacher's."""
SMALL: Final = 0.12
"""Share of the posts that are read in small letters."""
GOLD: Final = 0.5
"""Share of the label beside the teacher's answer."""
SOFTENING: Final = 1.5
"""Temperature of the teacher's answers."""
IGNORED: Final = -100


@dataclass(slots=True)
class Lesson:
    """One text: what it teaches the pooled heads, the target head, or the heads over tokens."""

    ids: np.ndarray[Any, np.dtype[np.int64]]
    truths: dict[str, Floats] = field(default_factory=dict)
    target: tuple[int, int] | None = None
    tags: dict[str, np.ndarray[Any, np.dtype[np.int64]]] = field(default_factory=dict)
    state: np.ndarray[Any, np.dtype[np.float16]] | None = None
    """The mean of the teacher's states."""

    @property
    def kind(self) -> str:
        """What a batch of such lessons is made of."""
        plain = "post" if self.state is not None else "post without a state"
        return "target" if self.target else "/".join(self.tags) or plain


class Student(nn.Module):
    """The shipped encoder with all its heads."""

    def __init__(self, heads: Heads) -> None:
        super().__init__()
        self.base = heads
        width = heads.encoder.norm.weight.shape[0]
        self.tags = nn.ModuleDict({h: nn.Linear(width, len(c)) for h, c in TAGS.items()})

    def loss(self, batch: Sequence[Lesson]) -> Tensor:
        """Mean loss of a batch of one kind."""
        ids, mask, part = tensors(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            states = self.base.encoder(ids, mask)
        states = states.float()
        if batch[0].tags:
            return self._tag_loss(batch, states)
        pooled = mean(states, mask)
        if part is not None:
            both = torch.cat([pooled, mean(states, part)], -1)
            found = self.base.heads["target"](functional.dropout(both, 0.1))
            return soft_loss(found, [lesson.truths["target"] for lesson in batch])
        total = torch.zeros(())
        if batch[0].state is not None:
            aims = torch.from_numpy(np.stack([one.state for one in batch if one.state is not None]))
            likeness = functional.cosine_similarity(pooled, aims.float()).mean()
            total = LIKENESS * (1 - likeness)
        pooled = functional.dropout(pooled, 0.1)
        for head in POOLED:
            rows = [row for row, lesson in enumerate(batch) if head in lesson.truths]
            if rows:
                found = self.base.heads[head](pooled[rows])
                share = len(rows) / len(batch) * (1.0 if head == "sentiment" else WEIGHT)
                total = total + share * soft_loss(found, [batch[row].truths[head] for row in rows])
        return total

    def _tag_loss(self, batch: Sequence[Lesson], states: Tensor) -> Tensor:
        total = torch.zeros(())
        for head in batch[0].tags:
            truth = torch.full(states.shape[:2], IGNORED, dtype=torch.long)
            for row, lesson in enumerate(batch):
                truth[row, : len(lesson.ids)] = torch.from_numpy(lesson.tags[head])
            found = self.tags[head](functional.dropout(states, 0.1))
            total = total + functional.cross_entropy(
                found.flatten(0, 1), truth.flatten(), ignore_index=IGNORED
            )
        return total


def _softened(found: Floats) -> Floats:
    odds = np.exp((found - found.max(-1, keepdims=True)) / SOFTENING)
    soft: Floats = (odds / odds.sum(-1, keepdims=True)).astype(np.float32)
    return soft


def teach(
    teacher: Heads,
    reader: Reader,
    samples: Sequence[Sample],
    texts: Sequence[Sample],
    kept: Path | None = None,
) -> list[Lesson]:
    """Lessons from labelled samples and from texts without labels.

    The teacher reads a text once, however often it counts. ``kept``: file for its answers on
    sentiment, which the fast tier's model learns from as well.
    """
    began = time.monotonic()
    pooled = [sample for sample in (*samples, *texts) if sample.head != "target"]
    distinct = {sample.text: sample for sample in pooled}
    places = {text: at for at, text in enumerate(distinct)}
    answers, states = _answers(teacher, list(distinct.values()))
    pick = random.Random(0)
    small = [at for at in range(len(pooled)) if pick.random() < SMALL]
    lowered = dict(zip(small, reader.ids([pooled[at].text.lower() for at in small]), strict=True))
    lessons = []
    for at, sample in enumerate(pooled):
        place = places[sample.text]
        truths = {head: answers[head][place] for head in POOLED}
        if sample.truth.any():
            mixed = GOLD * sample.truth + (1 - GOLD) * truths[sample.head]
            truths[sample.head] = mixed.astype(np.float32)
        lessons.append(Lesson(lowered.get(at, sample.ids), truths, state=states[place]))
    aimed = [sample for sample in samples if sample.head == "target"]
    towards = _softened(logits(teacher, aimed, "target"))
    for soft, sample in zip(towards, aimed, strict=True):
        mixed = (GOLD * sample.truth + (1 - GOLD) * soft).astype(np.float32)
        lessons.append(Lesson(sample.ids, {"target": mixed}, sample.target))
    spent = time.monotonic() - began
    print(f"{len(distinct)} texts read by the teacher in {spent:.0f} s", flush=True)
    if kept is not None:
        rows = zip(distinct, answers["sentiment"].tolist(), strict=True)
        lines = (json.dumps({"text": text, "probabilities": soft}) for text, soft in rows)
        kept.write_text("\n".join(lines) + "\n")
    return lessons


def _answers(
    teacher: Heads, samples: Sequence[Sample]
) -> tuple[dict[str, Floats], np.ndarray[Any, np.dtype[np.float16]]]:
    """The teacher's softened answers of all pooled heads, and the states before them."""
    teacher.eval()
    states = np.zeros((len(samples), teacher.encoder.norm.weight.shape[0]), np.float16)
    order = sorted(range(len(samples)), key=lambda at: len(samples[at].ids))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for begin in range(0, len(order), 64):
            chosen = order[begin : begin + 64]
            ids, mask, _ = tensors([Lesson(samples[at].ids) for at in chosen])
            states[chosen] = mean(teacher.encoder(ids, mask).float(), mask).half().numpy()
    with torch.no_grad():
        pooled = torch.from_numpy(states).float()
        found = {head: teacher.heads[head](pooled).numpy() for head in POOLED}
    return {head: _softened(each) for head, each in found.items()}, states


def unlabelled(data: Path, reader: Reader, seed: int = 0) -> list[Sample]:
    """Texts without labels, in many languages."""
    pick = random.Random(seed)
    texts: list[str] = []
    for name, most in UNLABELLED:
        rows = [row["text"] for row in read(data, name) if len(row["text"]) > 8]
        texts += pick.sample(rows, min(most, len(rows)))
    nothing = np.zeros(len(HEADS["sentiment"]), np.float32)
    cleaned = list(dict.fromkeys(normalise(text).text for text in texts))
    return [
        Sample("sentiment", ids, nothing, text=text)
        for ids, text in zip(reader.ids(cleaned), cleaned, strict=True)
    ]


def tag_lessons(reader: Reader, head: str, posts: Sequence[Post]) -> list[Lesson]:
    """Lessons of a head over tokens, from texts with spans."""
    classes = {label: number for number, label in enumerate(TAGS[head])}
    normalised = [normalise(text, limit=1000) for text, _ in posts]
    encoded = reader.tokenizer.encode_batch([one.text for one in normalised])
    lessons = []
    for one, text, (_, spans) in zip(encoded, normalised, posts, strict=True):
        tags = np.zeros(len(one.ids), np.int64)
        tags[0] = tags[-1] = IGNORED
        for start, end, label in spans:
            first = True
            for number, (a, b) in enumerate(one.offsets):
                if b > a and text.starts[a] < end and text.ends[b - 1] > start:
                    piece = text.text[a:b]
                    if piece.strip() or not first:
                        tags[number] = classes[f"{'B' if first else 'I'}-{label}"]
                        first = False
        lessons.append(Lesson(np.array(one.ids, np.int64), tags={head: tags}))
    return lessons


def aspect_posts(data: Path) -> list[Post]:
    """Reviews with their aspect terms; the part held out for the target head is left out."""
    by_text: dict[str, set[tuple[int, int, str]]] = {}
    names = [f"semeval16_restaurants_train_{one}" for one in ("french", "english", "spanish")]
    for name in (*names, "semeval16_restaurants_train_dutch", "laptop14_train"):
        rows = read(data, f"absa/{name}")
        for row in rows[len(rows) // 6 if name in names else 0 :]:
            before, found, after = row["text"].partition("$T$")
            if found:
                text = before + row["aspect"] + after
                span = (len(before), len(before) + len(row["aspect"]), "aspect")
                by_text.setdefault(text, set()).add(span)
    return [(text, sorted(spans)) for text, spans in by_text.items()]


def entity_posts(data: Path) -> list[Post]:
    """Social posts and French news with names; `btc_h` is held out."""
    posts: list[Post] = []
    for name in ("wnut17_train", "btc_a", "btc_b", "btc_g"):
        posts += [rendered(row, joined=True) for row in read_entities(data, name)]
    news, _ = wiki_news(data)
    return posts + [post for post in paragraphs(news) if len(post[0]) > 20] * 2


def train(
    student: Student, lessons: Sequence[Lesson], rate: float, minutes: float, seed: int
) -> None:
    """One pass over the lessons, or as much of it as fits into the minutes."""
    bodies = freeze_embeddings(student.base.encoder)
    tops = [*student.base.heads.parameters(), *student.tags.parameters()]
    student.train()
    todo = batches(lessons, lambda one: one.kind, 48, seed)
    fit(bodies, tops, (rate, 1e-3), todo, student.loss, minutes)


def first_layers(teacher: Heads, weights: WeightsFile, keep: Sequence[int], layers: int) -> Student:
    """A student with the teacher's embeddings, heads and first layers."""
    base = Heads(load_encoder(weights, keep, range(layers)))
    state = {
        name: value
        for name, value in teacher.state_dict().items()
        if not name.startswith("encoder.layers.") or int(name.split(".")[2]) < layers
    }
    base.load_state_dict(state)
    return Student(base)


def average(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the weights: of models that went apart from one, it is better than each.

    Wortsman et al. 2022, arXiv:2203.05482.
    """
    return {name: torch.stack([one[name] for one in states]).mean(0) for name in states[0]}


def main() -> None:
    """Distil, print the scores on the validation files, and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, nargs="+", required=True, help="one, or several")
    parser.add_argument("--vocabulary", type=Path, default=Path("training/vocabulary.npz"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=2e-4, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the lessons")
    parser.add_argument(
        "--start", type=Path, nargs="*", help="go on from the mean of these students"
    )
    parser.add_argument("--answers", type=Path, help="write the teacher's sentiments here")
    parser.add_argument("--lessons", type=Path, help="keep the teacher's answers in this file")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    keep, reader, weights = pretrained(options.wheels, options.vocabulary)
    teacher = Heads(load_encoder(weights, keep, range(weights.shape.layers)))
    teacher.load_state_dict(average([torch.load(path) for path in options.teacher]))
    checked = validation(options.data, reader)
    if options.lessons and options.lessons.exists():
        lessons: list[Lesson] = torch.load(options.lessons, weights_only=False)
    else:
        samples = training(options.data, reader, checked, options.seed, OTHERS, ENGLISH)
        # A text that counts twice is read twice by the student, with other batches around it.
        more = unlabelled(options.data, reader)
        lessons = teach(teacher, reader, samples, more, options.answers)
        if options.lessons:
            torch.save(lessons, options.lessons)
    entities = augmented(entity_posts(options.data), 0.3, 0)
    tags = tag_lessons(reader, "entities", entities)
    tags += tag_lessons(reader, "aspects", aspect_posts(options.data))
    print(len(lessons), "lessons over posts,", len(tags), "over tokens", flush=True)
    student = first_layers(teacher, weights, keep, options.layers)
    if options.start:
        student.load_state_dict(average([torch.load(path) for path in options.start]))
    train(student, [*lessons, *tags], options.rate, options.minutes, options.seed)
    torch.save(student.state_dict(), options.out)
    print(report(student.base, checked), flush=True)
    print(report(student.base, out_of_domain(options.data, reader)), flush=True)


if __name__ == "__main__":
    main()
