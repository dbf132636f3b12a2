"""Writes the trained encoder as the files that `processors/models/encoder.py` reads.

    python -m training.export_encoder --data DIR --wheels DIR --student FILE --out DIR

Weights become 8 bits, embeddings 4; then each head is calibrated, as it will run, on the validation
files: one temperature (the softmax's, by likelihood), which changes no label.
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

from processors.models.encoder import (
    TOKENIZER,
    WEIGHTS,
    Encoder,
    pack_embeddings,
)
from processors.models.encoder_session import pack
from training.e5 import TOKENIZER_WHEEL, pruned_tokenizer, read_member
from training.encoder_model import macro_f1
from training.encoder_tasks import HEADS, Reader, Sample, validation
from training.train_encoder import TAGS

VERSION = "encoder-1"
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


def main() -> None:
    """Export, calibrate, write again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--student", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, default=Path("training/vocabulary.npz"))
    parser.add_argument("--out", type=Path, default=Path("processors/models/artifacts"))
    options = parser.parse_args()
    keep = np.load(options.vocabulary)["keep"].tolist()
    tokenizer = pruned_tokenizer(read_member(options.wheels, TOKENIZER_WHEEL), keep)
    arrays, layers = arrays_of(torch.load(options.student))
    write(options.out, arrays, layers, tokenizer)
    checked = validation(options.data, Reader(tokenizer))
    fitted = calibrate(Encoder(options.out), checked)
    fitted["target"] = fitted["sentiment"]
    write(options.out, arrays, layers, tokenizer, temperature=fitted)


if __name__ == "__main__":
    main()
