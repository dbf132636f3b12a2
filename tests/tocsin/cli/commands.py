"""Runs ``tocsin`` in this process: every start of Python costs seconds."""

import io
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from tocsin.cli.main import main


def lines(*posts: dict[str, Any]) -> bytes:
    """A file of posts: one JSON object per line."""
    return b"".join(json.dumps(post).encode() + b"\n" for post in posts)


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


class Commands:
    """Calls the entry point with arguments and, where given, bytes on standard input."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Ran:
        self._monkeypatch.setattr(sys, "argv", ["tocsin", *arguments])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        self._capsys.readouterr()
        status: object = 0
        try:
            main()
        except SystemExit as error:
            status = error.code or 0
        captured = self._capsys.readouterr()
        assert isinstance(status, int)
        return Ran(status, captured.out, captured.err)

    def error(self, *arguments: str, stdin: bytes = b"", status: int = 2) -> str:
        """Standard error of a command that fails with this status."""
        ran = self(*arguments, stdin=stdin)
        assert (ran.status, ran.out) == (status, "")
        assert "Traceback" not in ran.err
        return ran.err
