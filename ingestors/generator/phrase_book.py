"""The posts that people of the generated day write, as templates by language.

``phrases/LANGUAGE/*.yaml`` hold one post a line, with slots in braces (``slots.py``). A template
stands under the truth about it: its topic, its sentiment towards the brand, its stars.
"""

from functools import cache
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from runtime.configuration.files import read_yaml

_FOLDER = Path(__file__).parent / "phrases"
Lines = tuple[str, ...]
BySentiment = dict[str, Lines]
T = TypeVar("T")


class Article(Struct, frozen=True):
    title: str
    text: str


class _Brands(Struct, frozen=True, forbid_unknown_fields=True):
    topics: dict[str, dict[str, str]]
    versus: dict[str, str]
    reviews: dict[str, str]
    unnamed: dict[str, str]


class _Crisis(Struct, frozen=True, forbid_unknown_fields=True):
    phases: dict[str, dict[str, str]]
    turns: dict[str, str]
    articles: str
    pictures: str


class _Talk(Struct, frozen=True, forbid_unknown_fields=True):
    replies: dict[str, dict[str, str]]
    owned: dict[str, str]
    answers: str
    chat: str
    background: dict[str, str]
    rivals: dict[str, str]
    word: str
    bots: str
    spam: str
    edits: dict[str, str]


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    """What fills the slots of a language, and the names of its people, press and communities."""

    places: dict[str, Lines]
    """By country."""
    destinations: Lines
    durations: Lines
    """Minutes and hours, the shortest first."""
    spans: Lines
    """Durations of days or weeks."""
    weekdays: Lines
    items: Lines
    women: Lines
    men: Lines
    """First names; some templates say "he" or "she"."""
    names: Lines
    handles: Lines
    clock: str
    stop: str
    publishers: dict[str, Lines]
    """By country; ``name | domain``."""
    communities: dict[str, tuple[str, str]]
    """By topic: id and name."""
    tags: dict[str, Lines]
    pictures: dict[str, Lines]
    """Descriptions by topic; ``-``: only of a complaint, ``+``: never of one."""
    countries: dict[str, dict[str, str]] = {}
    """By country: words of the phrases to what people there say instead."""


class Phrases(Struct, frozen=True):
    """The phrases of one language."""

    words: Words
    topics: dict[str, BySentiment]
    """By topic; ``irony`` is one more sentiment: negative in fact."""
    versus: dict[str, Lines]
    """By the topic of the brand that is preferred, ``{b}``, to its peer, ``{o}``."""
    reviews: dict[int, Lines]
    """By stars."""
    unnamed: dict[int, Lines]
    """Reviews that do not name the brand."""
    crisis: dict[str, BySentiment]
    """By phase."""
    turns: dict[str, str]
    crisis_articles: tuple[Article, ...]
    press: dict[str, dict[str, tuple[Article, ...]]]
    """By topic and by tone towards the brand."""
    replies: dict[str, BySentiment]
    """By what they answer: a sentiment (``neutral``: a question), ``remark``: what asks nothing,
    ``crisis``, or ``owned``: the brand's own answer."""
    answers: Lines
    chat: Lines
    background: BySentiment
    rivals: BySentiment
    word: Lines
    """Posts with a brand's name that mean something else."""
    bots: Lines
    spam: Lines
    edits: BySentiment
    pictures: dict[str, Lines]

    def templates(self) -> set[str]:
        """All posts of the language, without the words that fill their slots."""
        groups = [
            *(lines for topic in self.topics.values() for lines in topic.values()),
            *(lines for phase in self.crisis.values() for lines in phase.values()),
            *(lines for kind in self.replies.values() for lines in kind.values()),
            *(self.versus | self.background).values(),
            *(self.reviews | {-stars: texts for stars, texts in self.unnamed.items()}).values(),
            *self.rivals.values(),
            *(self.answers, self.chat, self.word, self.bots, self.spam),
            [article.text for article in self.crisis_articles],
            *([one.text for one in some] for tone in self.press.values() for some in tone.values()),
        ]
        return {text for texts in groups for text in texts}


def lines(block: str) -> Lines:
    return tuple(line.replace("\\n", "\n") for line in block.splitlines() if line)


def _by_name(blocks: dict[str, str]) -> BySentiment:
    return {name: lines(block) for name, block in blocks.items()}


def _articles(block: str) -> tuple[Article, ...]:
    return tuple(Article(*line.split(" | ", 1)) for line in lines(block))


def _read(language: str, name: str, type_: type[T]) -> T:
    hint = "see the classes of phrase_book.py"
    return read_yaml(_FOLDER / language / f"{name}.yaml", type_, hint)


@cache
def phrases(language: str) -> Phrases:
    brands, crisis = _read(language, "brands", _Brands), _read(language, "crisis", _Crisis)
    talk, words = _read(language, "talk", _Talk), _read(language, "words", Words)
    press = _read(language, "press", dict[str, dict[str, str]])
    replies = {kind: _by_name(blocks) for kind, blocks in talk.replies.items()}
    return Phrases(
        words=words,
        topics={topic: _by_name(blocks) for topic, blocks in brands.topics.items()},
        versus=_by_name(brands.versus),
        reviews={int(stars): lines(block) for stars, block in brands.reviews.items()},
        unnamed={int(stars): lines(block) for stars, block in brands.unnamed.items()},
        crisis={phase: _by_name(blocks) for phase, blocks in crisis.phases.items()},
        turns=crisis.turns,
        crisis_articles=_articles(crisis.articles),
        press={
            topic: {tone: _articles(block) for tone, block in tones.items()}
            for topic, tones in press.items()
        },
        replies={**replies, "owned": _by_name(talk.owned)},
        answers=lines(talk.answers),
        chat=lines(talk.chat),
        background=_by_name(talk.background),
        rivals=_by_name(talk.rivals),
        word=lines(talk.word),
        bots=lines(talk.bots),
        spam=lines(talk.spam),
        edits=_by_name(talk.edits),
        pictures={**words.pictures, "crisis": lines(crisis.pictures)},
    )
