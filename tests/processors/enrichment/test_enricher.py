"""Enrichment is a pure function of posts: nothing lost, nothing moved, whatever the batches."""

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.annotators.base import Annotator
from processors.enrichment.annotators.brands import BrandAnnotator
from processors.enrichment.annotators.duplicates import FingerprintAnnotator
from processors.enrichment.annotators.influence import InfluenceAnnotator
from processors.enrichment.enricher import Enriched, Enricher
from schemas.ids import author_hash
from schemas.mention import MentionUpsert
from schemas.post import PostEvent
from tests.processors.enrichment.fakes import (
    AT,
    ENRICHED,
    MATCHER,
    Initials,
    Loudness,
    delete,
    erase,
    upsert,
)


def brands() -> Annotator:
    return BrandAnnotator(lambda: MATCHER)


def enrich(events: Sequence[PostEvent], keep_unmatched: bool = False) -> Enriched:
    annotators = [Initials(), brands(), FingerprintAnnotator(), InfluenceAnnotator(), Loudness()]
    enricher = Enricher(annotators, keep_unmatched=keep_unmatched)
    return enricher.enrich(events, ENRICHED)


def test_an_empty_batch_is_empty() -> None:
    assert enrich([]) == Enriched([], [], 0)


def test_a_mention_carries_the_post_and_what_was_found() -> None:
    event = upsert(7, "Velmora!")
    (found,) = enrich([event]).mentions
    assert (found.op, found.id, found.source, found.version) == ("upsert", "x:7", "x", 7)
    assert (found.ingested_at, found.enriched_at) == (AT, ENRICHED)
    assert isinstance(found, MentionUpsert)
    assert found.mention.post == event.post
    assert [brand.id for brand in found.mention.brands] == ["velmora"]
    assert found.mention.language is not None and found.mention.language.code == "V"
    assert [entity.text for entity in found.mention.entities] == ["Velmora!"]
    assert found.mention.provenance == {
        "initials": "1",
        "brands": "queries-1",
        "duplicates": "words-1",
        "influence": "counts-1",
        "loudness": "2",
    }


def test_the_order_of_what_comes_out_is_that_of_what_went_in() -> None:
    events = [
        upsert(1, "Velmora 1"),
        delete(1),
        upsert(2, "Zephalia"),
        erase("2"),
        upsert(1, "Velmora again", version=10),
        delete(3),
    ]
    found = enrich(events).mentions
    assert [(event.op, event.id, event.version) for event in found] == [
        (event.op, event.id, event.version) for event in events
    ]


def test_deletes_and_erasures_pass_through_whole() -> None:
    gone, erased = enrich([delete(1), erase("2")]).mentions
    assert (gone.op, gone.version, gone.created_at) == ("delete", 9, AT)
    assert (erased.op, erased.author_id) == ("erase_author", "2")
    assert enrich([delete(1), erase("2")]).activity == []


def test_a_post_without_a_brand_goes_no_further() -> None:
    assert enrich([upsert(1, "nothing")]) == Enriched([], [], 1)


def test_a_post_without_a_brand_may_be_kept() -> None:
    found = enrich([upsert(1, "nothing")], keep_unmatched=True)
    assert [event.id for event in found.mentions] == ["x:1"]
    assert (found.activity, found.unmatched) == ([], 0)


def test_an_edit_that_names_no_brand_any_more_takes_the_mention_away() -> None:
    found = enrich([upsert(1, "Velmora"), upsert(1, "never mind", edited=True, version=5)])
    assert [(event.op, event.version) for event in found.mentions] == [("upsert", 1), ("delete", 5)]
    assert found.mentions[1].created_at == AT
    assert found.unmatched == 1


def test_an_edit_that_still_names_a_brand_is_an_upsert() -> None:
    (event,) = enrich([upsert(1, "Velmora, edited", edited=True)]).mentions
    assert event.op == "upsert"


def test_heavy_annotators_read_only_posts_that_name_a_brand() -> None:
    light, heavy = Initials(), Loudness()
    events = [upsert(1, "Velmora"), upsert(2, "no"), delete(3), upsert(4, "Zephalia")]
    Enricher([light, brands(), heavy], keep_unmatched=True).enrich(events, ENRICHED)
    assert light.seen == ["x:1", "x:2", "x:4"]
    assert heavy.seen == ["x:1", "x:4"]


def test_without_the_prefilter_heavy_annotators_read_everything() -> None:
    heavy = Loudness()
    enricher = Enricher([brands(), heavy], keep_unmatched=True, prefilter=False)
    found = enricher.enrich([upsert(1, "Velmora"), upsert(2, "no")], ENRICHED)
    assert heavy.seen == ["x:1", "x:2"]
    assert [event.mention.provenance for event in found.mentions if event.mention] == [
        {"brands": "queries-1", "loudness": "2"}
    ] * 2


def test_a_heavy_annotator_that_did_not_run_is_not_in_the_provenance() -> None:
    enricher = Enricher([brands(), Loudness()], keep_unmatched=True)
    (event,) = enricher.enrich([upsert(1, "no")], ENRICHED).mentions
    assert isinstance(event, MentionUpsert)
    assert event.mention.provenance == {"brands": "queries-1"}


def test_activity_is_one_record_a_brand() -> None:
    found = enrich([upsert(12, "Velmora and Zephalia are both down"), delete(1)]).activity
    assert [record.brand for record in found] == ["velmora", "zephalia"]
    for record in found:
        assert (record.post_id, record.version, record.at) == ("x:12", 12, AT)
        assert (record.reach, record.kind, record.language) == (12, "original", "V")
        assert record.author == author_hash("x", "12")
        assert record.duplicate_group is not None
        assert record.duplicate_keys


def test_the_annotators_run_in_their_order() -> None:
    ran: list[str] = []

    class Noted(Initials):
        def annotate(self, batch: Sequence[object]) -> None:
            ran.append(self.name)

    Enricher([Noted(name="b"), Noted(name="a"), Noted(name="c")]).enrich([upsert(1, "x")], ENRICHED)
    assert ran == ["b", "a", "c"]


def test_the_posts_that_were_given_are_not_changed() -> None:
    events = [upsert(1, "Velmora"), delete(2)]
    enrich(events)
    assert events == [upsert(1, "Velmora"), delete(2)]


TEXTS = st.sampled_from(["Velmora", "Zephalia et Velmora", "rien", "", "éa velmora 😡"])
EVENTS = st.lists(
    st.one_of(
        st.builds(upsert, st.integers(0, 5), TEXTS, st.booleans(), st.integers(0, 99)),
        st.builds(delete, st.integers(0, 5)),
        st.builds(erase, st.sampled_from(["0", "1"])),
    ),
    max_size=20,
)


@given(EVENTS, st.lists(st.integers(0, 20), max_size=5), st.booleans())
def test_how_the_posts_are_cut_into_batches_changes_nothing(
    events: list[PostEvent], cuts: list[int], keep_unmatched: bool
) -> None:
    whole = enrich(events, keep_unmatched)
    edges = sorted({0, *(min(cut, len(events)) for cut in cuts), len(events)})
    parts = [enrich(events[start:end], keep_unmatched) for start, end in itertools.pairwise(edges)]
    assert [event for part in parts for event in part.mentions] == whole.mentions
    assert [record for part in parts for record in part.activity] == whole.activity
    assert sum(part.unmatched for part in parts) == whole.unmatched


@given(EVENTS)
def test_every_event_comes_out_or_is_counted(events: list[PostEvent]) -> None:
    found = enrich(events)
    passed = sum(event.op == "upsert" for event in found.mentions)
    upserts = sum(event.op == "upsert" for event in events)
    assert passed + found.unmatched == upserts
    kept = enrich(events, keep_unmatched=True)
    assert [event.id for event in kept.mentions] == [event.id for event in events]


def test_one_event_twice_comes_out_twice() -> None:
    event = upsert(1, "Velmora")
    assert len(enrich([event, event]).mentions) == 2


def test_a_post_that_goes_no_further_is_read_no_further() -> None:
    events = [upsert(1, "Velmora"), upsert(2, "nothing")]
    before, after = Initials(), Initials(name="after")
    Enricher([before, brands(), after]).enrich(events, ENRICHED)
    assert (len(before.seen), after.seen) == (2, [events[0].id])
    after.seen.clear()
    Enricher([brands(), after], keep_unmatched=True).enrich(events, ENRICHED)
    assert len(after.seen) == 2
