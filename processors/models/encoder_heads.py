"""The encoder's heads: states of tokens in, probabilities and labelled runs of tokens out.

All heads are linear, and the mean of a product is the product of the mean. So one product scores
every token for every head; what a head says of a post or a span is the mean of its tokens' scores.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.models.encoder_rows import Run

Floats = npt.NDArray[np.floating[Any]]
Probabilities = tuple[float, ...]

TAGS: Final = ("entities", "aspects")
"""Heads that label each token."""
_TARGET: Final = "target"
_OF_POST, _OF_SPAN = "target, post", "target, span"
"""The two halves of the head of targets, which reads both means."""


class TokenRun(NamedTuple):
    """Tokens of one label: the number of their text's place, and the tokens within the text."""

    place: int
    first: int
    end: int
    label: str
    probability: float
    """Mean over the tokens that they are of this label."""


class _Tags:
    """A head that labels each token."""

    def __init__(self, columns: slice, bias: Floats, classes: Sequence[str]) -> None:
        self.columns, self.bias = columns, bias
        self.labels = sorted({tag[2:] for tag in classes if tag != "O"})
        self.of = [self.labels.index(tag[2:]) if tag != "O" else -1 for tag in classes]
        """Class to the number of its label."""
        self.begins = [tag.startswith("B") for tag in classes]
        self.sums = np.array(
            [[number == own for own in range(len(self.labels))] for number in self.of]
        )
        """(classes, labels): adds the classes of each label."""


class Heads:
    """The weights of all heads side by side."""

    def __init__(
        self,
        arrays: Mapping[str, npt.NDArray[Any]],
        classes: Mapping[str, Sequence[str]],
        temperature: Mapping[str, float],
    ) -> None:
        """``temperature``: a divisor of a head's scores, 1 where there is none."""
        parts: dict[str, Floats] = {}
        biases: dict[str, Floats] = {}
        for name in classes:
            divisor = temperature.get(name, 1.0)
            weight = arrays[f"heads.{name}.weight"] / divisor
            biases[name] = arrays[f"heads.{name}.bias"] / divisor
            if name == _TARGET:
                parts[_OF_POST], parts[_OF_SPAN] = np.split(weight, 2, 1)
            else:
                parts[name] = weight
        bounds = np.cumsum([0, *map(len, parts.values())]).tolist()
        columns = dict(zip(parts, map(slice, bounds, bounds[1:]), strict=False))
        self.weight = np.ascontiguousarray(np.concatenate([*parts.values()]).T, np.float32)
        self.target = (columns[_OF_POST], columns[_OF_SPAN], biases[_TARGET])
        self.tags = {name: _Tags(columns[name], biases[name], classes[name]) for name in TAGS}
        self.of_posts = {
            name: (columns[name], biases[name]) for name in classes if name not in (*TAGS, _TARGET)
        }
        """Head of the whole post to its columns and bias."""


class Scores:
    """The scores of a run's tokens."""

    def __init__(self, heads: Heads, states: Floats, run: Run) -> None:
        """``states``: (rows, tokens, width)."""
        self._heads = heads
        self._owners = run.owners.ravel()
        self._begins = [place.first for place in run.places]
        self._tokens = states.reshape(-1, states.shape[-1]) @ heads.weight
        self._sums = np.zeros((len(self._tokens) + 1, self._tokens.shape[1]))
        np.cumsum(self._tokens, 0, out=self._sums[1:])
        self._posts = self._means([(place.first, place.end) for place in run.places])

    def _means(self, spans: Sequence[tuple[int, int]]) -> Floats:
        """The mean scores of tokens of the run, from first to end."""
        first, end = np.array(spans).T
        means: Floats = (self._sums[end] - self._sums[first]) / (end - first)[:, None]
        return means

    def posts(self) -> Iterator[dict[str, Probabilities]]:
        """For each place, what each head says of the post."""
        answers = {
            head: softmax(self._posts[:, columns] + bias).tolist()
            for head, (columns, bias) in self._heads.of_posts.items()
        }
        for rows in zip(*answers.values(), strict=True):
            yield dict(zip(answers, map(tuple, rows), strict=True))

    def towards(self, spans: Sequence[tuple[int, int, int]]) -> list[Probabilities]:
        """The sentiment towards spans: the number of a place, first token and end within it."""
        if not spans:
            return []
        of_post, of_span, bias = self._heads.target
        begins = self._begins
        own = self._means([(begins[at] + first, begins[at] + end) for at, first, end in spans])
        post = self._posts[[at for at, *_ in spans], of_post]
        return [tuple(row) for row in softmax(post + own[:, of_span] + bias).tolist()]

    def tagged(self, head: str) -> Iterator[TokenRun]:
        """Runs of tokens with one label, in order; the first and last tokens of a text have none.

        A run goes on with "I-" of its label.
        """
        tags = self._heads.tags[head]
        logits = self._tokens[:, tags.columns] + tags.bias
        best = logits.argmax(1)
        owners = self._owners
        inner = np.zeros(len(owners), bool)
        inner[1:-1] = (owners[:-2] == owners[2:]) & (owners[1:-1] > 0)
        hits = np.flatnonzero(inner & (best > 0))
        kinds = best[hits]
        numbers = np.array(tags.of)[kinds]
        shares = (softmax(logits[hits]) @ tags.sums)[np.arange(len(hits)), numbers]
        run: list[float] = []
        first, end, own = 0, -1, -1
        for at, kind, number, share in zip(
            hits.tolist(), kinds.tolist(), numbers.tolist(), shares.tolist(), strict=True
        ):
            if at != end or tags.begins[kind] or number != own:
                if run:
                    yield self._run(first, end, tags.labels[own], run)
                first, own, run = at, number, []
            run.append(share)
            end = at + 1
        if run:
            yield self._run(first, end, tags.labels[own], run)

    def _run(self, first: int, end: int, label: str, shares: Sequence[float]) -> TokenRun:
        place = int(self._owners[first]) - 1
        begin = self._begins[place]
        return TokenRun(place, first - begin, end - begin, label, sum(shares) / len(shares))


def softmax(logits: Floats) -> Floats:
    """Along the last axis."""
    odds: Floats = np.exp(logits - logits.max(-1, keepdims=True))
    odds /= odds.sum(-1, keepdims=True)
    return odds
