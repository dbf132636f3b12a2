"""``tocsin query``: check, explain, compile, price and preview brand queries."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from queries.elasticsearch.kql import kql_of
from queries.language.ast import Node
from queries.language.errors import QueryError
from queries.language.format import format_query
from queries.matching.document import Document
from queries.tools.clause_effects import Clauses
from queries.tools.explain import explain as explained
from queries.tools.lint import MAX_CLAUSES, LintWarning, lint_sample
from queries.tools.lint import lint as warnings_of
from queries.x.rule_compiler import MAX_LENGTH, compile_rules
from runtime.files import read_yaml
from schemas.errors import ConfigurationError
from schemas.mention import Mention
from schemas.types import JsonObject
from text.everyday import everyday_words
from tocsin.cli import preview
from tocsin.cli.output import counted, report, result, say
from tocsin.cli.query_options import (
    BrandsOption,
    EncodingOption,
    MappingOption,
    PostsArgument,
    QueryArgument,
    SavedOption,
    SourceOption,
    parsed,
    posts_of,
    query_beside_posts,
    query_text,
    read_saved,
    refuse,
    whole,
)
from tocsin.offline.match import OfflineMatcher
from tocsin.offline.post_reader import PostReader, batches

if TYPE_CHECKING:
    from queries.x.loss import Note

MaxLengthOption = Annotated[
    int, typer.Option(min=64, help="Maximum length of a rule on your plan of X.")
]
ExpansionsOption = Annotated[
    Path | None,
    typer.Option(help="For X: YAML of terms, such as abonn* or ete, to lists of words."),
]
LanguageOption = Annotated[
    list[str] | None,
    typer.Option(help="For X: only posts in this language; may be repeated."),
]
app = typer.Typer(
    no_args_is_help=True,
    help="Work with brand queries (docs/queries.md).",
)


@app.command("lint")
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
    warnings = warnings_of(parsed(text, queries), language)
    if sample is not None:
        with posts_of(sample, source, mapping, encoding) as reader:
            warnings += _of_sample(whole(text, queries), sample, brands, reader)
    for warning in warnings:
        result(warning.show(text) + "\n")
    say(counted(len(warnings), "warning"))
    if warnings:
        sys.exit(1)


def _of_sample(
    node: Node, sample: Path, brands: Path | None, reader: PostReader
) -> list[LintWarning]:
    matcher, read = OfflineMatcher(Clauses(node, MAX_CLAUSES).queries, brands), 0

    def mentions() -> Iterator[Mention]:
        nonlocal read
        for batch in batches(reader.posts()):
            posts = [line.mention for line in batch]
            matcher.annotate(posts)
            read += len(posts)
            yield from posts

    warnings = lint_sample(node, mentions())
    for complaint in reader.bad.first:
        say(f"{sample}: {complaint}")
    if not read:
        raise ConfigurationError(f"{sample} holds no posts (docs/replay.md)")
    say(f"{read} posts of the sample read")
    return warnings


@app.command("explain")
def explain(query: QueryArgument, queries: SavedOption = None) -> None:
    """Print a query in its canonical form, then explain it clause by clause.

    With --queries, the clauses of the saved queries are below their names.

    Example: `tocsin query explain '"ma box" NEAR/5 (panne OR coupure)'`
    """
    node = parsed(query_text(query), queries)
    result(format_query(node) + "\n")
    for line in explained(node, {} if queries is None else read_saved(queries)):
        result(line)


@app.command("compile")
def compile_(
    query: QueryArgument,
    to: Annotated[
        Literal["elasticsearch", "kibana", "x"],
        typer.Option(help="Elasticsearch's query DSL, a search in Kibana, or rules of X."),
    ],
    queries: SavedOption = None,
    max_length: MaxLengthOption = MAX_LENGTH,
    max_rules: Annotated[
        int | None, typer.Option(min=1, help="For X: fail if the query needs more rules.")
    ] = None,
    expansions: ExpansionsOption = None,
    language: LanguageOption = None,
    proximity: Annotated[
        bool, typer.Option("--proximity", help="For X: use its proximity operator.")
    ] = False,
    compact: Annotated[
        bool, typer.Option("--compact", help="For Elasticsearch and Kibana: JSON on one line.")
    ] = False,
) -> None:
    """Compile a query to a filter of Elasticsearch, a search in Kibana, or rules of X.

    For Kibana it prints KQL for the search bar. A query that KQL cannot say, such as NEAR, becomes
    query DSL for Add filter, Edit as Query DSL.

    X's rules match all that the query does, and more where X has no such operator. Standard error
    lists what they widen and what they may miss.

    Example: `tocsin query compile --to x 'velmora NEAR/5 panne'`
    """
    from queries.elasticsearch.index_compiler import compile_query

    text = query_text(query)
    node = whole(text, queries)
    try:
        if to != "x":
            _for_elasticsearch(compile_query(node), to, compact)
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
        say("there are no rules: no post of X can match this query")
    _report("Wider than the query; tocsin drops the rest:", rules.widened)
    _report("The query matches this, but X may not send it:", rules.lost)


def _for_elasticsearch(query: JsonObject, to: str, compact: bool) -> None:
    if to == "kibana":
        kql = kql_of(query)
        if kql is not None:
            result(kql)
            say("paste this into the search bar of Discover, with KQL chosen")
            return
        say("KQL cannot say this; in Discover: Add filter, Edit as Query DSL, and paste")
    indent = None if compact else 2
    result(json.dumps(query, ensure_ascii=False, indent=indent))


def _report(heading: str, notes: "tuple[Note, ...]") -> None:
    if notes:
        say(heading)
    for note in notes:
        say(f"  {note.clause}: {note.how} ({note.why})")


@app.command("cost")
def cost_(
    query: QueryArgument,
    posts_a_day: Annotated[
        float, typer.Option(min=0, help="Posts per day of which the file is a sample.")
    ],
    price: Annotated[float, typer.Option(min=0, help="The price of one post on X.")],
    file: PostsArgument = None,
    queries: SavedOption = None,
    max_length: MaxLengthOption = MAX_LENGTH,
    expansions: ExpansionsOption = None,
    language: LanguageOption = None,
    source: SourceOption = "file",
    mapping: MappingOption = None,
    encoding: EncodingOption = None,
) -> None:
    """Estimate from a sample how many posts X would send per day and what they cost per month.

    The numbers in parentheses are the range that a sample of this size allows.

    Example: `tocsin query cost velmora examples/posts.jsonl --posts-a-day 5e8 --price 0.005`
    """
    from queries.x.cost import estimate

    text = query_beside_posts(query, file)
    node = whole(text, queries)
    try:
        rules = compile_rules(
            node,
            max_length=max_length,
            expansions=_expansions(expansions),
            languages=language or (),
        )
    except QueryError as error:
        refuse(error, text)
    with posts_of(file, source, mapping, encoding) as reader:
        posts = (Document(line.mention) for line in reader.posts())
        cost = estimate([rules], posts, posts_a_day=posts_a_day, price=price)
    if not cost.read:
        report(reader.bad, "no posts read")
        raise ConfigurationError("there are no posts; write one JSON object per line")
    (low, high), (cheap, dear) = cost.share_range, cost.cost_range
    share = f"{100 * cost.share:.3g} % ({100 * low:.3g} to {100 * high:.3g} %)"
    result(f"share of the posts  {share}")
    result(f"posts a day         {cost.sent_a_day:,.0f}")
    result(f"cost a month        {cost.cost_a_month:,.2f} ({cheap:,.2f} to {dear:,.2f})")
    report(reader.bad, f"{cost.read} posts read")


def _expansions(file: Path | None) -> dict[str, list[str]] | None:
    if file is None:
        return None
    return read_yaml(file, dict[str, list[str]], "it must be one map of terms to lists of words")


app.command("preview")(preview.preview_)
