"""``tocsin query``: what a brand query says, what is unwise in it, and what it does to posts."""

import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from queries.elasticsearch.index_compiler import compile_query
from queries.language.ast import Node
from queries.language.errors import QueryError
from queries.language.format import format_query
from queries.matching.document import Document
from queries.tools.clause_effects import Clauses
from queries.tools.explain import explain as explained
from queries.tools.lint import MAX_CLAUSES, LintWarning, lint_sample
from queries.tools.lint import lint as warnings_of
from queries.x.cost import estimate
from queries.x.loss import Note
from queries.x.rule_compiler import MAX_LENGTH, compile_rules
from schemas.errors import ConfigurationError
from schemas.mention import Mention
from text.everyday import everyday_words
from tocsin.cli import preview
from tocsin.cli.match import bad_lines
from tocsin.cli.output import result, say
from tocsin.cli.query_options import (
    BrandsOption,
    QueryArgument,
    SavedOption,
    SourceOption,
    parsed,
    query_beside_posts,
    query_text,
    read_yaml,
    refuse,
    whole,
)
from tocsin.offline.match import OfflineMatcher
from tocsin.offline.post_reader import Bad, batches, open_posts, read_posts

MaxLengthOption = Annotated[
    int, typer.Option(min=64, help="Most characters of one of X's rules; your plan says.")
]
ExpansionsOption = Annotated[
    Path | None,
    typer.Option(help="For X: YAML of terms, such as abonn* or ete, to lists of words."),
]
LanguageOption = Annotated[
    list[str] | None,
    typer.Option(help="For X: only posts in this language, as X finds it; again for more."),
]
app = typer.Typer(no_args_is_help=True, help="Brand queries, with no broker (docs/queries.md).")


class Backend(StrEnum):
    """What a query can be compiled to."""

    elasticsearch = "elasticsearch"
    x = "x"


@app.command("lint")
def lint(
    query: QueryArgument,
    sample: Annotated[
        Path | None, typer.Option(help="Posts as JSON lines: warn of what it does to these, too.")
    ] = None,
    queries: SavedOption = None,
    brands: BrandsOption = None,
    source: SourceOption = "file",
    language: Annotated[
        list[str] | None,
        typer.Option(help="A watched language, such as fr; again for more; all if not given."),
    ] = None,
) -> None:
    """Say what is wrong with a query, or legal and unwise; ends with 1 if anything is.

    Example: `tocsin query lint 'orange AND NOT jus' --sample posts.jsonl`
    """
    known = everyday_words().keys() - {"brands"}
    for code in language or ():
        if code not in known:
            listed = ", ".join(sorted(known))
            raise ConfigurationError(f"no words are listed for '{code}': take {listed}")
    text = query_text(query)
    found = warnings_of(parsed(text, queries), language)
    if sample is not None:
        found += _of_sample(whole(text, queries), sample, brands, source)
    for warned in found:
        result(warned.show(text) + "\n")
    say(f"{len(found)} warning{'s' * (len(found) != 1)}")
    if found:
        sys.exit(1)


def _of_sample(node: Node, sample: Path, brands: Path | None, source: str) -> list[LintWarning]:
    finder, bad, read = OfflineMatcher(Clauses(node, MAX_CLAUSES).queries, brands), Bad(), 0

    def mentions() -> Iterator[Mention]:
        nonlocal read
        for batch in batches(read_posts(stream, source, bad)):
            posts = [line.mention for line in batch]
            finder.annotate(posts)
            read += len(posts)
            yield from posts

    with open_posts(sample) as stream:
        found = lint_sample(node, mentions())
    for complaint in bad.first:
        say(f"{sample}: {complaint}")
    if not read:
        raise ConfigurationError(f"{sample} holds no posts: write one JSON object a line")
    say(f"{read} posts of the sample read")
    return found


@app.command("explain")
def explain(query: QueryArgument, queries: SavedOption = None) -> None:
    """Print a query in its canonical form, and in words, clause by clause.

    Example: `tocsin query explain '"ma box" NEAR/5 (panne OR coupure)'`
    """
    node = parsed(query_text(query), queries)
    result(format_query(node) + "\n")
    for line in explained(node):
        result(line)


@app.command("compile")
def compile_(
    query: QueryArgument,
    to: Annotated[Backend, typer.Option(help="Elasticsearch's query DSL, or rules of X.")],
    queries: SavedOption = None,
    max_length: MaxLengthOption = MAX_LENGTH,
    max_rules: Annotated[
        int | None, typer.Option(min=1, help="Refuse what needs more of X's rules than these.")
    ] = None,
    expansions: ExpansionsOption = None,
    language: LanguageOption = None,
    proximity: Annotated[
        bool, typer.Option("--proximity", help="For X: let it measure distances, as it can.")
    ] = False,
) -> None:
    """Print a query in another language: a filter of Elasticsearch, or X's rules one a line.

    X's rules find all that the query does, and more where X cannot be asked so exactly; what they
    widen and what they may miss is said on standard error.

    Example: `tocsin query compile --to x 'velmora NEAR/5 panne'`
    """
    text = query_text(query)
    node = whole(text, queries)
    try:
        if to is Backend.elasticsearch:
            result(json.dumps(compile_query(node), ensure_ascii=False, indent=2))
            return
        rules = compile_rules(
            node,
            max_length=max_length,
            max_rules=max_rules,
            expansions=_expansions(expansions),
            languages=language or (),
            proximity=proximity,
        )
    except QueryError as error:
        refuse(error, text)
    for rule in rules.rules:
        result(rule)
    if not rules.rules:
        say("no rules: no post of X can match this")
    _report("More widely than the query; what comes too much is left out here:", rules.widened)
    _report("X may not send, though the query matches it:", rules.lost)


def _report(heading: str, notes: tuple[Note, ...]) -> None:
    if notes:
        say(heading)
    for note in notes:
        say(f"  {note.clause}: {note.how} ({note.why})")


@app.command("cost")
def cost(
    query: QueryArgument,
    posts_a_day: Annotated[
        float, typer.Option(min=0, help="Posts a day of which the file is a sample.")
    ],
    price: Annotated[float, typer.Option(min=0, help="What X bills for one post.")],
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines; standard input if not given.")
    ] = None,
    queries: SavedOption = None,
    max_length: MaxLengthOption = MAX_LENGTH,
    expansions: ExpansionsOption = None,
    language: LanguageOption = None,
    source: SourceOption = "file",
) -> None:
    """Say what X's rules for a query would send a day and cost a month, from a sample of posts.

    In parentheses stands where the number lies, as far as a sample of this size can tell.

    Example: `tocsin query cost 'velmora OR #velmora' posts.jsonl --posts-a-day 5e8 --price 0.005`
    """
    text = query_beside_posts(query, file)
    node, bad = whole(text, queries), Bad()
    try:
        rules = compile_rules(
            node,
            max_length=max_length,
            expansions=_expansions(expansions),
            languages=language or (),
        )
    except QueryError as error:
        refuse(error, text)
    with open_posts(file) as stream:
        posts = (Document(line.mention) for line in read_posts(stream, source, bad))
        found = estimate([rules], posts, posts_a_day=posts_a_day, price=price)
    if not found.read:
        bad_lines(bad, "no posts read")
        raise ConfigurationError("there are no posts to read: write one JSON object a line")
    (low, high), (cheap, dear) = found.share_range, found.cost_range
    share = f"{100 * found.share:.3g} % ({100 * low:.3g} to {100 * high:.3g} %)"
    result(f"share of the posts  {share}")
    result(f"posts a day         {found.sent_a_day:,.0f}")
    result(f"cost a month        {found.cost_a_month:,.2f} ({cheap:,.2f} to {dear:,.2f})")
    bad_lines(bad, f"{found.read} posts read")


def _expansions(file: Path | None) -> dict[str, list[str]] | None:
    if file is None:
        return None
    found = read_yaml(file, "abonn*: [abonné, abonnement]")
    if not isinstance(found, dict) or not all(
        isinstance(term, str)
        and isinstance(words, list)
        and all(isinstance(word, str) for word in words)
        for term, words in found.items()
    ):
        raise ConfigurationError(f"{file} has to be one map of terms to lists of words, all text")
    return found


app.command("preview")(preview.preview)
