"""The title of an alert: the facts of its headline as one sentence, in any language.

Two packages use it that must not import each other: the detector writes the English title on the
topic, the alert sink a title in the reader's language. The words come from a
:class:`TitleLanguage`: :data:`WIRE`, or a file of ``sinks/alerts/message/locale``.
"""

from typing import Literal, Protocol

from msgspec import Struct

from schemas.alert import Headline, Status

Noun = Literal["minutes", "mentions", "authors"]


class TitleWords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The phrases of a title in one language; the values replace each ``{}`` in order."""

    line: str
    window: str
    times: str
    negative: str
    close: str
    blind: str
    restored: str
    afterwards: str


class TitleLanguage(Protocol):
    """The words and the number formats of a language."""

    @property
    def title(self) -> TitleWords: ...
    def counted(self, noun: Noun, count: int) -> str: ...
    def number(self, value: float) -> str: ...
    def percent(self, share: float) -> str: ...


def crisis_title(headline: Headline, status: Status, language: TitleLanguage) -> str:
    """``Velmora: 540 mentions in 30 minutes, 8.8 times the usual, 81% negative, 210 authors``."""
    words = language.title
    if status == "close":
        return words.line.format(headline.name, words.close)
    mentions = language.counted("mentions", headline.mentions)
    facts = [words.window.format(mentions, language.counted("minutes", headline.minutes))]
    if headline.times is not None:
        facts.append(words.times.format(language.number(headline.times)))
    if headline.negative_share is not None:
        facts.append(words.negative.format(language.percent(headline.negative_share)))
    facts.append(language.counted("authors", headline.authors))
    return words.line.format(headline.name, ", ".join(facts))


def titled_afterwards(title: str, language: TitleLanguage) -> str:
    """``title`` with the word that its mentions came late: ``..., found afterwards``."""
    return language.title.afterwards.format(title)


def blind_title(source: str, status: Status, since: str, language: TitleLanguage) -> str:
    """``x: blind since 09:05 UTC, quiet may not be calm``; ``since`` is a formatted time."""
    words = language.title
    fact = words.restored if status == "close" else words.blind.format(since)
    return words.line.format(source, fact)


class _Wire:
    """Plain English that never changes: logs and other programs read it."""

    title = TitleWords(
        line="{}: {}",
        window="{} in {}",
        times="{} times the usual",
        negative="{} negative",
        close="back to the usual",
        blind="blind since {}, quiet may not be calm",
        restored="speaks again",
        afterwards="{}, found afterwards",
    )

    def counted(self, noun: Noun, count: int) -> str:
        return f"{count} {noun}"

    def number(self, value: float) -> str:
        return f"{value:.1f}"

    def percent(self, share: float) -> str:
        # Rounded first: 115 of 200 is a half, though 100 * 0.575 is a little less than 57.5.
        return f"{round(100 * share, 9):.0f} %"


WIRE: TitleLanguage = _Wire()
"""The language of ``Alert.title``."""
