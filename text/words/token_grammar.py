"""The pattern of a token, once over the classes of letters and once for ASCII text.

Addresses come first (URL, e-mail, account), then hashtags, tickers and words. A sign is a token
only where a name needs it, since its letters alone would be everyday words:

| sign | where | names |
|---|---|---|
| ``&`` | between two runs of at most three letters or digits | C&A, AT&T, H & M, M&Ms |
| ``.`` | between letters, one side at most two; at the start of a word | E.ON, Au.fr, .NET |
| ``+`` | after a letter, at the end of a word | C++, Canal+, Disney+ |
| ``#`` | after one letter, at the end of a word | C#, F# |

An alternative begins with its sign, and looks back from there: a letter that is none costs no more
than a comparison. Every repetition that can fail is bounded, so a text costs time linear in its
length.
"""

import re
from typing import Final

from text.character_classes import (
    ARABIC,
    BASE,
    BASE_MARK,
    CHARACTER,
    EMOJI,
    EMOJI_LETTER,
    HANGUL,
    HEBREW,
    INDIC,
    INVISIBLE,
    JOINER,
    MARK,
    NON_JOINER,
    REGIONAL,
    SELECTOR,
    SIGN,
    TONE,
    VOICED,
)

_COUNTRIES: Final = (
    "a[cdefgilmoqrstuwxz]|b[abdefghijmnorstvwyz]|c[acdfghiklmnoruvwxyz]|d[ejkmoz]|e[cegrstu]"
    "|f[ijkmor]|g[abdefghilmnpqrstuwy]|h[kmnrtu]|i[delmnoqrst]|j[emop]|k[eghimnprwyz]"
    "|l[abcikrstuvy]|m[acdeghklmnopqrstuvwxyz]|n[acefgilopruz]|om|p[aefghklmnrstwy]|qa"
    "|r[eosuw]|s[abcdeghiklmnorstuvxyz]|t[cdfghjklmnortvwz]|u[agksyz]|v[aceginu]|w[fs]|y[et]"
    "|z[amw]"
)
"""Domains of countries (IANA's root zone)."""
_GENERIC: Final = (
    "com|net|org|edu|gov|int|info|biz|name|pro|aero|asia|cat|coop|jobs|mobi|museum|tel|travel|app"
    "|art|bank|bio|blog|business|cafe|care|chat|cloud|club|codes|community|company|design|dev"
    "|digital|earth|email|energy|family|fans|finance|fun|games|garden|global|group|house|ink|land"
    "|life|link|live|lol|love|media|moe|money|network|news|ninja|one|online|page|paris|berlin"
    "|london|wales|scot|swiss|party|place|plus|press|pub|radio|rocks|run|sale|school|science"
    "|sexy|shop|show|site|social|software|space|sport|sports|store|studio|style|support|systems"
    "|team|tech|technology|tips|today|tools|top|town|tube|university|vip|watch|website|wiki"
    "|work|works|world|wtf|xyz|zone|example|test|invalid|local"
)
"""Other domains that accounts have, and those that stand for none (RFC 2606)."""
_DOMAIN: Final = f"(?:{_GENERIC}|{_GENERIC.upper()}|{_COUNTRIES}|{_COUNTRIES.upper()})"
"""In one case: a capital begins a sentence ("@velmora.It is down")."""

_URL: Final = r'(?:https?://|www\.)[^\s\x1c-\x1f<>"]+'
_FEDIVERSE: Final = r"[\w.\-]{1,64}@(?:[\w\-]{1,63}\.){1,8}[a-z]{2,24}(?!\w)"
_WORDS: Final = "al|am|as|by|do|et|il|is|je|la|ma|my|na|ne|no|sa|si|so|su|to|va"
"""Domains of countries that begin a sentence more often than they end a name of one dot."""
_BLUESKY: Final = (
    rf"(?:(?:[\w\-]{{1,63}}\.){{2,8}}|[\w\-]{{1,63}}\.(?!(?:{_WORDS})(?!\w))){_DOMAIN}(?!\w)"
)
_MAIL: Final = r"(?:(?:[.+\-]\w{1,64}){0,6}@(?:[\w\-]{1,63}\.){1,8}[A-Za-z]{2,24}(?!\w))?"
"""What makes an e-mail address of the word before it."""
_IN_MAIL: Final = r"[.+\-@]"
"""What may follow the first word of an address; most words are told by this letter alone."""
_TICKER: Final = r"[A-Za-z]{1,6}"
_NAME_SIGNS: Final = r"""
    | &(?:(?<=\w&)(?<!\w{4}&)|(?<=\w[ ]&)(?<!\w{4}[ ]&))(?=[ ]{0,6}\w{1,3}(?!\w))
    | \.(?:(?<=[A-Za-z]\.)(?=[A-Za-z])(?:(?<!\w{3}\.)|(?=[A-Za-z]{1,2}(?!\w)))
          |(?<![\w.)\]!?]\.)(?=[A-Za-z]{2}))
    | \+(?<=[A-Za-z]\+)(?:\+(?![A-Za-z_+])|(?![\w+]))
    | \#(?<=[A-Za-z]\#)(?<!\w\w\#)(?!\w)
"""

_RUNS: Final = f"{ARABIC}{HANGUL}{HEBREW}{INDIC}"
"""Scripts that people write together with Latin names: "LG가", "الـiPhone"."""
_START: Final = rf"[\w{EMOJI_LETTER}{MARK}]"
_WORD: Final = rf"[\w{EMOJI_LETTER}{MARK}{SELECTOR}]"
_LETTER: Final = rf"[\w{EMOJI_LETTER}{BASE}{CHARACTER}{_RUNS}]"
_UNSEEN: Final = f"[{INVISIBLE}{JOINER}{NON_JOINER}]"
_PLAIN: Final = rf"{_START}{_WORD}*(?:{_UNSEEN}{{1,8}}{_START}{_WORD}*)*"
# A non-joiner is the border of two words of Persian, which others write with a space.
_OF_SCRIPT: Final = "|".join(
    f"{run}[{run}{MARK}]*(?:{unseen}{{1,8}}[{run}{MARK}]+)*"
    for run, unseen in (
        (ARABIC, f"[{INVISIBLE}{JOINER}]"),
        (HANGUL, _UNSEEN),
        (HEBREW, _UNSEEN),
        (INDIC, _UNSEEN),
    )
)
_TAGGED: Final = (
    rf"[\w{EMOJI_LETTER}{MARK}{SELECTOR}{_RUNS}{SIGN}{CHARACTER}{VOICED}{BASE}{BASE_MARK}]"
)
_EMOJI: Final = rf"[{EMOJI}{EMOJI_LETTER}][{TONE}{SELECTOR}]{{0,2}}"

OF_CLASSES: Final = re.compile(
    rf"""(
      {_URL}
    | @(?<!{_LETTER}@)(?:{_FEDIVERSE}|{_BLUESKY}|{_START}{_WORD}*|{_OF_SCRIPT})
    | \#{_TAGGED}+(?:{_UNSEEN}{{1,8}}{_TAGGED}+)*
    | \$(?<!{_LETTER}\$)(?<!\$\$){_TICKER}(?!{_LETTER}|{MARK})
    | (?>{_PLAIN})(?!{_IN_MAIL}) | {_PLAIN}{_MAIL}
    | [{SIGN}{CHARACTER}][{VOICED}{SELECTOR}]*
    | {_OF_SCRIPT}
    | {BASE}{BASE_MARK}*
    | {BASE_MARK}+                                    # marks that belong to no letter
    | {VOICED}+
    | {REGIONAL}{REGIONAL}                            # flag
    | {_EMOJI}(?:{JOINER}{_EMOJI})*
    {_NAME_SIGNS}
    )""",
    re.VERBOSE | re.ASCII,
)
"""For ``text.character_classes.classes`` of a text."""
OF_ASCII: Final = re.compile(
    rf"""(
      {_URL}
    | @(?<!\w@)(?:{_FEDIVERSE}|{_BLUESKY}|\w+)
    | \#\w+
    | \$(?<![\w$]\$){_TICKER}(?!\w)
    | \w++(?!{_IN_MAIL}) | \w+{_MAIL}
    {_NAME_SIGNS}
    )""",
    re.VERBOSE | re.ASCII,
)
"""The same for ASCII text, without the classes."""

NAME_SIGNS: Final = frozenset({"&", ".", "+", "++", "#", "＆", "．", "＋", "＋＋", "＃"})
"""Tokens that are signs of names."""
_ENTITY: Final = re.compile(
    rf"({_URL})|&(?:(amp|#0{{0,4}}38|#x0{{0,4}}26)|lt|gt|quot|apos|nbsp|#0{{0,4}}(?:3[49]|60|62|160)"
    r"|#x0{0,4}(?:2[27]|3[ce]|a0));",
    re.IGNORECASE,
)


def without_entities(text: str) -> str:
    """The text with spaces in place of the entities of HTML, and ``&`` for ``&amp;``.

    Each letter keeps its place. Files and feeds deliver "H&amp;M" and "l&#39;Orange".
    """
    return _ENTITY.sub(_blank, text) if "&" in text and ";" in text else text


def _blank(match: re.Match[str]) -> str:
    if match[1]:
        return match[1]
    return ("&" if match[2] else " ").ljust(len(match[0]))
