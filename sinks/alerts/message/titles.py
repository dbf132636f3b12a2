"""The title of an alert in the reader's language, from its facts.

``Alert.title`` is English, for machines and logs; it is all there is of an alert without them.
"""

from schemas.alert import Alert, Headline
from sinks.alerts.message.lines import MAX_TITLE, Style, when
from sinks.alerts.message.words import Language, counted, grouped, percent, word
from text.terminal import single_line

_MAX_NAME = 80


def title(alert: Alert, style: Style) -> str:
    """``Velmora: 540 mentions in 30 minutes, 8.8 times the usual, 81% negative, 210 authors``."""
    facts = alert.headline
    if facts is None:
        return single_line(alert.title, MAX_TITLE)
    said = _said_of_source(alert, style) if alert.kind == "blind" else _said(alert, facts, style)
    # Cleaned alone: what is around it has spaces at which no line may break.
    return f"{single_line(facts.name, _MAX_NAME)}{word('colon', style.language)}{said}"


def _said_of_source(alert: Alert, style: Style) -> str:
    if alert.status == "close":
        return word("title_speaks", style.language)
    return word("title_blind", style.language).format(when(alert.began_at, style))


def _said(alert: Alert, facts: Headline, style: Style) -> str:
    language = style.language
    if alert.status == "close":
        return word("title_close", language)
    return ", ".join(_numbers(facts, language))


def _numbers(facts: Headline, language: Language) -> list[str]:
    minutes = counted("minutes", facts.minutes, language)
    mentions = counted("mentions", facts.mentions, language)
    parts = [word("title_in", language).format(mentions, minutes)]
    if facts.times is not None:
        parts.append(word("title_times", language).format(grouped(facts.times, language)))
    if facts.negative_share is not None:
        share = percent(facts.negative_share, language)
        parts.append(word("title_negative", language).format(share))
    parts.append(counted("authors", facts.authors, language))
    return parts
