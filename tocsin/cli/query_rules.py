"""``tocsin query compile`` and ``cost``: a query for Elasticsearch and X."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from queries.language.errors import QueryError
from queries.matching.document import Document
from queries.x.rule_compiler import MAX_LENGTH, compile_rules
from queries.x.rule_fields import absent_fields
from runtime.configuration.files import read_yaml
from schemas.errors import ConfigurationError
from schemas.types import JsonObject
from tocsin.cli.output import json_result, report, result, say
from tocsin.cli.query_options import (
    EncodingOption,
    MappingOption,
    PostsArgument,
    QueryArgument,
    SavedOption,
    SourceOption,
    posts_of,
    query_beside_posts,
    query_text,
    refuse,
    whole,
)

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
        absent = ", ".join(f"{name}:" for name in absent_fields(node))
        why = f", since posts of X have no {absent}; leave it out" if absent else ""
        say(f"there are no rules: no post of X can match this query{why}")
    _report("Wider than the query; tocsin drops the rest:", rules.widened)
    _report("The query matches this, but X may not send it:", rules.lost)


def _for_elasticsearch(query: JsonObject, to: str, compact: bool) -> None:
    from queries.elasticsearch.kql import kql_of

    if to == "kibana":
        kql = kql_of(query)
        if kql is not None:
            result(kql)
            say("paste this into the search bar of Discover, with KQL chosen")
            return
        say("KQL cannot say this; in Discover: Add filter, Edit as Query DSL, and paste")
    indent = None if compact else 2
    json_result(json.dumps(query, ensure_ascii=False, indent=indent))


def _report(heading: str, notes: "tuple[Note, ...]") -> None:
    if notes:
        say(heading)
    for note in notes:
        say(f"  {note.clause}: {note.how} ({note.why})")


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
