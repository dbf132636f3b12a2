"""Asks questions of a real index that holds a corpus, through the application's own client."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import isclose
from pathlib import Path
from typing import Any

import msgspec

from runtime.settings import ElasticsearchSettings, load
from sinks.elasticsearch.connection import connect
from sinks.elasticsearch.documents import upsert
from sinks.elasticsearch.indices.mappings import IndexNames
from sinks.elasticsearch.indices.setup import setup
from sinks.elasticsearch.writes.bulk import write
from tests.tocsin.local.stack.records import quiet
from tests.tower.questions.corpus import Corpus
from tests.tower.questions.oracle import Oracle
from tocsin.local.stack.account import our_account
from tocsin.local.stack.embedded import EmbeddedElasticsearch, noida_binary
from tocsin.local.stack.ports import free_ports
from tocsin.local.stack.process import ChildProcess
from tower.answers import Answers, Asked
from tower.questions.mention_list import MentionsAnswer, MentionsAsk
from tower.questions.question import Answer, Ask, Context, Question, Search
from tower.questions.question_table import QUESTIONS
from tower.search_client import SearchClient

PATIENCE_S = 30.0
READY_S = 60.0


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """The address of an embedded Elasticsearch, which is ready within about a second."""
    (port,) = free_ports(1)
    server = EmbeddedElasticsearch(noida_binary(), folder / "es", our_account(), port)
    server.prepare()
    process = ChildProcess(server.run_command())
    try:
        deadline = time.monotonic() + READY_S
        while not server.is_ready():
            assert process.exit_code is None, server.log.read_text("utf-8")[-2_000:]
            assert time.monotonic() < deadline, "the embedded index did not start"
            time.sleep(0.02)
        yield server.address
    finally:
        process.ask_to_stop()
        process.wait_or_kill(PATIENCE_S)


class Index:
    """A corpus in an index; ``searches``: every search that was sent."""

    def __init__(
        self, url: str, corpus: Corpus, prefix: str = "tower-", *, fill: bool = True
    ) -> None:
        """``fill=False``: the index is as it is."""
        self.corpus = corpus
        settings = load(ElasticsearchSettings, url=url, index_prefix=prefix)
        if fill:
            self._fill(settings)
        self._client = SearchClient(settings)
        self.searches: list[Search] = []

    def _fill(self, settings: ElasticsearchSettings) -> None:
        names = IndexNames(settings)
        with connect(settings) as client:
            setup(client, settings, quiet)
            written = write(client, [upsert(event, names) for event in self.corpus.mentions])
            assert len(written.written) == len(self.corpus.mentions)
            lines = [
                line
                for index, id_, document in self._records(names)
                for line in ({"index": {"_index": index, "_id": id_}}, document)
            ]
            if lines:
                answer = client.bulk(operations=lines)
                assert not answer["errors"], answer
            client.indices.refresh(index=",".join((names.mentions_pattern, *names.fixed)))

    def _records(self, names: IndexNames) -> Iterator[tuple[str, str, Any]]:
        for alert in self.corpus.alerts:
            yield names.alerts, alert["id"], alert
        for interval in self.corpus.coverage:
            yield names.coverage, interval.id, msgspec.to_builtins(interval)
        for erasure in self.corpus.erasures:
            yield names.erasures, erasure["author_id"], erasure

    def ask(self, question: Question[Any, Any], ask: Ask) -> Answer:
        """The answer, without what tells when and how fast it was given."""
        asked = asyncio.run(self._asked(question, ask))
        assert asked.error is None, asked.error
        assert asked.answer is not None
        assert asked.answer.as_of is not None
        assert not asked.answer.partial
        return msgspec.structs.replace(
            asked.answer, as_of=None, since=None, until=None, took_ms=0, partial=False
        )

    def compare(self, question: str, ask: Ask, brand: str | None = None) -> dict[str, Any]:
        """Asserts that the index and the count agree; returns the answer."""
        answer = without_clauses(self.ask(QUESTIONS[question], ask))
        wanted = without_clauses(Oracle(self.corpus, ask, brand).answer(question))
        found = differences(answer, wanted)
        assert not found, (question, ask, found[:20])
        assert isinstance(answer, dict)
        return answer

    def compare_pages(self, order: Any) -> None:
        """Asserts that the pages of the list, one after the other, are the whole list."""
        ask = MentionsAsk(last="7d", order=order, size=60)
        wanted = [one.mention.post.id for one in Oracle(self.corpus, ask).listed()]
        assert len(wanted) > 120
        found: list[str] = []
        after = None
        for _ in range(len(wanted) // 60 + 1):
            page = msgspec.structs.replace(ask, after=after)
            answer = self.ask(QUESTIONS["mentions"], page)
            assert isinstance(answer, MentionsAnswer)
            assert answer.total == len(wanted)
            found += [one.mention.post.id for one in answer.mentions]
            after = answer.next
        assert found == wanted
        assert after is None

    async def _asked(self, question: Question[Any, Any], ask: Ask) -> Asked:
        context = Context(self.corpus.now, self.corpus.brands)
        answers = Answers(self._search_all, lambda: context)
        return await answers.ask(question, ask)

    async def _search_all(self, searches: Any) -> list[Any]:
        self.searches += searches
        return await self._client.search_all(searches)

    def close(self) -> None:
        self._client.close()


def without_clauses(value: Any) -> Any:
    """The answer as plain data, without the clauses and the address of the next page."""
    if isinstance(value, msgspec.Struct):
        fields = [name for name in value.__struct_fields__ if name not in ("clause", "next")]
        return {name: without_clauses(getattr(value, name)) for name in fields}
    if isinstance(value, dict):
        return {name: without_clauses(each) for name, each in value.items()}
    return [without_clauses(each) for each in value] if isinstance(value, list) else value


def differences(answer: Any, wanted: Any, place: str = "") -> list[str]:
    """Where two answers differ, so that a failure can be read."""
    if isinstance(answer, dict) and isinstance(wanted, dict):
        names = sorted(answer.keys() | wanted.keys())
        pairs = [(f"{place}.{name}", answer.get(name), wanted.get(name)) for name in names]
    elif isinstance(answer, list) and isinstance(wanted, list) and len(answer) == len(wanted):
        both = enumerate(zip(answer, wanted, strict=True))
        pairs = [(f"{place}[{n}]", one, other) for n, (one, other) in both]
    elif isinstance(answer, float) and isinstance(wanted, float):
        return [] if isclose(answer, wanted) else [f"{place}: {answer} is not {wanted}"]
    else:
        return [] if answer == wanted else [f"{place}: {answer!r} is not {wanted!r}"]
    return [each for name, one, other in pairs for each in differences(one, other, name)]


def clauses_of(value: Any) -> list[tuple[str, int]]:
    """Each clause in an answer, with a number of mentions that it must find at least."""
    if isinstance(value, dict):
        counted = [value.get(name, 0) for name in ("mentions", "negative", "neutral", "positive")]
        own = [(value["clause"], max(counted))] if value.get("clause") else []
        return own + [pair for each in value.values() for pair in clauses_of(each)]
    if isinstance(value, list):
        return [pair for each in value for pair in clauses_of(each)]
    return []
