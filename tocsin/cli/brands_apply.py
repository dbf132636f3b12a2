"""``tocsin brands apply`` and ``diff``: what a brands file changes, and the change itself."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from brands.brand_changes import BrandChange, Changes, FieldChange, changes_of
from brands.brand_lint import lint_brands, lint_queries
from brands.brands_file import load_brands, read_brands_file
from brands.registry import Published, publish_brands, published_brands
from runtime.settings import KafkaSettings, load
from schemas.brand import Brand
from text.terminal import printable, single_line
from tocsin.cli.confirm import YesOption, confirm
from tocsin.cli.output import FormatOption, console, counted, say, write_rows

FileArgument = Annotated[Path, typer.Argument(help="A brands file (docs/brands.md).")]
KeepOption = Annotated[
    bool, typer.Option("--keep-others", help="Keep brands that the file does not name.")
]
COLUMNS = ("change", "brand", "field", "before", "after")


def diff(
    file: FileArgument, keep_others: KeepOption = False, format: FormatOption = "text"
) -> None:
    """Print what `brands apply` would change: brands added, changed and removed, by field.

    The exit status is 1 if there is a difference, 0 if there is none.

    Example: `tocsin brands diff brands.yaml`
    """
    *_, changes = _compared(load(KafkaSettings), file, keep_others)
    if format == "text":
        _show(changes)
        say(_summary(changes))
    else:
        write_rows(_rows(changes), COLUMNS, format)
    if changes:
        sys.exit(1)


def apply(
    file: FileArgument,
    keep_others: KeepOption = False,
    if_none: Annotated[
        bool,
        typer.Option("--if-none", help="Only if no brands are published yet, for a first set-up."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the changes and publish nothing.")
    ] = False,
    yes: YesOption = False,
) -> None:
    """Publish a brands file; running processors follow within a few seconds.

    Prints the changes first. Before brands are removed it asks; without a terminal it refuses,
    unless `--yes` is given.

    Example: `tocsin brands apply brands.yaml`
    """
    settings = load(KafkaSettings)
    brands, published, changes = _compared(settings, file, keep_others)
    if if_none and published:
        say("brands are published already; nothing was changed")
        return
    written = read_brands_file(file, published)
    for warning in [*lint_brands(brands), *lint_queries(written.written, written.saved)]:
        say(f"warning: {warning.about}: {warning.message}; {warning.hint}")
    _tell_silence(published, brands)
    _show(changes)
    if dry_run or not changes:
        say(_summary(changes) + ("; nothing was published" if dry_run else ""))
        return
    if changes.removed:
        _ask(changes.removed, yes)
    publish_brands(settings, brands, keep_others)
    say(f"published: {_summary(changes)}")


def _tell_silence(published: Mapping[str, Published], brands: list[Brand]) -> None:
    from tocsin.checkup.brand_silence import silence_of_kept

    if sentence := silence_of_kept(published, [brand.id for brand in brands]):
        say(sentence)


def _compared(
    settings: KafkaSettings, file: Path, keep_others: bool
) -> tuple[list[Brand], Mapping[str, Published], Changes]:
    # A mistake in the file is told without a broker; only peers may need the published brands.
    brands = [] if keep_others else load_brands(file)
    published = published_brands(settings)
    if keep_others:
        brands = load_brands(file, published)
    before = {name: each.brand for name, each in published.items()}
    return brands, published, changes_of(before, brands, keep_others=keep_others)


def _ask(removed: list[str], yes: bool) -> None:
    names = ", ".join(removed[:5]) + (f" and {len(removed) - 5:,} more" if len(removed) > 5 else "")
    them = _them(removed)
    refusal = (
        f"this would remove {names}; add --yes to remove {them}, or --keep-others to keep {them}"
    )
    confirm(f"Remove {names}?", yes, refusal=refusal)


def _them(removed: list[str]) -> str:
    return "it" if len(removed) == 1 else "them"


def _summary(changes: Changes) -> str:
    if not changes:
        return f"nothing changes; {counted(changes.unchanged, 'brand')} as published"
    parts = (
        (len(changes.added), "new"),
        (len(changes.changed), "changed"),
        (len(changes.removed), "removed"),
        (changes.unchanged, "unchanged"),
    )
    (count, word), *rest = [part for part in parts if part[0]]
    more = "".join(f", {number:,} {what}" for number, what in rest)
    return f"{counted(count, 'brand')} {word}{more}"


def _show(changes: Changes) -> None:
    for brand in changes.added:
        _line("+", f"{brand.id}  {brand.name}", "green")
    for change in changes.changed:
        _line("~", f"{change.id}  {change.name}", "yellow")
        if not change.fields:
            _line(" ", "  the published brand cannot be read", "")
        for field in change.fields:
            for line in _field_lines(field):
                _line(" ", f"  {line}", "")
    for name in changes.removed:
        _line("-", name, "red")


def _line(sign: str, text: str, style: str) -> None:
    console.print(Text(printable(f"{sign} {text}"), style=style))


def _field_lines(change: FieldChange) -> list[str]:
    added, removed = change.added(), change.removed()
    if added or removed:
        signs = [f"+ {_value(entry)}" for entry in added]
        signs += [f"- {_value(entry)}" for entry in removed]
        return [f"{change.field}: {sign}" for sign in signs]
    return [f"{change.field}: {_value(change.before)} → {_value(change.after)}"]


def _value(value: Any) -> str:
    """A value on one line, as YAML writes it."""
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_value(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else single_line(str(value), 100)


def _rows(changes: Changes) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [("added", brand.id, None, None, None) for brand in changes.added]
    for change in changes.changed:
        rows += _changed_rows(change)
    return rows + [("removed", name, None, None, None) for name in changes.removed]


def _changed_rows(change: BrandChange) -> list[tuple[Any, ...]]:
    if not change.fields:
        return [("replaced", change.id, None, None, None)]
    return [("changed", change.id, *field) for field in change.fields]
