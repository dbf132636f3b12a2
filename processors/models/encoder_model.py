"""The accurate tier's model: a small multilingual transformer with several heads.

The layers run once a text, in OpenVINO; embeddings, pooling and heads run in NumPy. An answer
does not depend on the batch, beyond rounding, and no text makes it raise.
Training: `training/train_encoder.py`. Data, scores and limits: `docs/models/encoder.md`.
"""

import gzip
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from processors.models.artifact_files import ARTIFACTS, read_arrays, read_artifact, read_description
from processors.models.encoder_heads import Heads, Scores, TokenRun, softmax
from processors.models.encoder_rows import Run, runs_of
from processors.models.encoder_session import Precision, Session
from text.character_classes import is_within_word
from text.clauses import Span
from text.normalise import Normalised, normalise

DESCRIPTION: Final = "encoder.json"
WEIGHTS: Final = "encoder.npz"
TOKENIZER: Final = "encoder-tokenizer.json.gz"

MAX_TEXT: Final = 1_000
"""Code points read of a text."""
TOKENS: Final = 128
"""Tokens read of a text, including its start and end tokens."""
_PAD: Final = 1
_MIN_PROBABILITY: Final = 1e-4
"""Lower bound of a probability; those of the fast tier are rounded to this."""
_BLOCK: Final = 32

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SentimentBlend:
    """Weighted geometric mean of the sentiments of the encoder and the fast tier.

    They err on different posts, so it is better than either.
    """

    share: float
    """Weight of the fast tier, 0 to 1."""
    temperature: float
    """Divisor of the mean's logarithm."""

    def mix(self, own: Sequence[float], fast: Sequence[float]) -> tuple[float, ...]:
        logs = np.log(np.maximum([own, fast], _MIN_PROBABILITY))
        mean = logs[0] * (1 - self.share) + logs[1] * self.share
        return tuple(softmax(mean / self.temperature).tolist())


class NamedSpan(NamedTuple):
    """A name, in code points of the published text."""

    start: int
    end: int
    label: str
    probability: float
    """Mean over its tokens that they are of a name of this label."""


class _Description(msgspec.Struct):
    version: str
    layers: int
    heads: dict[str, list[str]]
    blend: SentimentBlend
    weights: dict[str, list[float]]
    temperature: dict[str, float]
    sha256: dict[str, str]


@dataclass(slots=True)
class Reading:
    """The answer to one text. Probabilities have the order of the head's classes; spans are in
    code points of the published text."""

    heads: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Head to probabilities; empty for a text without tokens."""
    targets: list[tuple[float, ...] | None] = field(default_factory=list)
    """Sentiment towards each target; None beyond the tokens that are read."""
    entities: list[NamedSpan] = field(default_factory=list)
    aspects: list[tuple[int, int, tuple[float, ...]]] = field(default_factory=list)
    """Start, end, sentiment towards it."""


@dataclass
class _Text:
    normalised: Normalised
    ids: list[int]
    encoding: Encoding

    @cached_property
    def offsets(self) -> list[Span]:
        """Spans of the tokens, in the normalised text."""
        offsets: list[Span] = self.encoding.offsets
        return offsets

    def tokens_in(self, span: Span) -> Sequence[int]:
        """Tokens that overlap a span of the published text."""
        numbers, starts, ends = self._places
        return numbers[bisect_right(ends, span[0]) : bisect_left(starts, span[1])]

    @cached_property
    def _places(self) -> tuple[list[int], list[int], list[int]]:
        """The tokens that are not empty; their starts and ends in the published text, in order."""
        starts, ends = self.normalised.starts, self.normalised.ends
        real = [(number, a, b) for number, (a, b) in enumerate(self.offsets) if b > a]
        return (
            [number for number, _, _ in real],
            [starts[a] for _, a, _ in real],
            [ends[b - 1] for _, _, b in real],
        )

    def published(self, first: int, last: int) -> Span:
        """Tokens from first to last - 1 as a span of the published text: whole words, trimmed."""
        text = self.normalised.text
        a, b = self.offsets[first][0], self.offsets[last - 1][1]
        covered = text[a:b]
        if not covered.strip():
            return 0, 0
        a += len(covered) - len(covered.lstrip())
        b -= len(covered) - len(covered.rstrip())
        # Most are beside a space, which is cheaper to see.
        while text[a - 1 : a] != " " and is_within_word(text, a):
            a -= 1
        while text[b : b + 1] != " " and is_within_word(text, b):
            b += 1
        return self.normalised.starts[a], self.normalised.ends[b - 1]


class Encoder:
    """Holds the weights, some 140 MB; one a process is enough."""

    def __init__(
        self,
        folder: Path = ARTIFACTS,
        threads: int = 1,
        precision: Precision | None = None,
    ) -> None:
        """``precision``: None for the fastest one of this processor.

        Raises ArtifactMissing if a file is absent or its checksum differs.
        """
        description = read_description(folder / DESCRIPTION, _Description)
        checksums = description.sha256
        arrays = read_arrays(folder / WEIGHTS, checksums.get(WEIGHTS, ""))
        tokenizer = read_artifact(folder / TOKENIZER, checksums.get(TOKENIZER, ""))
        self.version = description.version
        self.classes = description.heads
        self.blend = description.blend
        self.weights = description.weights
        """Head to a factor for each class, applied before one is chosen: rare classes would
        never be chosen otherwise."""
        self._tokenizer = Tokenizer.from_str(gzip.decompress(tokenizer).decode())
        self._tokenizer.enable_truncation(TOKENS)
        self._words = Embeddings(arrays["word"], arrays["word.scale"])
        self._positions = arrays["position"].astype(np.float32)
        self._heads = Heads(arrays, self.classes, description.temperature)
        self._session = Session(arrays, description.layers, threads, precision)

    def read(self, texts: Sequence[str], targets: Sequence[Sequence[Span]] = ()) -> list[Reading]:
        """The answer to each text; ``targets``: spans of it, in code points."""
        prepared = self._prepare(texts)
        targets = targets or [()] * len(texts)
        readings = [Reading(targets=[None] * len(spans)) for spans in targets]
        for run in runs_of([len(text.ids) if len(text.ids) > 2 else 0 for text in prepared]):
            own = [prepared[place.text] for place in run.places]
            scores = Scores(self._heads, self._states(run, own), run)
            asked = [targets[place.text] for place in run.places]
            _answer(scores, own, asked, [readings[place.text] for place in run.places])
        return readings

    def _prepare(self, texts: Sequence[str]) -> list[_Text]:
        normalised = [normalise(text, limit=MAX_TEXT) for text in texts]
        encoded = self._tokenizer.encode_batch([text.text for text in normalised])
        return [
            _Text(text, encoding.ids, encoding)
            for text, encoding in zip(normalised, encoded, strict=True)
        ]

    def _states(self, run: Run, texts: Sequence[_Text]) -> Floats:
        """States of the last layer, (rows, tokens, width)."""
        embedded = self._words.of(run.spread([text.ids for text in texts], _PAD))
        embedded += self._positions[run.spread([range(len(text.ids)) for text in texts], 0)]
        return self._session.run(embedded, run.owners.astype(np.float32))


def _answer(
    scores: Scores,
    texts: Sequence[_Text],
    targets: Sequence[Sequence[Span]],
    readings: Sequence[Reading],
) -> None:
    """Fill the readings of a run."""
    for reading, heads in zip(readings, scores.posts(), strict=True):
        reading.heads = heads
    asked = [
        (number, at, tokens)
        for number, text in enumerate(texts)
        for at, span in enumerate(targets[number])
        if (tokens := text.tokens_in(span))
    ]
    spans = [(number, tokens[0], tokens[-1] + 1) for number, _, tokens in asked]
    for (number, at, _), towards in zip(asked, scores.towards(spans), strict=True):
        readings[number].targets[at] = towards
    for found, start, end in _published(scores.tagged("entities"), texts):
        name = NamedSpan(start, end, found.label, found.probability)
        readings[found.place].entities.append(name)
    aspects = list(_published(scores.tagged("aspects"), texts))
    opinions = scores.towards([(found.place, found.first, found.end) for found, *_ in aspects])
    for (found, start, end), towards in zip(aspects, opinions, strict=True):
        readings[found.place].aspects.append((start, end, towards))


def _published(
    runs: Iterable[TokenRun], texts: Sequence[_Text]
) -> Iterator[tuple[TokenRun, int, int]]:
    """The runs with their spans of the published texts, without overlaps."""
    place = done = 0
    for run in runs:
        if run.place != place:
            place, done = run.place, 0
        start, end = texts[place].published(run.first, run.end)
        if end > start >= done:
            yield run, start, end
            done = end


class Embeddings:
    """A packed table; rows are unpacked as they are needed. All of them would take a second."""

    def __init__(self, packed: npt.NDArray[np.uint8], scale: npt.NDArray[np.float16]) -> None:
        """As made by :func:`pack_embeddings`."""
        self._packed, self._scale = packed, scale

    def of(self, numbers: npt.NDArray[np.int64]) -> Floats:
        """The rows of these numbers: their shape, and the width as the last axis."""
        rows, places = np.unique(numbers, return_inverse=True)
        unpacked = unpack_embeddings(self._packed[rows], self._scale[rows])
        return unpacked[places.reshape(numbers.shape)]


def pack_embeddings(table: Floats) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
    """Embeddings (pieces, width) in 4 bits each, with a scale for every 32.

    The weight furthest from 0 becomes -8, whatever its sign, as in the embeddings that training
    starts from; these are unchanged.
    """
    blocks = table.reshape(len(table), -1, _BLOCK)
    furthest = np.abs(blocks).argmax(-1, keepdims=True)
    scale = (np.take_along_axis(blocks, furthest, -1)[..., 0] / -8).astype(np.float16)
    divisor = np.where(scale == 0, 1, scale).astype(np.float32)[..., None]
    values = np.round(blocks / divisor).clip(-8, 7).astype(np.int8) + 8
    half = _BLOCK // 2
    packed = (values[..., :half] | (values[..., half:] << 4)).astype(np.uint8)
    return packed.reshape(len(table), -1), scale


def unpack_embeddings(packed: npt.NDArray[np.uint8], scale: npt.NDArray[np.float16]) -> Floats:
    """The inverse of :func:`pack_embeddings`."""
    blocks = packed.reshape(len(packed), -1, _BLOCK // 2)
    values = np.concatenate([blocks & 15, blocks >> 4], -1).astype(np.float32) - np.float32(8)
    unpacked: Floats = values * scale[..., None].astype(np.float32)
    return unpacked.reshape(len(packed), -1)
