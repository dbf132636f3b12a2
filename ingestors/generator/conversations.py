"""Who may be answered, repeated and quoted: the last posts of each channel and language.

Answers to answers are drawn from a window of their own, so that conversations grow deep and do not
end with one round.
"""

import random
from typing import NamedTuple

from ingestors.generator.accounts import Person, Role
from schemas.post import Post

MAX_RECENT = 60
"""Posts of a window; the oldest gives way."""
_ANSWERS_ANSWERED = 0.45
"""Share of answers that go to an answer."""


class Told(NamedTuple):
    """A post, who wrote it, and which brand its conversation is about."""

    post: Post
    person: Person
    role: Role | None
    asker: Person | None = None
    """Whom the brand answers in it."""

    @property
    def root(self) -> str:
        return self.post.thread or self.post.id


class Conversations:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._windows: dict[tuple[str, str, str], list[Told]] = {}
        self._count = 0

    def remember(self, told: Told, language: str) -> None:
        post = told.post
        self._push(("posts", post.source, language), told)
        if post.reply_to is not None:
            self._push(("answers", post.source, language), told)
        if "crisis" in post.labels:
            self._push(("crisis", post.source, language), told)

    def _push(self, key: tuple[str, str, str], told: Told) -> None:
        window = self._windows.setdefault(key, [])
        self._count += 1
        if len(window) < MAX_RECENT:
            window.append(told)
        else:
            window[self._count % MAX_RECENT] = told

    def any_of(self, kind: str, channel: str, language: str) -> Told | None:
        """``kind``: ``posts`` or ``crisis``."""
        window = self._windows.get((kind, channel, language))
        return window[int(self._rng.random() * len(window))] if window else None

    def loud_of(self, channel: str, language: str) -> Told | None:
        """A post of the crisis, some of them far more often than others."""
        window = self._windows.get(("crisis", channel, language))
        return window[int(self._rng.random() ** 2 * len(window))] if window else None

    def to_answer(self, channel: str, language: str, kind: str = "posts") -> Told | None:
        if self._rng.random() < _ANSWERS_ANSWERED:
            answers = self._windows.get(("answers", channel, language))
            if answers:
                told = answers[int(self._rng.random() * len(answers))]
                if kind == "posts" or "crisis" in told.post.labels:
                    return told
        return self.any_of(kind, channel, language)
