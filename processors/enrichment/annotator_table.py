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
    "encoder": "encoder:EncoderAnnotator",
}
"""Name to module in ``processors.enrichment.annotators`` and class, in the default order.
Modules are imported on first use: spaCy alone takes seconds, and few commands need it."""
ACCURATE: Final = ("encoder",)
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


def build_enricher(
    settings: ProcessSettings, matcher: Callable[[], BrandMatcher], prefilter: bool = True
) -> Enricher:
    """The enricher with the annotators of the settings, in their order."""
    names = check_annotators(settings)
    with (
        paused_collector(),
        ThreadPoolExecutor(1) as pool,
    ):  # compiling the encoder leaves the interpreter free
        accurate = [
            pool.submit(_build, name, settings, matcher)
            for name in names
            if name in ACCURATE and settings.tier != "fast"
        ]
        return Enricher(
            [_build(name, settings, matcher) for name in names if name not in ACCURATE],
            accurate=[built.result() for built in accurate],
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
