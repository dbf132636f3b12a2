"""Writes the trained encoder as the files that `processors/models/encoder_model.py` reads.

    python -m training.export_encoder --data DIR --wheels DIR --student FILE --out DIR

Weights become 8 bits, embeddings 4; then each head is calibrated, as it will run, on the validation
files: one temperature (the softmax's, by likelihood), which changes no label. Last, the share of
the fast tier's sentiment beside the encoder's is chosen there too. Several students are averaged.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from processors.models.encoder_model import (
    TOKENIZER,
    WEIGHTS,
    Encoder,
    SentimentBlend,
    pack_embeddings,
)
from processors.models.encoder_session import pack
from processors.models.sentiment_model import ARTIFACT, LABELS, SentimentModel
from training.e5 import TOKENIZER_WHEEL, pruned_tokenizer, read_member
from training.encoder_model import macro_f1
from training.encoder_tasks import HEADS, Reader, Sample, training, validation
from training.train_encoder import TAGS, average
from training.umsab import AT_CHANCE

VERSION = "encoder-4"
POSITIONS = 130
CHECKED = {
    "sentiment": "sentiment",
    "emotion": "emotion",
    "irony": "irony",
    "offensive": "offensive",
    "complaint": "complaint",
}


def arrays_of(state: dict[str, torch.Tensor]) -> tuple[dict[str, Any], int]:
    """The arrays of the artifact, and the number of layers."""
    values = {name: value.float().numpy() for name, value in state.items()}
    body = {
        name.removeprefix("base.encoder."): value
        for name, value in values.items()
        if name.startswith("base.encoder.")
    }
    out: dict[str, Any] = {}
    out["word"], out["word.scale"] = pack_embeddings(body["word.weight"])
    # The token type is always the same: it goes with the positions.
    out["position"] = (body["position.weight"][:POSITIONS] + body["kind"]).astype(np.float16)
    layers = 1 + max(int(name.split(".")[1]) for name in body if name.startswith("layers."))
    for name, value in body.items():
        if name.startswith("norm") or (name.startswith("layers.") and value.ndim == 1):
            out[name] = value
        elif name.startswith("layers."):
            out |= pack(name, value)
    for name, value in values.items():
        if name.startswith("base.heads."):
            out[name.removeprefix("base.")] = value
        elif name.startswith("tags."):
            out["heads." + name.removeprefix("tags.")] = value
    return out, layers


def write(
    folder: Path, arrays: dict[str, Any], layers: int, tokenizer: dict[str, Any], **more: Any
) -> None:
    """Write the three files."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    text = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")).encode()
    files = {WEIGHTS: packed.getvalue(), TOKENIZER: gzip.compress(text, 9, mtime=0)}
    for name, payload in files.items():
        (folder / name).write_bytes(payload)
    described = {
        "version": VERSION,
        "layers": layers,
        "heads": {head: list(classes) for head, classes in (HEADS | TAGS).items()},
        "temperature": {},
        "blend": {"share": 0.0, "temperature": 1.0},
        "weights": {},
        "sha256": {name: hashlib.sha256(payload).hexdigest() for name, payload in files.items()},
        **more,
    }
    (folder / "encoder.json").write_text(json.dumps(described, indent=1) + "\n")


def temperature(probabilities: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> float:
    """What to divide the logits by for the likeliest probabilities."""
    logs = np.log(np.clip(probabilities, 1e-9, 1))
    best, chosen = np.inf, 1.0
    for value in np.arange(0.4, 3.01, 0.05):
        scaled = logs / value
        scaled -= np.log(np.exp(scaled).sum(1, keepdims=True))
        loss = -float(scaled[np.arange(len(truth)), truth].mean())
        if loss < best:
            best, chosen = loss, float(value)
    return round(chosen, 2)


def calibrate(encoder: Encoder, checked: dict[str, list[Sample]]) -> dict[str, float]:
    """The temperature of each head over posts, on the validation posts; prints the scores."""
    found = {}
    for name, head in CHECKED.items():
        samples = checked[name] + (checked["tweeteval"] if head == "sentiment" else [])
        readings = encoder.read([sample.text for sample in samples])
        known = [at for at, reading in enumerate(readings) if reading.heads]
        probabilities = np.array([readings[at].heads[head] for at in known])
        truth = np.array([samples[at].truth.argmax() for at in known])
        found[head] = temperature(probabilities, truth)
        f1 = macro_f1(truth.tolist(), probabilities.argmax(1).tolist(), len(HEADS[head]))
        print(f"{head}: temperature {found[head]}, macro-F1 {f1:.1f}")
    return found


def decisions(
    encoder: Encoder, checked: dict[str, list[Sample]], taught: list[Sample]
) -> dict[str, list[float]]:
    """What to multiply the classes' probabilities by before one is chosen.

    Emotions by one over their share of the training posts (Menon et al. 2021, arXiv:2007.07314),
    ten at most; yes or no by macro-F1 on the validation posts.
    """
    seen = np.sum([sample.truth for sample in taught if sample.head == "emotion"], axis=0)
    found = {"emotion": [round(float(weight), 3) for weight in (seen.max() / seen).clip(1, 10)]}
    for head in ("irony", "offensive", "complaint"):
        readings = encoder.read([sample.text for sample in checked[head]])
        yes = np.array([reading.heads.get(head, (1, 0))[1] for reading in readings])
        truth = [int(sample.truth.argmax()) for sample in checked[head]]
        scores = {
            round(float(limit), 2): macro_f1(truth, (yes > limit).astype(int).tolist(), 2)
            for limit in np.arange(0.2, 0.81, 0.02)
        }
        limit = max(scores, key=lambda one: scores[one])
        print(f"{head}: yes above {limit}, macro-F1 {scores[limit]:.1f}")
        found[head] = [limit, round(1 - limit, 2)]
    return found


def blend(
    encoder: Encoder, model: SentimentModel, checked: dict[str, list[Sample]]
) -> dict[str, float]:
    """The share of the fast tier in the sentiment of a post, by macro-F1, and the temperature."""
    groups = {}
    for name in ("sentiment", "tweeteval"):
        texts = [sample.text for sample in checked[name]]
        nothing = (1 / 3, 1 / 3, 1 / 3)
        own = [reading.heads.get("sentiment", nothing) for reading in encoder.read(texts)]
        fast = model.score(texts)
        truth = np.array([sample.truth.argmax() for sample in checked[name]])
        groups[name] = np.array(own), np.array(fast), truth
    best, chosen = -1.0, 0.0
    for share in np.arange(0, 0.71, 0.05):
        mixer = SentimentBlend(float(share), 1.0)
        scores = []
        for own, fast, truth in groups.values():
            found = [int(np.argmax(mixer.mix(a, b))) for a, b in zip(own, fast, strict=True)]
            scores.append(macro_f1(truth.tolist(), found, len(LABELS)))
        print(f"share {share:.2f}: macro-F1 " + ", ".join(f"{score:.1f}" for score in scores))
        if np.mean(scores) > best:
            best, chosen = float(np.mean(scores)), float(share)
    mixer = SentimentBlend(chosen, 1.0)
    mixed = [
        mixer.mix(a, b) for own, fast, _ in groups.values() for a, b in zip(own, fast, strict=True)
    ]
    truths = np.concatenate([truth for _, _, truth in groups.values()])
    return {"share": round(chosen, 2), "temperature": temperature(np.array(mixed), truths)}


def main() -> None:
    """Export, calibrate, write again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--student", type=Path, nargs="+", required=True, help="one, or several")
    parser.add_argument("--vocabulary", type=Path, default=Path("training/vocabulary.npz"))
    parser.add_argument("--out", type=Path, default=Path("processors/models/artifacts"))
    options = parser.parse_args()
    keep = np.load(options.vocabulary)["keep"].tolist()
    tokenizer = pruned_tokenizer(read_member(options.wheels, TOKENIZER_WHEEL), keep)
    states = [torch.load(path) for path in options.student]
    arrays, layers = arrays_of(average(states))
    write(options.out, arrays, layers, tokenizer)
    reader = Reader(tokenizer)
    checked = validation(options.data, reader)
    checked["sentiment"] = [s for s in checked["sentiment"] if s.language not in AT_CHANCE]
    fitted = calibrate(Encoder(options.out), checked)
    fitted["target"] = fitted["sentiment"]
    write(options.out, arrays, layers, tokenizer, temperature=fitted)
    encoder = Encoder(options.out)
    more = {
        "temperature": fitted,
        "blend": blend(encoder, SentimentModel.load(options.out / ARTIFACT.name), checked),
        "weights": decisions(encoder, checked, training(options.data, reader, checked)),
    }
    print(more)
    write(options.out, arrays, layers, tokenizer, **more)


if __name__ == "__main__":
    main()
