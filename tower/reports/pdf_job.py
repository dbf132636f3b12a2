"""A report as PDF, in a process of its own: ``python -m tower.reports.pdf_job``.

It reads the report as JSON from standard input, and writes the PDF as Base64 in JSON. The program
of the page is ours (``report.typ``); the report is data to it, so nothing in it is evaluated. Fonts
are those of the machine. It imports little, since it starts for each PDF.
"""

import base64
import importlib.resources
import subprocess
import sys
from typing import Any, Final

import msgspec
from msgspec import Struct

from schemas.errors import ServiceUnavailable, TocsinError

MAX_PDF: Final = 5 * 2**20
"""Bytes; the answer of a job has at most eight megabytes in Base64."""
DEADLINE_S: Final = 60.0
MODULE: Final = "tower.reports.pdf_job"
NOT_INSTALLED: Final = "the package for PDF is not installed: pip install 'tocsin[reports]'"


class PdfRow(Struct, kw_only=True):
    cells: list[str]
    share: float | None = None


class PdfSection(Struct, kw_only=True):
    """``wide``: the column that takes the room; ``picture``: SVG."""

    title: str
    columns: list[str]
    rows: list[PdfRow]
    notes: list[str]
    picture: str | None = None
    wide: int = 0


class PdfRequest(Struct, kw_only=True):
    title: str
    language: str
    footer: str
    facts: list[str]
    sections: list[PdfSection]


class PdfResult(Struct, kw_only=True):
    pdf: bytes


def run(request: PdfRequest) -> PdfResult:
    """:raises TocsinError: the package is missing, or the PDF is too large."""
    try:
        import typst
    except ImportError:
        raise TocsinError(NOT_INSTALLED) from None
    data = msgspec.json.encode(request).decode()
    with importlib.resources.as_file(
        importlib.resources.files("tower.reports") / "report.typ"
    ) as program:
        pdf: Any = typst.compile(str(program), sys_inputs={"data": data})
    if len(pdf) > MAX_PDF:
        raise TocsinError(f"the PDF has more than {MAX_PDF // 2**20} MB")
    return PdfResult(pdf=bytes(pdf))


def pdf_in_process(request: PdfRequest, deadline_s: float = DEADLINE_S) -> bytes:
    """The PDF, made by this module in a process of its own; blocks.

    :raises TocsinError: the package is missing, or it could not be made.
    :raises ServiceUnavailable: it took too long.
    """
    try:
        ran = subprocess.run(
            [sys.executable, "-m", MODULE],
            input=msgspec.json.encode(request),
            capture_output=True,
            timeout=deadline_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ServiceUnavailable(f"the PDF took more than {deadline_s:.0f} s") from None
    if ran.returncode:
        lines = ran.stderr.decode("utf-8", "replace").strip().splitlines()
        raise TocsinError(lines[-1][:300] if lines else f"it ended with {ran.returncode}")
    return msgspec.json.decode(ran.stdout, type=PdfResult).pdf


def pdf_of(result: object) -> bytes:
    """The PDF in the result of a job."""
    text = result.get("pdf") if isinstance(result, dict) else None
    return base64.b64decode(text) if isinstance(text, str) else b""


def main() -> int:
    try:
        request = msgspec.json.decode(sys.stdin.buffer.read(), type=PdfRequest)
        result = run(request)
    except (TocsinError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
