"""``tocsin brands check``: the mistakes and doubts of a brands file, and what it finds in posts."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from brands.brand_lint import MIN_EXAMPLES, BrandWarning, is_well_taught, lint_brands, lint_queries
from brands.brands_file import BrandsFile, read_brands_file
from brands.disambiguation import cross_check
from processors.enrichment.annotators.brands import language_codes
from queries.matching.document import MatchedSpan
from schemas.brand import Brand
from text.terminal import printable
from tocsin.cli.highlight import marked, starred
from tocsin.cli.output import counted, json_result, say
from tocsin.cli.query_options import EncodingOption, MappingOption, SourceOption, posts_of
from tocsin.offline.brand_check import FATES, BrandCheck, BrandsCheck, Sample, check_posts
from tocsin.offline.post_reader import Bad, batches

_EXCERPT = 160
_RIGHT = 0.75
"""Share of the examples that are judged right from the others below which there is a warning."""


def check(
    file: Annotated[Path, typer.Argument(help="A brands file (docs/brands.md).")],
    posts: Annotated[
        Path | None, typer.Argument(help="A file of posts, to see what each brand finds in it.")
    ] = None,
    sample: Annotated[
        int, typer.Option(min=0, max=100, help="Posts to show of each kind, for each brand.")
    ] = 2,
    source: SourceOption = "file",
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    format_: Annotated[
        Literal["text", "json"], typer.Option("--format", help="Text for people, or one object.")
    ] = "text",
) -> None:
    """Check a brands file: every mistake, every doubtful query, and what it finds in posts.

    With posts it shows for each brand how many match and how many exclude, languages and examples
    drop. The exit status is 1 if there is a mistake or an unreadable post; warnings leave it 0.

    Example: `tocsin brands check examples/brands.yaml examples/posts.jsonl`
    """
    content = read_brands_file(file)
    warnings = [
        *lint_queries(content.written, content.saved),
        *lint_brands(content.brands),
        *_taught_warnings(content.brands),
    ]
    bad, found = Bad(), None
    if posts is not None:
        with posts_of(posts, source, mapping, encoding) as reader:
            mentions = (line.mention for line in reader.posts())
            found, bad = check_posts(content.brands, batches(mentions), sample), reader.bad
        warnings += _found_warnings(found)
    if format_ == "json":
        json_result(json.dumps(_data(content, warnings, found, bad.count), ensure_ascii=False))
    else:
        _show(content, warnings, found)
        for complaint in bad.first:
            say(f"{posts}: {complaint}")
        if bad.count:
            say(f"{posts}: {counted(bad.count, 'line')} skipped")
        mistakes = counted(len(content.errors), "mistake")
        say(f"{file}: {mistakes}, {counted(len(warnings), 'warning')}")
    if content.errors or bad.count:
        sys.exit(1)


def _found_warnings(found: BrandsCheck) -> Iterator[BrandWarning]:
    for name in found.idle() if found.read else ():
        check = found.by_brand[name]
        message = "no post is a mention"
        hint = "check the spelling of its names"
        if check.matched:
            message = f"no post is a mention: all {check.matched} that match are dropped"
            hint = "look at the posts that are dropped, and at what drops them"
        yield BrandWarning(name, "no-mentions", message, hint)
    for first, second, both, either in found.shared():
        message = f"{first} and {second} have the same posts: {both} of {either}"
        yield BrandWarning(first, "same-posts", message, "give them different names, or join them")


def _taught_warnings(brands: Sequence[Brand]) -> Iterator[BrandWarning]:
    """How well the examples of a brand tell each other apart."""
    for brand in filter(is_well_taught, brands):
        count, right = len(brand.examples), cross_check(brand, language_codes)
        if right < _RIGHT * count:
            message = f"from the other examples, only {right} of {count} examples are judged right"
            hint = f"add examples that are more like the posts; {MIN_EXAMPLES} of each is the least"
            yield BrandWarning(brand.id, "examples-disagree", message, hint)


def _show(content: BrandsFile, warnings: Sequence[BrandWarning], found: BrandsCheck | None) -> None:
    out = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for error in content.errors:
        out.print(Text(printable(f"mistake: {error}"), style="red"))
    if found is not None:
        for check in found.by_brand.values():
            _show_brand(check, found.read, out)
    for warning in warnings:
        said = f"warning: {warning.about}: {warning.message} [{warning.code}]"
        out.print(Text(printable(said)))
        for line in (*warning.place.splitlines(), f"  {warning.hint}"):
            out.print(Text(printable(line)))


def _show_brand(check: BrandCheck, read: int, out: Console) -> None:
    heading = Text(check.brand.id, style="bold")
    kept = check.counts["kept"]
    heading.append(f"  {kept:,} of {counted(read, 'post')}", style="not bold")
    out.print(heading)
    for fate in FATES:
        if fate != "kept" and check.counts[fate]:
            out.print(f"  {check.counts[fate]:,} dropped by {fate}")
        for sample in check.samples[fate]:
            out.print(_line(sample, colours=out.is_terminal))
    out.print()


def _line(sample: Sample, *, colours: bool) -> Text:
    mention = sample.mention
    code = mention.language.code if mention.language else "?"
    line = Text(printable(f"    [{code}] "), style="cyan")
    if sample.confidence is not None:
        line.append(f"{sample.confidence:.2f} ", style="dim")
    field = "text"
    if not any(span.field == "text" for span in _spans(sample)) and mention.post.title:
        field = "title"
    text = mention.post.title if field == "title" else mention.post.text
    excerpt = marked(text or "", _spans(sample), field, _EXCERPT)
    return line.append_text(excerpt if colours else starred(excerpt))


def _spans(sample: Sample) -> list[MatchedSpan]:
    return [
        MatchedSpan(match.field, match.start, match.end)
        for match in sample.match.matches
        if match.start is not None and match.end is not None
    ]


def _data(
    content: BrandsFile,
    warnings: Iterable[BrandWarning],
    found: BrandsCheck | None,
    unreadable: int,
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "brands": len(content.brands),
        "mistakes": [str(error) for error in content.errors],
        "warnings": [warning._asdict() for warning in warnings],
    }
    if found is not None:
        data["read"] = found.read
        data["unreadable"] = unreadable
        data["found"] = [_brand_data(check) for check in found.by_brand.values()]
    return data


def _brand_data(check: BrandCheck) -> dict[str, Any]:
    return {
        "id": check.brand.id,
        "matched": check.matched,
        "mentions": check.counts["kept"],
        "dropped": {fate: check.counts[fate] for fate in FATES if fate != "kept"},
        "samples": {
            fate: [
                {
                    "id": sample.mention.post.id,
                    "text": sample.mention.post.text,
                    "confidence": sample.confidence,
                    "spans": [[span.field, span.start, span.end] for span in _spans(sample)],
                }
                for sample in samples
            ]
            for fate, samples in check.samples.items()
        },
    }
