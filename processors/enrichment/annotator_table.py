"""The table of annotators by name, and the enricher that the settings describe."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Final

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.base import Annotator
from processors.enrichment.enricher import Enricher
from runtime.collector import paused_collector
from runtime.settings import ProcessSettings
from schemas.errors import ConfigurationError

ANNOTATORS: Final = {
    "language": "language:LanguageAnnotator",
    "brands": "brands:BrandAnnotator",
    "sentiment": "sentiment:SentimentAnnotator",
    "entities": "entities:EntityAnnotator",
    "aspects": "aspects:AspectAnnotator",
    "intents": "intents:IntentAnnotator",
    "duplicates": "duplicates:FingerprintAnnotator",
    "influence": "influence:InfluenceAnnotator",
    "spacy_entities": "spacy_entities:SpacyEntityAnnotator",
    "encoder": "encoder:EncoderAnnotator",
}
"""Name to module in ``processors.enrichment.annotators`` and class, in the default order.
Modules are imported on first use: spaCy alone takes seconds, and few commands need it."""
ACCURATE: Final = ("spacy_entities", "encoder")
"""Annotators of the accurate tier only; they run last and refine the fields of the others."""


def check_annotators(settings: ProcessSettings) -> list[str]:
    """The annotators in the settings. Raises ConfigurationError if a name is wrong or repeated."""
    names = settings.annotator_names
    if not names or not ANNOTATORS.keys() >= set(names) or len(set(names)) < len(names):
        raise ConfigurationError(
            f"TOCSIN_PROCESS_ANNOTATORS is {settings.annotators!r}; name each of "
            f"{', '.join(ANNOTATORS)} at most once"
        )
    return names


def runs_spacy(settings: ProcessSettings) -> bool:
    """Whether any post is read by spaCy."""
    named = "spacy_entities" in settings.annotator_names
    return named and (settings.entities == "spacy" or settings.tier != "fast")


def accurate_annotators(settings: ProcessSettings) -> tuple[str, ...]:
    """Those of ``ACCURATE`` that these settings do not run on every post."""
    everywhere = {"spacy_entities"} if settings.entities == "spacy" else set()
    return tuple(name for name in ACCURATE if name not in everywhere)


def build_enricher(
    settings: ProcessSettings, matcher: Callable[[], BrandMatcher], prefilter: bool = True
) -> Enricher:
    """The enricher with the annotators of the settings, in their order."""
    accurate = accurate_annotators(settings)
    names = [
        name
        for name in check_annotators(settings)
        if name not in accurate or settings.tier != "fast"
    ]
    with paused_collector(), ThreadPoolExecutor(1) as pool:
        # Compiling the encoder leaves the interpreter free.
        encoder = pool.submit(_build, "encoder", settings, matcher) if "encoder" in names else None
        built = {name: _build(name, settings, matcher) for name in names if name != "encoder"}
        if encoder is not None:
            built["encoder"] = encoder.result()
        return Enricher(
            [built[name] for name in names if name not in accurate],
            accurate=[built[name] for name in names if name in accurate],
            keep_unmatched=settings.keep_unmatched,
            prefilter=prefilter,
        )


def _build(name: str, settings: ProcessSettings, matcher: Callable[[], BrandMatcher]) -> Annotator:
    module, class_name = ANNOTATORS[name].split(":")
    try:
        imported = import_module(f"processors.enrichment.annotators.{module}")
    except ModuleNotFoundError as error:
        if name not in ACCURATE:
            raise
        raise ConfigurationError(
            f"the {name} needs {error.name}: install tocsin[models], or set "
            "TOCSIN_PROCESS_TIER=fast"
        ) from None
    annotator_class: type[Annotator] = getattr(imported, class_name)
    return annotator_class.from_settings(settings, matcher)
