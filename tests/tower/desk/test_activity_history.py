"""The activity of the index is that of the stream, though the index holds less."""

import json
from datetime import timedelta

import pytest

from processors.enrichment.activity_records import activity_of
from runtime.settings import ElasticsearchSettings
from schemas.mention import BrandMatch, MentionUpsert
from sinks.elasticsearch.documents import upsert
from sinks.elasticsearch.indices.mappings import IndexNames
from tests import make
from tests.servers.elasticsearch import Document, ElasticsearchServer
from text.fingerprint import fingerprints
from tower.desk.activity_history import records_of_index

TEXTS = [
    "Velmora lets its customers down again and nobody of the hotline answers today",
    "Velmora lets its customers down again and nobody of the hotline answers tonight",
    "Velmora is down",
    "Velmora!",
]


def event(number: int, text: str) -> MentionUpsert:
    post = make.post(text, id=f"x:{number}", created_at=make.AT + timedelta(minutes=number))
    mention = make.mention(post, language="en", brands=[BrandMatch(id="velmora")])
    ((mention.duplicate_group, mention.duplicate_keys),) = fingerprints([text])
    made = make.enriched(mention, version=number + 1)
    assert isinstance(made, MentionUpsert)
    return made


@pytest.mark.parametrize("kept", [False, True], ids=["today", "before version 8"])
def test_the_keys_of_copies_are_those_that_the_stream_had(kept: bool) -> None:
    events = [event(number, text) for number, text in enumerate(TEXTS)]
    with ElasticsearchServer() as server:
        settings = ElasticsearchSettings(url=server.url)
        for one in events:
            operation = upsert(one, IndexNames(settings))
            source = json.loads(operation.document)
            assert "duplicate_keys" not in source
            if kept and "duplicate_group" in source:
                source["duplicate_keys"] = ["of an older version"]
            # As the alias that is read.
            key = IndexNames(settings).mentions, operation.id
            server.documents[key] = Document(source, operation.version, visible=True)
        end = make.AT + timedelta(hours=1)
        found = list(records_of_index(settings, "velmora", make.AT, end))
    wanted = [
        record
        for one in events
        for record in activity_of(one.version, one.ingested_at, one.mention)
    ]
    assert found == wanted
    assert [bool(record.duplicate_keys) for record in found] == [True, True, True, False]
