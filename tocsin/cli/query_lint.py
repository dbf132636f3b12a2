"""``tocsin query lint``: errors and doubtful parts of a query."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from queries.language.ast import Node
from queries.tools.clause_effects import Clauses
from queries.tools.lint import MAX_CLAUSES, LintWarning, lint_sample
from queries.tools.lint import lint as warnings_of
from schemas.errors import ConfigurationError
from schemas.mention import Mention
from text.everyday import everyday_words
from tocsin.cli.output import counted, result, say
from tocsin.cli.query_options import (
    BrandsOption,
    EncodingOption,
    MappingOption,
    QueryArgument,
    SavedOption,
    SourceOption,
    parsed,
    posts_of,
    query_text,
    whole,
)

if TYPE_CHECKING:
    from tocsin.offline.post_reader import PostReader


def lint(
    query: QueryArgument,
    sample: Annotated[
        Path | None,
        typer.Option(help="Also check the effect on these posts: a file as of preview."),
    ] = None,
    queries: SavedOption = None,
    brands: BrandsOption = None,
    source: SourceOption = "file",
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
    known_source: Annotated[
        list[str] | None,
        typer.Option(help="A source that your posts have, for source:; may be repeated."),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(help="A language to check, such as fr; may be repeated. The default is all."),
    ] = None,
) -> None:
    """Print errors and doubtful parts of a query; the exit status is 1 if there are any.

    Example: `tocsin query lint 'mirabelle AND NOT tarte' --sample examples/posts.jsonl`
    """
    languages = sorted(everyday_words().keys() - {"brands"})
    for code in language or ():
        if code not in languages:
            raise ConfigurationError(
                f"there are no words for '{code}'; choose from {', '.join(languages)}"
            )
    text = query_text(query)
    node, sources = parsed(text, queries), set(known_source or ())
    warnings: list[LintWarning] = []
    if sample is not None:
        with posts_of(sample, source, mapping, encoding) as reader:
            warnings = _of_sample(whole(text, queries), sample, brands, reader, sources)
    warnings = [*warnings_of(node, language, sources), *warnings]
    for warning in warnings:
        result(warning.show(text) + "\n")
    say(counted(len(warnings), "warning"))
    if warnings:
        sys.exit(1)


def _of_sample(
    node: Node, sample: Path, brands: Path | None, reader: "PostReader", sources: set[str]
) -> list[LintWarning]:
    """The warnings that the sample gives; ``sources`` gets the sources of its posts."""
    from tocsin.offline.match import OfflineMatcher
    from tocsin.offline.post_reader import batches

    matcher, read = OfflineMatcher(Clauses(node, MAX_CLAUSES).queries, brands), 0

    def mentions() -> Iterator[Mention]:
        nonlocal read
        for batch in batches(reader.posts()):
            posts = [line.mention for line in batch]
            matcher.annotate(posts)
            read += len(posts)
            sources.update(each.post.source for each in posts)
            yield from posts

    warnings = lint_sample(node, mentions())
    for complaint in reader.bad.first:
        say(f"{sample}: {complaint}")
    if not read:
        raise ConfigurationError(f"{sample} holds no posts (docs/replay.md)")
    say(f"{read} posts of the sample read")
    return warnings
