"""Annotates the author's sentiment with the trained baseline (``docs/models/sentiment.md``)."""

from collections.abc import Sequence

from processors.enrichment.annotators.base import Annotator
from processors.models.sentiment_model import SentimentModel
from schemas.mention import Mention, Sentiment
from schemas.types import SentimentLabel

_LABELS: tuple[SentimentLabel, ...] = ("negative", "neutral", "positive")


class SentimentAnnotator(Annotator):
    name = "sentiment"
    heavy = False
    version = "ngram-4"

    def __init__(self, model: SentimentModel | None = None) -> None:
        self._model = model or SentimentModel.load()

    def annotate(self, batch: Sequence[Mention]) -> None:
        scores = self._model.score([mention.post.text for mention in batch])
        for mention, probabilities in zip(batch, scores, strict=True):
            mention.sentiment = to_sentiment(probabilities)


def to_sentiment(probabilities: Sequence[float]) -> Sentiment:
    """From the probabilities (negative, neutral, positive), rounded to 4 digits."""
    negative, neutral, positive = (round(value, 4) for value in probabilities)
    best = max(range(3), key=probabilities.__getitem__)
    return Sentiment(
        label=_LABELS[best],
        score=round(max(-1.0, min(1.0, positive - negative)), 4),
        negative=negative,
        neutral=neutral,
        positive=positive,
    )
