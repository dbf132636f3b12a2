"""Input of the language model, and the languages that the script alone decides.

The model was trained on the output of `prose`: a changed pattern needs a new model.
"""

import re
from typing import Final

MAX_TEXT: Final = 2_000

SCRIPT_CONFIDENCE: Final = {"ja": 0.99, "zh": 0.97}
"""Accuracy on held-out sentences and word pairs, rounded down (Han alone may be Japanese)."""

_SYMBOLS: Final = (
    "\x000-9!-%(-/:-?\\[-`{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u2010-\u2bff\ufe0f"
    "\ud800-\udfff\U0001f000-\U0001faff"
)
"""Digits, punctuation, emoji, NUL and lone surrogates, without apostrophe and combining letters."""

_LINK = re.compile(r"\bhttps?://\S*|\bhttp\b|\bwww\.\S+|\bpic\.twitter\.com/\S*")
_REPOST = re.compile(r"^RT\b")
# A set of characters comes first: the search skips to one of them, in half the time.
# U+200D joins emoji to one; in Hindi it joins letters, and stays.
_NOISE = re.compile(rf"[@&{_SYMBOLS}](?:(?<=@)\w+|(?<=&)\w+;|[{_SYMBOLS}\u200d]*)")
_REPEATED = re.compile(r"(\w{1,2}?)\1\1+")
_EAST_ASIAN = re.compile("[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9d]")
_KANA = re.compile("[\u3041-\u30ff\uff66-\uff9d]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")


def prose(text: str) -> str:
    """The words of the first `MAX_TEXT` code points, in lower case on one line.

    Links, handles, "RT", entities, numbers, punctuation and emoji are left out. Letters repeated
    more than twice are written once ("gooool", "jajajaja"): no dictionary has these words.
    """
    text = text[:MAX_TEXT]
    if "http" in text or "www." in text or "pic." in text:
        text = _LINK.sub(" ", text)
    if text.startswith("RT"):
        text = _REPOST.sub(" ", text)
    cleaned = " ".join(_NOISE.sub(" ", text).lower().split())
    if _REPEATED.search(cleaned) is None:
        return cleaned
    return _REPEATED.sub(r"\1", cleaned)


def has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))


def by_script(cleaned: str) -> str | None:
    """Chinese or Japanese if Han characters and kana outnumber Latin letters.

    The models split words at spaces, which these languages lack, and miss most short posts.
    """
    if _EAST_ASIAN.search(cleaned) is None:
        return None
    kana = len(_KANA.findall(cleaned))
    han = len(_HAN.findall(cleaned))
    if kana + han <= len(_LATIN.findall(cleaned)):
        return None
    return "ja" if kana else "zh"
