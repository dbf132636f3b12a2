"""Entities: F1 of exact spans with their labels."""

from collections.abc import Callable, Sequence

from benchmarks.accuracy import libraries
from benchmarks.accuracy.context import Context
from benchmarks.accuracy.sets import Named
from benchmarks.markdown import table
from benchmarks.scores import Span, bootstrap_spans, span_counts
from schemas.mention import Mention

ANNOTATORS = ("language", "entities", "spacy_entities", "encoder")
Pipeline = Callable[[Sequence[str]], list[set[Span]]]


def section(context: Context) -> list[str]:
    pipelines: dict[str, Pipeline | None] = {}
    rows = []
    for one in context.sets.entity_sets():
        if one.language not in pipelines:
            pipelines[one.language] = libraries.small_pipeline(one.language)
            if pipelines[one.language] is None:
                context.not_installed([f"spaCy's small pipeline for {one.language}"])
        row: list[object] = [one.name, len(one.texts), sum(map(len, one.gold))]
        for language in (None, one.language):
            for reader in context.readers:
                read = reader.read(one.texts, ANNOTATORS, language=language)
                row.append(_score(one, [_spans(mention) for mention in read]))
        pipeline = pipelines[one.language]
        row.append("–" if pipeline is None else _score(one, pipeline(one.texts)))
        rows.append(row)
    if not rows:
        return []
    return [
        "## Entities",
        "",
        "F1 of exact spans with the right label, in percent, over the labels that the set has. "
        "First with the language that the annotator finds, then with the language told, as "
        "spaCy's small pipelines are. Tokens joined by blanks; WikiNEuRal is Wikipedia, labelled "
        "by machine.",
        "",
        *table(
            [
                "set",
                "posts",
                "names",
                *context.tiers,
                *(f"{tier}, told" for tier in context.tiers),
                "spaCy small",
            ],
            rows,
        ),
    ]


def _spans(mention: Mention | None) -> set[Span]:
    if mention is None:
        return set()
    return {(one.start, one.end, one.label) for one in mention.entities}


def _score(one: Named, found: Sequence[set[Span]]) -> object:
    kept = [{span for span in spans if span[2] in one.labels} for spans in found]
    return bootstrap_spans(span_counts(kept, one.gold))
