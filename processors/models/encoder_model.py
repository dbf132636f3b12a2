"""The accurate tier's one model: a small multilingual transformer with a head for every question.

A text goes through the layers once; the heads over its states tell sentiment (of the post and
towards any part of it), emotion, irony, offence, complaint, and which words name things or are
what an opinion is about. The layers run in OpenVINO; embeddings, pooling and heads in NumPy.

The answer to a text does not depend on what else is in the batch, beyond rounding; no text makes
it raise. Training: `training/train_encoder.py`. Data, scores and limits: `docs/models/encoder.md`.
"""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from processors.models.artifact_files import (
    ARTIFACTS,
    read_arrays,
    read_artifact,
    read_description,
)
from processors.models.encoder_session import Session
from text.clauses import Span
from text.normalise import Normalised, normalise

DESCRIPTION: Final = "encoder.json"
"""Has the checksums of the other two files, the heads and their calibration."""
WEIGHTS: Final = "encoder.npz"
TOKENIZER: Final = "encoder-tokenizer.json.gz"

MAX_TEXT: Final = 1_000
"""Code points of a text that are read."""
TOKENS: Final = 128
"""Tokens of a text that are read, its two marks included."""
BATCH: Final = 32
_STEP: Final = 8
"""Texts are padded to a multiple of this: few shapes, each prepared once."""
_PAD: Final = 1
_MIN_PROBABILITY: Final = 1e-4
"""What a probability counts for at least; the fast tier's are rounded to this."""
_BLOCK: Final = 32

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SentimentBlend:
    """How the sentiment of a post is mixed from the encoder's and from the fast tier's.

    They err on different posts: the geometric mean is better than either. ``share``: the fast
    tier's weight in it; ``temperature``: what its logarithm is divided by.
    """

    share: float
    temperature: float

    def mix(self, own: Sequence[float], fast: Sequence[float]) -> tuple[float, ...]:
        """The mixed probabilities."""
        logs = np.log(np.maximum([own, fast], _MIN_PROBABILITY))
        mixed = (logs[0] * (1 - self.share) + logs[1] * self.share) / self.temperature
        odds = np.exp(mixed - mixed.max())
        return tuple((odds / odds.sum()).tolist())


class _Description(msgspec.Struct):
    """What `encoder.json` holds."""

    version: str
    layers: int
    heads: dict[str, list[str]]
    blend: SentimentBlend
    weights: dict[str, list[float]]
    temperature: dict[str, float]
    sha256: dict[str, str]


@dataclass(slots=True)
class Reading:
    """What the model says of one text. Probabilities are in the order of the head's classes."""

    heads: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Head to its classes' probabilities; empty for a text with nothing to read."""
    targets: list[tuple[float, ...] | None] = field(default_factory=list)
    """For every span asked about, the sentiment towards it; None where it is not within reach."""
    entities: list[tuple[int, int, str]] = field(default_factory=list)
    """Start, end and label of what is named, as code points of the published text."""
    aspects: list[tuple[int, int, tuple[float, ...]]] = field(default_factory=list)
    """Start and end of the phrases that an opinion is about, and the sentiment towards each."""


class TargetSpan(NamedTuple):
    """Something to tell the sentiment towards; places are code points of the published text."""

    span: Span
    """Where it is named."""
    context: Sequence[Span] = ()
    """What of the text is to be read for it; nothing: all of it."""


@dataclass(slots=True)
class _Text:
    """A text on its way through the model."""

    normalised: Normalised
    ids: list[int]
    offsets: list[Span]
    """Of each token, in the normalised text."""

    def tokens_in(self, *spans: Span) -> list[int]:
        """The tokens that overlap spans of the published text."""
        starts, ends = self.normalised.starts, self.normalised.ends
        return [
            number
            for number, (a, b) in enumerate(self.offsets)
            if b > a and any(starts[a] < end and ends[b - 1] > start for start, end in spans)
        ]

    def published(self, first: int, last: int) -> Span:
        """The span of the published text that the tokens from first to last - 1 cover, trimmed."""
        text = self.normalised.text
        a, b = self.offsets[first][0], self.offsets[last - 1][1]
        while a < b and text[a].isspace():
            a += 1
        while b > a and text[b - 1].isspace():
            b -= 1
        if a == b:
            return 0, 0
        # Tokens are parts of words; what is named is made of whole ones.
        while a and text[a - 1].isalnum() and text[a].isalnum():
            a -= 1
        while b < len(text) and text[b - 1].isalnum() and text[b].isalnum():
            b += 1
        return self.normalised.starts[a], self.normalised.ends[b - 1]


class Encoder:
    """Reads texts. Holds the weights, some 150 MB; one a process is enough."""

    def __init__(self, folder: Path = ARTIFACTS, threads: int = 1) -> None:
        """Raises ArtifactMissing when a file is absent or does not have its checksum."""
        description = read_description(folder / DESCRIPTION, _Description)
        checksums = description.sha256
        arrays = read_arrays(folder / WEIGHTS, checksums.get(WEIGHTS, ""))
        tokenizer = read_artifact(folder / TOKENIZER, checksums.get(TOKENIZER, ""))
        self.version = description.version
        self.classes = description.heads
        self.blend = description.blend
        self.weights = description.weights
        """Head to what each class's probability is multiplied by before one is chosen: what is
        rare in the training posts would else never be said."""
        self._temperature = description.temperature
        self._tokenizer = Tokenizer.from_str(gzip.decompress(tokenizer).decode())
        self._tokenizer.enable_truncation(TOKENS)
        self._words = unpack_embeddings(arrays["word"], arrays["word.scale"])
        self._places = arrays["position"].astype(np.float32)
        self._heads = {
            name: (arrays[f"heads.{name}.weight"], arrays[f"heads.{name}.bias"])
            for name in self.classes
        }
        self._session = Session(arrays, description.layers, threads)

    def read(
        self, texts: Sequence[str], targets: Sequence[Sequence[TargetSpan]] = ()
    ) -> list[Reading]:
        """What is to be said of each text, and towards the targets in each."""
        prepared = self._prepare(texts)
        targets = targets or [()] * len(texts)
        readings = [Reading(targets=[None] * len(spans)) for spans in targets]
        order = sorted(
            (at for at, text in enumerate(prepared) if len(text.ids) > 2),
            key=lambda at: len(prepared[at].ids),
        )
        for begin in range(0, len(order), BATCH):
            chosen = order[begin : begin + BATCH]
            states = self._states([prepared[at].ids for at in chosen])
            for row, at in enumerate(chosen):
                own = states[row, : len(prepared[at].ids)]
                self._answer(prepared[at], own, targets[at], readings[at])
        return readings

    def _prepare(self, texts: Sequence[str]) -> list[_Text]:
        normalised = [normalise(text, limit=MAX_TEXT) for text in texts]
        encoded = self._tokenizer.encode_batch([text.text for text in normalised])
        return [
            _Text(text, encoding.ids, encoding.offsets)
            for text, encoding in zip(normalised, encoded, strict=True)
        ]

    def _states(self, ids: Sequence[Sequence[int]]) -> Floats:
        """States of the last layer, (texts, tokens, width); the texts are of like length."""
        longest = max(map(len, ids))
        length = min(TOKENS, -(-longest // _STEP) * _STEP)
        # Rows are padded to a power of two as well, with an empty text.
        rows = 1 << (len(ids) - 1).bit_length()
        numbers = np.full((rows, length), _PAD, np.int64)
        mask = np.zeros((rows, length), np.float32)
        mask[:, 0] = 1
        for row, own in enumerate(ids):
            numbers[row, : len(own)] = own
            mask[row, : len(own)] = 1
        embedded = self._words[numbers].astype(np.float32)
        embedded += self._places[:length]
        return self._session.run(embedded, mask)[: len(ids)]

    def _answer(
        self, text: _Text, states: Floats, targets: Sequence[TargetSpan], reading: Reading
    ) -> None:
        pooled = states.mean(0)
        reading.heads = {
            head: self._probabilities(head, pooled)
            for head in self.classes
            if head not in ("target", "entities", "aspects")
        }
        for at, target in enumerate(targets):
            if tokens := text.tokens_in(target.span):
                context = text.tokens_in(*target.context)
                around = states[context].mean(0) if target.context else pooled
                reading.targets[at] = self._towards(states, around, tokens[0], tokens[-1] + 1)
        for first, last, label in self._runs(states, "entities"):
            start, end = text.published(first, last)
            if end > start and (not reading.entities or start >= reading.entities[-1][1]):
                reading.entities.append((start, end, label))
        for first, last, _ in self._runs(states, "aspects"):
            start, end = text.published(first, last)
            if end > start and (not reading.aspects or start >= reading.aspects[-1][1]):
                towards = self._towards(states, pooled, first, last)
                reading.aspects.append((start, end, towards))

    def _towards(self, states: Floats, pooled: Floats, first: int, last: int) -> tuple[float, ...]:
        """The sentiment towards what the tokens from first to last - 1 name."""
        return self._probabilities("target", np.concatenate([pooled, states[first:last].mean(0)]))

    def _probabilities(self, head: str, pooled: Floats) -> tuple[float, ...]:
        weight, bias = self._heads[head]
        logits = (weight @ pooled + bias) / self._temperature.get(head, 1.0)
        odds = np.exp(logits - logits.max())
        return tuple((odds / odds.sum()).tolist())

    def _runs(self, states: Floats, head: str) -> list[tuple[int, int, str]]:
        """Runs of tokens with one label: first, last + 1, label."""
        weight, bias = self._heads[head]
        best = (states @ weight.T + bias).argmax(1)
        if not best[1:-1].any():
            return []
        labels = [self.classes[head][at] for at in best[1:-1]]
        found: list[tuple[int, int, str]] = []
        first, kind = 0, ""
        for number, label in enumerate([*labels, "O"], 1):
            prefix, _, name = label.partition("-")
            if kind and (prefix != "I" or name != kind):
                found.append((first, number, kind))
                kind = ""
            if name and not kind:
                first, kind = number, name
        return found


def pack_embeddings(table: Floats) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
    """Embeddings, (pieces, width), as 4 bits each and a scale for every 32.

    The weight furthest from 0 becomes -8, whatever its sign: the embeddings that training starts
    from are quantised so, and come out again unchanged.
    """
    blocks = table.reshape(len(table), -1, _BLOCK)
    furthest = np.abs(blocks).argmax(-1, keepdims=True)
    scale = (np.take_along_axis(blocks, furthest, -1)[..., 0] / -8).astype(np.float16)
    divisor = np.where(scale == 0, 1, scale).astype(np.float32)[..., None]
    values = np.round(blocks / divisor).clip(-8, 7).astype(np.int8) + 8
    half = _BLOCK // 2
    packed = (values[..., :half] | (values[..., half:] << 4)).astype(np.uint8)
    return packed.reshape(len(table), -1), scale


def unpack_embeddings(
    packed: npt.NDArray[np.uint8], scale: npt.NDArray[np.float16]
) -> npt.NDArray[np.float16]:
    """What :func:`pack_embeddings` packed."""
    blocks = packed.reshape(len(packed), -1, _BLOCK // 2)
    values = np.concatenate([blocks & 15, blocks >> 4], -1).astype(np.float16) - np.float16(8)
    return (values * scale[..., None]).reshape(len(packed), -1)
