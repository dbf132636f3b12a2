"""The encoder with its heads, and how a batch of samples goes through it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.e5 import Encoder
from training.encoder_tasks import HEADS, Sample
from training.umsab import AT_CHANCE

PAD: Final = 1
Floats = np.ndarray[Any, np.dtype[np.float32]]


class Heads(nn.Module):
    """An encoder, and one linear layer a head over the mean of the states.

    ``target`` reads the mean over the target's tokens beside that over the post.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.norm.weight.shape[0]
        self.heads = nn.ModuleDict(
            {
                head: nn.Linear(2 * width if head == "target" else width, len(classes))
                for head, classes in HEADS.items()
            }
        )

    def forward(self, ids: Tensor, mask: Tensor, head: str, part: Tensor | None) -> Tensor:
        states = self.encoder(ids, mask).float()
        pooled = mean(states, mask)
        if part is not None:
            pooled = torch.cat([pooled, mean(states, part)], -1)
        if self.training:
            pooled = functional.dropout(pooled, 0.1)
        out: Tensor = self.heads[head](pooled)
        return out


def mean(states: Tensor, mask: Tensor) -> Tensor:
    """The mean of the states where the mask is 1."""
    weights = mask[..., None].to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1)


class Tokens(Protocol):
    """What goes through the encoder: a post, or a post and a part of it."""

    ids: np.ndarray[Any, np.dtype[np.int64]]
    target: tuple[int, int] | None


T = TypeVar("T", bound=Tokens)


def tensors(batch: Sequence[Tokens]) -> tuple[Tensor, Tensor, Tensor | None]:
    """Ids, mask and, where the batch is of targets, the mask of the targets."""
    length = max(len(sample.ids) for sample in batch)
    ids = torch.full((len(batch), length), PAD, dtype=torch.long)
    mask = torch.zeros(len(batch), length)
    part = torch.zeros(len(batch), length) if batch[0].target else None
    for row, sample in enumerate(batch):
        ids[row, : len(sample.ids)] = torch.from_numpy(sample.ids)
        mask[row, : len(sample.ids)] = 1
        if part is not None and sample.target:
            part[row, sample.target[0] : sample.target[1]] = 1
    return ids, mask, part


def batches(samples: Sequence[T], kind: Callable[[T], str], size: int, seed: int) -> list[list[T]]:
    """Batches of one kind each, of posts of like length, in random order."""
    pick = random.Random(seed)
    found: list[list[T]] = []
    kinds: dict[str, list[T]] = {}
    for sample in samples:
        kinds.setdefault(kind(sample), []).append(sample)
    for same in kinds.values():
        pick.shuffle(same)
        for begin in range(0, len(same), 40 * size):
            near = sorted(same[begin : begin + 40 * size], key=lambda one: len(one.ids))
            found += [near[at : at + size] for at in range(0, len(near), size)]
    pick.shuffle(found)
    return found


def soft_loss(found: Tensor, truths: Sequence[Floats]) -> Tensor:
    """Cross-entropy of logits against the classes' probabilities."""
    truth = torch.from_numpy(np.stack(truths))
    return -(truth * functional.log_softmax(found.float(), -1)).sum(-1).mean()


def freeze_embeddings(encoder: Encoder) -> list[nn.Parameter]:
    """What of the encoder is trained: all but its embeddings, which ship as they came."""
    encoder.word.weight.requires_grad_(False)
    encoder.position.weight.requires_grad_(False)
    return [parameter for parameter in encoder.parameters() if parameter.requires_grad]


class Masters:
    """The encoder's matrices in 16 bits while it learns, and what they are rounded from.

    Autocast would round all of them again at every step. The optimiser sees 32 bits.
    """

    def __init__(self, bodies: Sequence[nn.Parameter]) -> None:
        self.live = [one for one in bodies if one.ndim == 2]
        self.exact = [nn.Parameter(one.detach().clone()) for one in self.live]
        self.others = [one for one in bodies if one.ndim != 2]
        for one in self.live:
            one.data = one.data.bfloat16()

    def parameters(self) -> list[nn.Parameter]:
        """What the optimiser moves."""
        return [*self.exact, *self.others]

    def take_gradients(self) -> None:
        """From the live matrices to the exact ones."""
        for live, exact in zip(self.live, self.exact, strict=True):
            exact.grad = None if live.grad is None else live.grad.float()
            live.grad = None

    @torch.no_grad()
    def give_weights(self) -> None:
        """From the exact matrices to the live ones."""
        for live, exact in zip(self.live, self.exact, strict=True):
            live.copy_(exact)

    def restore(self) -> None:
        """The live matrices as exact as they were learnt."""
        for live, exact in zip(self.live, self.exact, strict=True):
            live.data = exact.data


def fit(
    bodies: Sequence[nn.Parameter],
    tops: Sequence[nn.Parameter],
    rates: tuple[float, float],
    todo: Sequence[list[T]],
    loss_of: Callable[[list[T]], Tensor],
    minutes: float,
) -> None:
    """Go once through the batches, or as far as the minutes reach.

    ``bodies``: the encoder's parameters; ``tops``: the heads'; ``rates``: the highest of each. The
    rate rises over 100 steps and falls with the batches done and with the time that is up.
    """
    masters = Masters(bodies)
    moved = [masters.parameters(), list(tops)]
    optimiser = torch.optim.AdamW(
        [{"params": parameters} for parameters in moved], weight_decay=0.01, fused=True
    )
    began, seen, lost = time.monotonic(), 0, torch.zeros(())
    for step, batch in enumerate(todo):
        done = max(step / len(todo), (time.monotonic() - began) / (60 * minutes))
        if done >= 1:
            break
        for group, peak in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = peak * min(1, (step + 1) / 100) * (1 - done)
        loss = loss_of(batch)
        optimiser.zero_grad()
        loss.backward()
        masters.take_gradients()
        torch.nn.utils.clip_grad_norm_([*moved[0], *moved[1]], 1.0)
        optimiser.step()
        masters.give_weights()
        seen, lost = seen + len(batch), lost + loss.detach()
        if step % 100 == 99:
            speed = seen / (time.monotonic() - began)
            print(f"{step + 1}/{len(todo)} loss {lost / 100:.3f} {speed:.0f}/s", flush=True)
            lost = torch.zeros(())
    masters.restore()


def logits(model: Heads, samples: Sequence[Sample], head: str, size: int = 64) -> Floats:
    """Logits of the head for every sample, in order."""
    model.eval()
    order = sorted(range(len(samples)), key=lambda at: len(samples[at].ids))
    out = np.zeros((len(samples), len(HEADS[head])), np.float32)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for begin in range(0, len(order), size):
            chosen = order[begin : begin + size]
            ids, mask, part = tensors([samples[at] for at in chosen])
            out[chosen] = model(ids, mask, head, part).float().numpy()
    return out


def macro_f1(truth: Sequence[int], found: Sequence[int], classes: int) -> float:
    """Mean of the classes' F1, in percent."""
    true, guess = np.asarray(truth), np.asarray(found)
    scores = []
    for label in range(classes):
        both = int(((true == label) & (guess == label)).sum())
        either = int((true == label).sum() + (guess == label).sum())
        scores.append(2 * both / either if either else 0.0)
    return 100 * float(np.mean(scores))


def report(model: Heads, groups: dict[str, list[Sample]]) -> str:
    """Macro-F1 of each group; for UMSAB the mean over its languages, first without those whose
    labels are at chance."""
    parts = []
    for name, samples in groups.items():
        head = samples[0].head
        found = logits(model, samples, head).argmax(1)
        truth = np.array([sample.truth.argmax() for sample in samples])
        if name == "sentiment":
            languages = sorted({sample.language for sample in samples})
            each = {}
            for language in languages:
                mine = [at for at, s in enumerate(samples) if s.language == language]
                each[language] = macro_f1(truth[mine], found[mine], 3)
            detail = " ".join(f"{k} {v:.1f}" for k, v in each.items())
            told = np.mean([score for code, score in each.items() if code not in AT_CHANCE])
            every = np.mean(list(each.values()))
            parts.append(f"umsab {told:.1f}, of {len(each)} languages {every:.1f} ({detail})")
        elif head == "emotion":
            seen = sorted(set(truth.tolist()))

            exact = [2 * ((truth == c) & (found == c)).sum() for c in seen]
            total = [(truth == c).sum() + (found == c).sum() for c in seen]

            parts.append(
                f"emotion {100 * np.mean([a / b for a, b in zip(exact, total, strict=True)]):.1f}"
            )
        elif head == "target":
            parts.append(f"target accuracy {100 * (found == truth).mean():.1f}")
        else:
            parts.append(f"{name} {macro_f1(truth, found, len(HEADS[head])):.1f}")
    return ", ".join(parts)
