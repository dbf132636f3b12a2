"""A decoder of rison, written from its grammar, for tests of the encoder."""

import re
from typing import Any

_WORD = re.compile(r"[^\s'!:(),*@$0-9-][^\s'!:(),*@$]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e-?[0-9]+)?")
_CONSTANTS = {"t": True, "f": False, "n": None}


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def take(self, expected: str = "") -> str:
        assert self.at < len(self.text), "it ends early"
        sign = self.text[self.at]
        assert not expected or sign == expected, (self.text, self.at, expected)
        self.at += 1
        return sign

    def comes(self, sign: str) -> bool:
        return self.text[self.at : self.at + 1] == sign

    def value(self) -> Any:
        if self.comes("'"):
            return self.quoted()
        if self.comes("("):
            return self.pairs()
        if self.comes("!"):
            self.take()
            return self.items() if self.comes("(") else _CONSTANTS[self.take()]
        if found := _NUMBER.match(self.text, self.at):
            self.at = found.end()
            return float(found[0]) if re.search(r"[.e]", found[0]) else int(found[0])
        return self.word()

    def word(self) -> str:
        found = _WORD.match(self.text, self.at)
        assert found, (self.text, self.at)
        self.at = found.end()
        return found[0]

    def quoted(self) -> str:
        self.take("'")
        read = ""
        while (sign := self.take()) != "'":
            if sign == "!":
                sign = self.take()
                assert sign in "!'", "it escapes a sign that needs no escape"
            read += sign
        return read

    def items(self) -> list[Any]:
        self.take("(")
        read: list[Any] = []
        while not self.comes(")"):
            if read:
                self.take(",")
            read.append(self.value())
        self.take(")")
        return read

    def pairs(self) -> dict[str, Any]:
        self.take("(")
        read: dict[str, Any] = {}
        while not self.comes(")"):
            if read:
                self.take(",")
            key = self.quoted() if self.comes("'") else self.word()
            assert key not in read
            self.take(":")
            read[key] = self.value()
        self.take(")")
        return read


def read_rison(text: str) -> Any:
    """The value; an AssertionError for what is no rison."""
    reader = _Reader(text)
    value = reader.value()
    assert reader.at == len(text), "something follows it"
    return value
