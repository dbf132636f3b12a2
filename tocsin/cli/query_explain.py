"""``tocsin query explain``: a query clause by clause."""

from queries.language.format import format_query
from queries.tools.explain import explain as explained
from tocsin.cli.output import result
from tocsin.cli.query_options import (
    QueryArgument,
    SavedOption,
    parsed,
    query_text,
    read_saved,
)


def explain(query: QueryArgument, queries: SavedOption = None) -> None:
    """Print a query in its canonical form, then explain it clause by clause.

    With --queries, the clauses of the saved queries are below their names.

    Example: `tocsin query explain '"ma box" NEAR/5 (panne OR coupure)'`
    """
    node = parsed(query_text(query), queries)
    result(format_query(node) + "\n")
    for line in explained(node, {} if queries is None else read_saved(queries)):
        result(line)
