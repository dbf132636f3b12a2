"""The forms of a word with what Korean and Arabic write together with it.

Korean puts particles behind a noun (삼성은, 삼성에서). Arabic puts "and", "in", "for", "like" and
the article before it (والبنك, للبنك). Neither makes another word, so a plain term stands for these
forms too. Words of one syllable or two letters stay alone: with a particle they are often other
words.
"""

from functools import lru_cache
from typing import Final

import regex

_KOREAN: Final = regex.compile(r"[가-힣]{2,20}")
_ARABIC: Final = regex.compile(r"[ء-غف-ي]{3,40}")
_ARTICLE: Final = "ال"
_FIRST_SYLLABLE: Final = 0xAC00
_FINALS: Final = 28
"""Final consonants of a syllable; the first of them is none."""
_RIEUL: Final = 8

ALWAYS: Final = (
    "의", "에", "에서", "에게", "께", "한테", "도", "만", "하고", "부터", "까지", "보다", "처럼",
    "에는", "에도", "에서는", "에서도", "들", "들이", "들은", "측", "측은", "입니다", "인데",
)  # fmt: skip
AFTER_CONSONANT: Final = (
    "은", "이", "을", "과", "으로", "으로는", "이랑", "이나", "이라", "이라고", "이야", "이다",
    "이란",
)  # fmt: skip
AFTER_VOWEL: Final = (
    "는", "가", "를", "와", "로", "로는", "랑", "나", "라", "라고", "야", "다", "란",
)  # fmt: skip
BEFORE_NOUN: Final = (
    "و", "ف", "ب", "ك", "ل", "ال", "وال", "فال", "بال", "كال", "لل", "ولل", "وب", "ول", "وبال",
)  # fmt: skip
BEFORE_ARTICLE: Final = ("و", "ف", "ب", "ك", "وب")
"""Before a word that has its article; "for" swallows the alef of the article (للبنك)."""
FOR_ARTICLE: Final = ("لل", "ولل", "فلل")


@lru_cache(maxsize=10_000)
def with_affixes(form: str) -> tuple[str, ...]:
    """The folded form itself, then its forms with particles or clitics."""
    if form.isascii():
        return (form,)
    if _KOREAN.fullmatch(form):
        return (form, *(form + particle for particle in particles(form)))
    if _ARABIC.fullmatch(form):
        return (form, *_arabic(form))
    return (form,)


def particles(form: str) -> tuple[str, ...]:
    """The particles that may follow a Korean word, by its last sound."""
    final = (ord(form[-1]) - _FIRST_SYLLABLE) % _FINALS
    if not final:
        return (*ALWAYS, *AFTER_VOWEL)
    return (*ALWAYS, *AFTER_CONSONANT, *(("로", "로는") if final == _RIEUL else ()))


def _arabic(form: str) -> tuple[str, ...]:
    base = form.removeprefix(_ARTICLE)
    if base == form or len(base) < 3:
        return tuple(prefix + form for prefix in BEFORE_NOUN)
    return (
        *(prefix + form for prefix in BEFORE_ARTICLE),
        *(prefix + base for prefix in FOR_ARTICLE),
    )


def common_part(form: str) -> str:
    """Letters that each form holds in a row."""
    forms = with_affixes(form)
    base = form.removeprefix(_ARTICLE)
    return form if all(form in one for one in forms) else base
