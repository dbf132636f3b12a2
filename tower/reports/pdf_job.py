"""A report as PDF, in a process of its own: ``python -m tower.reports.pdf_job``.

It reads the report as JSON from standard input, and writes the PDF as Base64 in JSON. The program
of the page is ours (``report.typ``); the report is data to it, so nothing in it is evaluated. Fonts
are those of the machine.
"""

import base64
import importlib.resources
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from schemas.errors import ServiceUnavailable, TocsinError
from tower.pages.view import View
from tower.pages.vocabulary import Words
from tower.pictures.print_colours import printed
from tower.reports.report_blocks import Block, blocks_of, facts_of, heading_of
from tower.reports.report_lookup import OpenedReport
from tower.reports.report_view import pictures_of

MAX_SECTIONS: Final = 60
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


def pdf_request(
    opened: OpenedReport, view: View, words: Words, brands: Mapping[str, str], *, texts: bool
) -> PdfRequest:
    """What the process draws, in the reader's language."""
    blocks = blocks_of(opened, words, texts=texts, pictures=pictures_of(opened, view))
    return PdfRequest(
        title=heading_of(opened, words, brands),
        language=words.language,
        footer=words("report.number", opened.report.id),
        facts=facts_of(opened, words),
        sections=[_section(block) for block in blocks[:MAX_SECTIONS]],
    )


def _section(block: Block) -> PdfSection:
    rows = [PdfRow(cells=list(row.cells), share=row.share) for row in block.rows]
    count = max((len(row.cells) for row in rows), default=1)
    # The picture of a volume tells what its rows do.
    drawn = block.picture is not None
    return PdfSection(
        title=block.title,
        columns=[] if drawn else list(block.columns),
        rows=[] if drawn else rows,
        notes=list(block.notes),
        picture=None if block.picture is None else printed(block.picture),
        wide=count - 1 if count == 4 and len(block.columns) == 4 and _long(rows) else 0,
    )


def _long(rows: Sequence[PdfRow]) -> bool:
    return any(len(row.cells[-1]) > 40 for row in rows)


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
