"""A report as a mail: HTML without style sheet, picture and script, and plain text.

Mail programs do not show SVG, so bars are coloured cells. A mail has no text of a post and no name
of an author: it cannot be taken back when they are erased.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from markupsafe import Markup, escape

from sinks.alerts.channels.mail import Attachment
from tower.pages.vocabulary import Words
from tower.reports.block_rows import BlockRow
from tower.reports.report_blocks import Block, blocks_of, csv_of, facts_of, heading_of
from tower.reports.report_lookup import OpenedReport

MAX_ATTACHED: Final = 8 * 2**20
"""Bytes of all attachments; many servers refuse mails above ten megabytes."""
_BAR: Final = 160
_FONT: Final = "font-family:sans-serif;font-size:14px;line-height:1.4;color:#1a1f24"
_CELL: Final = "padding:3px 8px;border-bottom:1px solid #dcdfd9;vertical-align:middle"
_NUMBER: Final = f"{_CELL};text-align:right"
_HEAD: Final = "padding:3px 8px;text-align:left;color:#565f68;font-weight:normal;font-size:12px"
_NOTE: Final = "color:#565f68;font-size:12px;margin:4px 0"


def letter_html(opened: OpenedReport, words: Words, brands: Mapping[str, str]) -> str:
    """The whole page; every text is escaped."""
    title = heading_of(opened, words, brands)
    parts = [
        Markup("<!DOCTYPE html>\n"),
        Markup('<html lang="{}"><head><meta charset="utf-8"><title>{}</title></head>').format(
            words.language, title
        ),
        Markup('<body style="{}"><h1 style="font-size:20px">{}</h1>').format(_FONT, title),
        *(_note(line) for line in facts_of(opened, words)),
    ]
    for block in blocks_of(opened, words, texts=False):
        parts.append(
            Markup('<h2 style="font-size:16px;margin:20px 0 6px">{}</h2>').format(block.title)
        )
        parts.append(_table(block))
        parts += [_note(note) for note in block.notes]
    parts.append(_note(words("report.mailed")))
    parts.append(_note(words("report.number", opened.report.id)))
    parts.append(Markup("</body></html>\n"))
    return str(Markup("\n").join(parts))


def _note(text: str) -> Markup:
    return Markup('<p style="{}">{}</p>').format(_NOTE, text)


def _table(block: Block) -> Markup:
    if not block.rows:
        return Markup("")
    head = Markup("")
    if any(block.columns):
        cells = Markup("").join(
            Markup('<th scope="col" style="{}">{}</th>').format(_HEAD, name)
            for name in block.columns
        )
        head = Markup("<thead><tr>{}</tr></thead>").format(cells)
    rows = Markup("\n").join(_row(row) for row in block.rows)
    return Markup('<table style="border-collapse:collapse">{}<tbody>{}</tbody></table>').format(
        head, rows
    )


def _row(row: BlockRow) -> Markup:
    cells = []
    for place, text in enumerate(row.cells):
        shown: Markup = escape(text)
        if place == 0 and row.url is not None:
            shown = Markup('<a href="{}" rel="noreferrer">{}</a>').format(row.url, text)
        style = _CELL if place == 0 else _NUMBER
        cells.append(Markup('<td style="{}">{}</td>').format(style, shown))
    if row.share is not None:
        cells.append(Markup('<td style="{}">{}</td>').format(_CELL, _bar(row.share)))
    return Markup("<tr>{}</tr>").format(Markup("").join(cells))


def _bar(share: float) -> Markup:
    """A cell whose width is the share: a table, which every mail program draws."""
    wide = round(_BAR * min(1.0, max(0.0, share)))
    if not wide:
        return Markup("")
    return Markup(
        '<table role="presentation" style="border-collapse:collapse"><tr>'
        '<td style="width:{}px;height:8px;background:#2c6c80;font-size:1px;line-height:8px">'
        "&nbsp;</td></tr></table>"
    ).format(wide)


def letter_text(opened: OpenedReport, words: Words, brands: Mapping[str, str]) -> str:
    """The same as plain text."""
    blocks = [heading_of(opened, words, brands), "\n".join(facts_of(opened, words))]
    for block in blocks_of(opened, words, texts=False):
        lines = [block.title, *_lines(words, block.columns, block.rows), *block.notes]
        blocks.append("\n".join(lines))
    blocks.append(words("report.mailed"))
    blocks.append(words("report.number", opened.report.id))
    return "\n\n".join(blocks) + "\n"


def _lines(words: Words, columns: Sequence[str], rows: Iterable[BlockRow]) -> list[str]:
    """``- first: second, third``; a column's name stands before its value."""
    lines = []
    for row in rows:
        first, *others = [*row.cells, ""] if len(row.cells) == 1 else row.cells
        told = [
            f"{columns[place]} {text}".strip() if place < len(columns) else text
            for place, text in enumerate(others, start=1)
            if text
        ]
        more = f" <{row.url}>" if row.url else ""
        line = words.locale.labelled(first, ", ".join(told)) if told else first
        lines.append(f"- {line}{more}")
    return lines


def attachments_of(opened: OpenedReport, pdf: bytes | None) -> list[Attachment]:
    """The tables as CSV, and the PDF if there is one, as long as they fit."""
    id_ = opened.report.id
    wanted = [] if pdf is None else [Attachment(f"{id_}.pdf", "application/pdf", pdf)]
    for name in opened.sections:
        if (table := csv_of(opened, name, texts=False)) is not None:
            content = table.encode("utf-8")
            wanted.append(Attachment(f"{id_}-{name}.csv", "text/csv", content))
    kept, size = [], 0
    for one in wanted:
        if size + len(one.content) <= MAX_ATTACHED:
            kept.append(one)
            size += len(one.content)
    return kept
