"""Refines the fast tier's annotations with the encoder, and adds emotion, irony and toxicity."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, Self, cast

from msgspec.structs import replace

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.base import Annotator, model_language
from processors.enrichment.annotators.sentiment import to_sentiment
from processors.enrichment.brand_names import BrandNames
from processors.enrichment.gazetteer import Gazetteer, built_in
from processors.enrichment.second_opinion import second_opinion
from processors.models.encoder_model import MAX_TEXT, Encoder, Reading
from processors.models.name_model import Name
from runtime.settings import ProcessSettings
from schemas.bounds import MAX_READ
from schemas.mention import Aspect, BrandMatch, Emotion, Flag, Mention, Sentiment
from schemas.types import EmotionLabel
from text.character_classes import is_within_word
from text.clauses import Span, about, clauses

_MAX_ASPECTS: Final = 20
_LONG_WORD: Final = re.compile(r"[A-Za-zÀ-ɏ]{4}|[^\W\d_A-Za-zÀ-ɏ]")
"""Four Latin letters in a row, or a letter of another script."""
MIN_PROBABILITY: Final = 0.1
"""Minimum probability of an emotion other than the most probable one (chosen, like the weights,
on the validation posts of TweetEval and EmoEvent)."""
_REVISION: Final = 2
"""Rises where the same weights give another annotation."""
_IRONY_LANGUAGES: Final = frozenset({"en", "und"})
"""Irony is learnt in English only; elsewhere most complaints would be ironic."""
_SECOND_OPINION: Final = frozenset({"en"})
"""Languages where the encoder corrects spaCy's names. In French that costs one to two points."""
_MAX_OCCURRENCES: Final = 4
"""Occurrences of one target that are read."""


def _without_pipeline(settings: ProcessSettings) -> Callable[[str], bool]:
    """Whether spaCy does not read a language; all, if it does not run."""
    if "spacy_entities" not in settings.annotator_names:
        return lambda language: True
    # Imported where spaCy runs anyway. It tells which pipelines are installed and loads none.
    from processors.enrichment.annotators.spacy_entities import recognizer_of

    recognizer = recognizer_of(settings)
    return lambda language: bool(recognizer.missing([language]))


class _Named(NamedTuple):
    """A thing that gets a sentiment towards it, where it is named once."""

    name: str
    span: Span
    context: Sequence[Span]
    """The clauses to read alone for it; empty for the whole post."""


class EncoderAnnotator(Annotator):
    """Fills sentiment (of the post; towards brands, aspects and targets), emotion, irony, toxicity;
    decides complaint; adds aspects, and entities where spaCy has no pipeline."""

    name = "encoder"

    def __init__(
        self,
        encoder: Encoder | None = None,
        gazetteer: Path | None = None,
        names_in: Callable[[str], bool] = lambda language: language not in ("en", "fr"),
        matcher: Callable[[], BrandMatcher] | None = None,
    ) -> None:
        """``gazetteer``, ``matcher``: as for entities; ``names_in``: languages whose entities it
        fills."""
        self._encoder = encoder or Encoder()
        self._names_in = names_in
        self._gazetteer = built_in() if gazetteer is None else Gazetteer(gazetteer)
        self._brand_names = BrandNames(matcher, self._gazetteer)
        self.version = f"{self._encoder.version}-{_REVISION}"

    @classmethod
    def from_settings(cls, settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Self:
        return cls(
            gazetteer=settings.gazetteer,
            names_in=cache(_without_pipeline(settings)),
            matcher=matcher,
        )

    def warm(self, languages: Sequence[str]) -> None:
        # A full run: OpenVINO prepares the layers at the first one of each shape.
        self._encoder.read(["warm " * 19] * 24)

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Where the clauses about a thing are known, it has the sentiment of these, read alone.

        Within the whole post, what is said of the others colours the states of all words.
        """
        targets = [_targets(mention) for mention in batch]
        asked = [[one for one in named if not one.context] for named in targets]
        apart = [
            _apart(mention.post.text, named) for mention, named in zip(batch, targets, strict=True)
        ]
        alone = list(dict.fromkeys(text for own in apart for text in own.values()))
        readings = self._encoder.read(
            [*(mention.post.text[:MAX_READ] for mention in batch), *alone],
            [*([one.span for one in named] for named in asked), *([()] * len(alone))],
        )
        answers = dict(zip(alone, readings[len(batch) :], strict=True))
        for mention, named, own, reading in zip(batch, asked, apart, readings, strict=False):
            if not reading.heads:
                continue
            # Clauses without a token say nothing of their own: they have the post's.
            clauses_say = [
                (answers[text].heads or reading.heads)["sentiment"] for text in own.values()
            ]
            reading.targets.extend(clauses_say)
            self._refine(mention, [*(one.name for one in named), *own], reading)

    def _refine(self, mention: Mention, names: Sequence[str], reading: Reading) -> None:
        heads, weights = reading.heads, self._encoder.weights
        sentiment = heads["sentiment"]
        if fast := mention.sentiment:
            fast_shares = (fast.negative, fast.neutral, fast.positive)
            sentiment = self._encoder.blend.mix(sentiment, fast_shares)
        mention.sentiment = to_sentiment(sentiment)
        emotions = self._encoder.classes["emotion"]
        mention.emotion = _emotion(emotions, heads["emotion"], weights["emotion"])
        language = mention.language
        if language is None or language.code in _IRONY_LANGUAGES:
            mention.irony = _flag(heads["irony"], weights["irony"])
        mention.toxicity = _flag(heads["offensive"], weights["offensive"])
        towards = _towards(names, reading)
        mention.brands = [
            replace(brand, sentiment=towards.get(f"brand:{brand.id}", mention.sentiment))
            for brand in mention.brands
        ]
        mention.targets = [
            replace(target, sentiment=towards.get(f"target:{target.text}", mention.sentiment))
            for target in mention.targets
        ]
        if self._names_in(model_language(mention)):
            self._set_names(mention, [name[:3] for name in reading.entities])
        elif model_language(mention) in _SECOND_OPINION:
            first = [(one.start, one.end, one.label) for one in mention.entities]
            if (corrected := second_opinion(first, reading.entities)) != first:
                self._set_names(mention, corrected)
        mention.aspects = _aspects(mention, towards, reading)
        _decide_complaint(mention, _flag(heads["complaint"], weights["complaint"]).label)
        if mention.sentiment.label == "negative":
            # The cues believed the fast tier: "bravo" and "merci" are in complaints as well.
            mention.intents = [intent for intent in mention.intents if intent != "praise"]

    def _set_names(self, mention: Mention, names: Sequence[Name]) -> None:
        mention.entities = self._gazetteer.apply(mention.post.text[:MAX_READ], names, MAX_READ)
        if mention.brands:
            self._brand_names.apply([mention])


def _targets(mention: Mention) -> list[_Named]:
    """All that gets a sentiment towards it, each as often as it is named."""
    text = mention.post.text[:MAX_TEXT]
    things = {f"brand:{brand.id}": _spans(brand) for brand in mention.brands} | {
        f"target:{target.text}": occurrences(text, target.text) for target in mention.targets
    }
    aspects = {f"aspect:{aspect.start}": [(aspect.start, aspect.end)] for aspect in mention.aspects}
    parts = clauses(text) if len(things) > 1 or len(aspects) > 1 else []
    return [*_in_clauses(parts, things), *_in_clauses(parts, aspects)]


def _in_clauses(parts: Sequence[Span], named: Mapping[str, Sequence[Span]]) -> Iterator[_Named]:
    """Each span with its context: the clauses that are not only about the others."""
    for name, spans in named.items():
        others = [span for other in named if other != name for span in named[other]]
        own = about(parts, spans, others)
        context = [] if len(own) == len(parts) else own
        yield from (_Named(name, span, context) for span in spans)


def _apart(text: str, named: Sequence[_Named]) -> dict[str, str]:
    """Name to the clauses about it, as one text, of those that are read alone."""
    return {
        one.name: " ".join(text[start:end].strip() for start, end in one.context)
        for one in named
        if one.context
    }


def _spans(brand: BrandMatch) -> list[Span]:
    return [
        (match.start, match.end)
        for match in brand.matches
        if match.field == "text" and match.start is not None and match.end is not None
    ][:_MAX_OCCURRENCES]


def occurrences(text: str, phrase: str) -> list[Span]:
    """The first spans of a phrase in a text, in any case; whole words if there are any."""
    if not phrase:
        return []
    lower = text.lower()
    if len(lower) == len(text):  # else the spans would differ
        phrase, text = phrase.lower(), lower
    spans = [match.span() for match in re.finditer(re.escape(phrase), text)]
    return ([span for span in spans if _is_whole(text, span)] or spans)[:_MAX_OCCURRENCES]


def _is_whole(text: str, span: Span) -> bool:
    return not any(is_within_word(text, place) for place in span)


def _aspects(mention: Mention, towards: dict[str, Sentiment], reading: Reading) -> list[Aspect]:
    """The lexicon's aspects, each with a sentiment, and the encoder's other aspects: no names, and
    no words as short as "von"."""
    listed = [
        replace(aspect, sentiment=towards.get(f"aspect:{aspect.start}"))
        for aspect in mention.aspects
    ]
    people_and_places = ("PERSON", "ORG", "LOC")
    names = [(e.start, e.end) for e in mention.entities if e.label in people_and_places]
    brands = [span for brand in mention.brands for span in _spans(brand)]
    taken = [(aspect.start, aspect.end) for aspect in listed] + names + brands
    free = [
        Aspect(
            label="other",
            text=mention.post.text[start:end],
            start=start,
            end=end,
            sentiment=to_sentiment(probabilities),
        )
        for start, end, probabilities in reading.aspects
        if _LONG_WORD.search(mention.post.text, start, end)
        and not any(start < last and first < end for first, last in taken)
    ]
    return sorted(listed + free, key=lambda aspect: aspect.start)[:_MAX_ASPECTS]


def _towards(names: Sequence[str], reading: Reading) -> dict[str, Sentiment]:
    """The sentiment towards each name: the mean over its spans."""
    by_name: dict[str, list[tuple[float, ...]]] = {}
    for name, probabilities in zip(names, reading.targets, strict=True):
        if probabilities is not None:
            by_name.setdefault(name, []).append(probabilities)
    return {
        name: to_sentiment([sum(p) / len(rows) for p in zip(*rows, strict=True)])
        for name, rows in by_name.items()
    }


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
    if not complains:
        mention.intents = [intent for intent in mention.intents if intent != "complaint"]
    elif "complaint" not in mention.intents:
        mention.intents = ["complaint", *mention.intents]
