"""What was read of the texts of the last posts, so that several readers of a batch share it."""

from collections.abc import Callable
from typing import Final, TypeVar

Read = TypeVar("Read")
MAX_READ: Final = 200_000
"""Code points of the texts that are remembered: a batch of posts."""


class Recent(dict[str, Read]):
    """Text to what ``read`` makes of it, which nobody may change; begins anew when it is full.

    Its users bound the length of a text: see ``text.tokens.LONG``.
    """

    def __init__(self, read: Callable[[str], Read], most: int = MAX_READ) -> None:
        super().__init__()
        self._read = read
        self._most = most
        self._size = 0

    def __missing__(self, text: str) -> Read:
        if self._size > self._most:
            self.clear()
            self._size = 0
        self._size += len(text) + 1
        read = self[text] = self._read(text)
        return read
