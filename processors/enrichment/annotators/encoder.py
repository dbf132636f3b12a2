"""Refines what the fast tier said of a post with the encoder, and adds what only it can tell."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from msgspec.structs import replace

from processors.enrichment.annotators.entities import reading_language
from processors.enrichment.annotators.sentiment import to_sentiment
from processors.enrichment.gazetteer import Gazetteer, built_in
from processors.models.encoder_model import Asked, Encoder, Reading
from schemas.mention import Aspect, BrandMatch, Emotion, Flag, Mention, Sentiment, Target
from schemas.types import EmotionLabel, EntityLabel, IntentLabel
from text.clauses import Span, about, clauses

_MAX_ASPECTS: Final = 20
MIN_PROBABILITY: Final = 0.1
"""Probability below which an emotion is not said for being rare (chosen on TweetEval's and
EmoEvent's validation posts, as its weight was)."""
_IRONY_LANGUAGES: Final = frozenset({"en", "und"})
"""Irony was only learnt in English, and elsewhere calls most complaints ironic."""
_OCCURRENCES: Final = 4
"""Places of one target that are looked at."""


class EncoderAnnotator:
    """Fills sentiment (of the post, towards brands, aspects and targets), emotion, irony and
    toxicity; decides complaint; adds free aspects, and entities where spaCy has no pipeline."""

    name = "encoder"
    heavy = True

    def __init__(
        self,
        encoder: Encoder | None = None,
        gazetteer: Path | None = None,
        names_in: Callable[[str], bool] = lambda language: language not in ("en", "fr"),
    ) -> None:
        """The committed weights, unless others are given; ``gazetteer``: as for entities;
        ``names_in``: whether the encoder is to find the entities of a language."""
        self._encoder = encoder or Encoder()
        self._names_in = names_in
        self._gazetteer = built_in() if gazetteer is None else Gazetteer(gazetteer)
        self.version = self._encoder.version

    def warm(self, languages: Sequence[str]) -> None:
        """Run once, so that the first batch does not wait for the layers to be prepared."""
        self._encoder.read(["warm " * (8 * n) for n in range(1, 9)])

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Refine each mention."""
        asked = [_asked(mention) for mention in batch]
        readings = self._encoder.read(
            [mention.post.text for mention in batch], [[one for _, one in all_] for all_ in asked]
        )
        for mention, named, reading in zip(batch, asked, readings, strict=True):
            if reading.heads:
                self._refine(mention, [what for what, _ in named], reading)

    def _refine(self, mention: Mention, named: Sequence[str], reading: Reading) -> None:
        classes = self._encoder.classes
        heads = reading.heads
        mention.sentiment = self._sentiment(heads["sentiment"], mention.sentiment)
        weights = self._encoder.weights
        mention.emotion = _emotion(classes["emotion"], heads["emotion"], weights["emotion"])
        language = mention.language
        if language is None or language.code in _IRONY_LANGUAGES:
            mention.irony = _flag(heads["irony"], weights["irony"])
        mention.toxicity = _flag(heads["offensive"], weights["offensive"])
        towards = _towards(named, reading)
        mention.brands = [
            replace(brand, sentiment=towards.get(f"brand:{brand.id}", mention.sentiment))
            for brand in mention.brands
        ]
        mention.targets = [
            Target(text=one.text, sentiment=towards.get(f"target:{one.text}", mention.sentiment))
            for one in mention.targets
        ]
        mention.aspects = _aspects(mention, towards, reading)
        _decide_complaint(mention, _flag(heads["complaint"], weights["complaint"]).label)
        if self._names_in(reading_language(mention)):
            mention.entities = self._gazetteer.apply(
                mention.post.text,
                [(start, end, cast(EntityLabel, label)) for start, end, label in reading.entities],
                len(mention.post.text),
            )

    def _sentiment(self, own: Sequence[float], fast: Sentiment | None) -> Sentiment:
        if fast is None:
            return to_sentiment(_three(own))
        said = (fast.negative, fast.neutral, fast.positive)
        return to_sentiment(_three(self._encoder.blend.mix(own, said)))


def _asked(mention: Mention) -> list[tuple[str, Asked]]:
    """What to tell the sentiment towards, each with what it stands for."""
    text = mention.post.text
    things = {f"brand:{brand.id}": _places(mention, brand) for brand in mention.brands} | {
        f"target:{one.text}": occurrences(text, one.text) for one in mention.targets
    }
    aspects = {f"aspect:{one.start}": [(one.start, one.end)] for one in mention.aspects}
    parts = clauses(text) if len(things) > 1 or len(aspects) > 1 else []
    return [*_with_parts(parts, things), *_with_parts(parts, aspects)]


def _with_parts(
    parts: Sequence[Span], named: Mapping[str, Sequence[Span]]
) -> Iterator[tuple[str, Asked]]:
    """Each place with the clauses that do not speak only of the others."""
    for what, spans in named.items():
        others = [span for other, all_ in named.items() if other != what for span in all_]
        mine = about(parts, spans, others)
        if len(mine) == len(parts):
            mine = []
        yield from ((what, Asked(span, mine)) for span in spans)


def _places(mention: Mention, brand: BrandMatch) -> list[Span]:
    """Where the text names the brand."""
    return [
        (match.start, match.end)
        for match in brand.matches
        if match.field == "text" and match.start is not None and match.end is not None
    ][:_OCCURRENCES]


def occurrences(text: str, wanted: str) -> list[Span]:
    """The first few places of a phrase in a text, whatever its case; whole words if there are."""
    if not wanted:
        return []
    low, sought = text.lower(), wanted.lower()
    if len(low) != len(text):
        low, sought = text, wanted
    found: list[Span] = []
    at = low.find(sought)
    while at >= 0:
        found.append((at, at + len(sought)))
        at = low.find(sought, at + len(sought))
    whole = [span for span in found if _is_whole(text, span)]
    return (whole or found)[:_OCCURRENCES]


def _is_whole(text: str, span: Span) -> bool:
    start, end = span
    before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    after = end < len(text) and text[end].isalnum() and text[end - 1].isalnum()
    return not before and not after


def _aspects(mention: Mention, towards: dict[str, Sentiment], reading: Reading) -> list[Aspect]:
    """The lexicon's aspects with the sentiment towards each, and the phrases that it lacks."""
    known = [
        replace(aspect, sentiment=towards.get(f"aspect:{aspect.start}"))
        for aspect in mention.aspects
    ]
    free = [
        Aspect(
            label="other",
            text=mention.post.text[start:end],
            start=start,
            end=end,
            sentiment=to_sentiment(_three(probabilities)),
        )
        for start, end, probabilities in reading.aspects
        if not any(start < aspect.end and aspect.start < end for aspect in known)
    ]
    return sorted(known + free, key=lambda aspect: aspect.start)[:_MAX_ASPECTS]


def _towards(named: Sequence[str], reading: Reading) -> dict[str, Sentiment]:
    """The sentiment towards each thing: the mean over the places that name it."""
    found: dict[str, list[tuple[float, ...]]] = {}
    for what, probabilities in zip(named, reading.targets, strict=True):
        if probabilities is not None:
            found.setdefault(what, []).append(probabilities)
    return {
        what: to_sentiment(_three([sum(each) / len(all_) for each in zip(*all_, strict=True)]))
        for what, all_ in found.items()
    }


def _three(probabilities: Sequence[float]) -> tuple[float, float, float]:
    negative, neutral, positive = probabilities
    return negative, neutral, positive


def _emotion(
    classes: Sequence[str], probabilities: Sequence[float], weights: Sequence[float]
) -> Emotion:
    top = max(probabilities)
    likely = [at for at, p in enumerate(probabilities) if p >= MIN_PROBABILITY or p == top]
    best = max(likely, key=lambda at: probabilities[at] * weights[at])
    return Emotion(
        label=cast(EmotionLabel, classes[best]), confidence=round(probabilities[best], 4)
    )


def _flag(probabilities: Sequence[float], weights: Sequence[float]) -> Flag:
    no, yes = (p * weight for p, weight in zip(probabilities, weights, strict=True))
    return Flag(label=yes > no, probability=round(probabilities[1], 4))


def _decide_complaint(mention: Mention, complains: bool) -> None:
    complaint: IntentLabel = "complaint"
    if complains and complaint not in mention.intents:
        mention.intents = [complaint, *mention.intents]
    elif not complains and complaint in mention.intents:
        mention.intents = [intent for intent in mention.intents if intent != complaint]
