"""X's problems: what it says went wrong, and what a person has to do about it.

Shapes after docs.x.com, "Response codes and errors"; they come as the body of an HTTP error, and
as lines of a stream.
"""

from ingestors.coerce import as_list, as_mapping, as_mappings, parse


def explanation(body: object) -> str:
    """What X says went wrong, in one short line."""
    fields = as_mapping(body)
    parts: list[str] = []
    for problem in [fields, *as_mappings(fields.get("errors"))]:
        said = [problem.get(key) for key in ("title", "detail", "message")]
        parts += (text for text in said + as_list(problem.get("details")) if isinstance(text, str))
    return "; ".join(filter(None, dict.fromkeys(parts)))[:500]


def ends_the_stream(line: bytes) -> str | None:
    """X's explanation, where the line says that X is about to hang up."""
    if b'"data"' in line:
        return None
    try:
        message = as_mapping(parse(line))
    except (ValueError, RecursionError):
        return None
    for problem in [message, *as_mappings(message.get("errors"))]:
        kind = str(problem.get("type") or "")
        if kind.endswith(("/operational-disconnect", "/streaming-connection")) or (
            "disconnect_type" in problem or "connection_issue" in problem
        ):
            return explanation(message) or "no reason given"
    return None


def advice(status: int, words: str) -> str:
    """What a person has to do about an HTTP error that waiting does not mend; ``words`` are X's."""
    said = f"X answers {status} ({words})"
    if status == 401:
        return f"{said}: TOCSIN_INGEST_X_BEARER_TOKEN is not a valid app-only Bearer token"
    if status == 403:
        return (
            f"{said}: the token in TOCSIN_INGEST_X_BEARER_TOKEN must belong to an app in a project "
            "whose plan has the filtered stream"
        )
    return f"{said}: check that TOCSIN_INGEST_X_URL is the address of the X API"
