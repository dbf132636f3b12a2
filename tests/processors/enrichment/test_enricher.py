"""Enrichment is a pure function of posts: nothing lost, nothing moved, whatever the batches."""

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.annotators.base import Annotator
from processors.enrichment.annotators.brands import BrandAnnotator
from processors.enrichment.annotators.duplicates import FingerprintAnnotator
from processors.enrichment.annotators.influence import InfluenceAnnotator
from processors.enrichment.encoder_choice import NONE, Choice
from processors.enrichment.enricher import SKIPPED, Enriched, Enricher, awaited
from runtime import metrics
from schemas.ids import author_hash
from schemas.mention import Mention, MentionDelete, MentionUpsert
from schemas.post import PostEvent
from tests import make
from tests.make import AT, erase
from tests.processors.enrichment.fakes import ENRICHED, MATCHER, Initials, Loudness, delete, upsert

BRANDS: Annotator = BrandAnnotator(lambda: MATCHER)
VERSION = BrandAnnotator.version


def enrich(events: Sequence[PostEvent], keep_unmatched: bool = False) -> Enriched:
    annotators = [Initials(), BRANDS, FingerprintAnnotator(), InfluenceAnnotator(), Loudness()]
    enricher = Enricher(annotators, keep_unmatched=keep_unmatched)
    return enricher.enrich(events, ENRICHED)


def upserted(enriched: Enriched) -> list[Mention]:
    return [event.mention for event in enriched.mentions if isinstance(event, MentionUpsert)]


def test_a_mention_carries_the_post_and_its_annotations() -> None:
    event = upsert(7, "Velmora!")
    result = enrich([event])
    (written,), (mention,) = result.mentions, upserted(result)
    assert (written.op, written.id, written.source, written.version) == ("upsert", "x:7", "x", 7)
    assert (written.ingested_at, written.enriched_at) == (AT, ENRICHED)
    assert mention.post == event.post
    assert [brand.id for brand in mention.brands] == ["velmora"]
    assert mention.language is not None and mention.language.code == "V"
    assert [entity.text for entity in mention.entities] == ["Velmora!"]
    own = {"initials": "1", "loudness": "2"}
    theirs = {"brands": VERSION, "duplicates": "words-2", "influence": "counts-1"}
    assert mention.provenance == own | theirs


def test_deletes_and_erasures_pass_through_whole() -> None:
    result = enrich([delete(1), erase("2", source="x")])
    gone, erased = result.mentions
    assert (gone.op, gone.version, gone.created_at) == ("delete", 9, AT)
    assert (erased.op, erased.author_id) == ("erase_author", "2")
    assert result.activity == []


def test_a_post_without_a_brand_is_dropped_unless_it_is_to_be_kept() -> None:
    events = [upsert(1, "nothing")]
    assert enrich([]) == Enriched([], [], 0)
    assert enrich(events) == Enriched([], [], 1)
    kept = enrich(events, keep_unmatched=True)
    assert [event.id for event in kept.mentions] == ["x:1"]
    assert (kept.activity, kept.unmatched) == ([], 0)


def test_what_cannot_name_a_brand_is_not_even_read_for_its_language() -> None:
    events = [upsert(1, "nothing"), upsert(2, "Velmora"), upsert(3, "velour")]
    for keep_unmatched, read in ((False, ["x:2"]), (True, ["x:1", "x:2", "x:3"])):
        initials = Initials()
        enriched = Enricher([initials, BRANDS], keep_unmatched=keep_unmatched).enrich(
            events, ENRICHED
        )
        assert initials.seen == read
        assert [post.post.id for post in upserted(enriched)] == read


def test_an_edit_that_removes_the_brand_deletes_the_mention() -> None:
    result = enrich([upsert(1, "Velmora"), upsert(1, "never mind", edited=True, version=5)])
    changes = [(event.op, event.version) for event in result.mentions]
    assert changes == [("upsert", 1), ("delete", 5)]
    dropped = result.mentions[1]
    assert isinstance(dropped, MentionDelete)
    assert (dropped.created_at, dropped.unmatched, dropped.edited) == (AT, True, True)
    assert result.unmatched == 1
    (event,) = enrich([upsert(1, "Velmora, edited", edited=True)]).mentions
    assert event.op == "upsert"


def test_a_file_may_have_another_text_for_the_same_post() -> None:
    """Read again, without any date of an edit; the index takes no notice of unknown posts."""
    post = make.post("sorry, wrong company", id="forum:1")
    enricher = Enricher([BRANDS])
    assert enricher.enrich([make.upsert(post, 3)], ENRICHED).mentions == []
    (event,) = enricher.enrich([make.upsert(post, 3)], ENRICHED, stored=True).mentions
    assert isinstance(event, MentionDelete)
    assert (event.unmatched, event.version, event.created_at) == (True, 3, AT)
    assert not event.edited


def test_a_dead_letter_is_announced_with_a_version_that_deletes_nothing() -> None:
    event = awaited(upsert(1, "Velmora"), ENRICHED)
    assert (event.op, event.id, event.version, event.unmatched) == ("delete", "x:1", 0, False)


def test_heavy_annotators_read_only_posts_that_name_a_brand_unless_there_is_no_prefilter() -> None:
    light, heavy = Initials(), Loudness()
    events = [upsert(1, "Velmora"), upsert(2, "no"), delete(3), upsert(4, "Zephalia")]
    result = Enricher([light, BRANDS, heavy], keep_unmatched=True).enrich(events, ENRICHED)
    assert light.seen == ["x:1", "x:2", "x:4"]
    assert heavy.seen == ["x:1", "x:4"]
    assert upserted(result)[1].provenance == {"initials": "1", "brands": VERSION}
    heavy = Loudness()
    enricher = Enricher([BRANDS, heavy], keep_unmatched=True, prefilter=False)
    result = enricher.enrich([upsert(1, "Velmora"), upsert(2, "no")], ENRICHED)
    assert heavy.seen == ["x:1", "x:2"]
    both = {"brands": VERSION, "loudness": "2"}
    assert [mention.provenance for mention in upserted(result)] == [both, both]


def test_activity_is_one_record_a_brand() -> None:
    records = enrich([upsert(12, "Velmora and Zephalia are both down"), delete(1)]).activity
    assert [record.brand for record in records] == ["velmora", "zephalia"]
    for record in records:
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


TEXTS = st.sampled_from(["Velmora", "Zephalia et Velmora", "rien", "", "éa velmora 😡"])
EVENTS = st.lists(
    st.one_of(
        st.builds(upsert, st.integers(0, 5), TEXTS, st.booleans(), st.integers(0, 99)),
        st.builds(delete, st.integers(0, 5)),
        st.builds(erase, st.sampled_from(["0", "1"]), source=st.just("x")),
    ),
    max_size=20,
)


@given(EVENTS, st.lists(st.integers(0, 20), max_size=5), st.booleans())
def test_the_result_does_not_depend_on_the_batches(
    events: list[PostEvent], cuts: list[int], keep_unmatched: bool
) -> None:
    before = repr(events)
    whole = enrich(events, keep_unmatched)
    assert repr(events) == before, "the input does not change"
    edges = sorted({0, *(min(cut, len(events)) for cut in cuts), len(events)})
    batches = [
        enrich(events[start:end], keep_unmatched) for start, end in itertools.pairwise(edges)
    ]
    assert [event for batch in batches for event in batch.mentions] == whole.mentions
    assert [record for batch in batches for record in batch.activity] == whole.activity
    assert sum(batch.unmatched for batch in batches) == whole.unmatched


@given(EVENTS)
def test_every_event_comes_out_in_its_order_or_is_counted(events: list[PostEvent]) -> None:
    result = enrich(events)
    upserts = sum(event.op == "upsert" for event in events)
    assert len(upserted(result)) + result.unmatched == upserts
    kept = enrich(events, keep_unmatched=True).mentions
    assert [(one.op, one.id, one.version) for one in kept] == [
        (one.op, one.id, one.version) for one in events
    ]


def test_a_post_that_will_be_dropped_is_not_read_further() -> None:
    events = [upsert(1, "Velmora"), upsert(2, "velmorata")]
    before, after = Initials(), Initials(name="after")
    Enricher([before, BRANDS, after]).enrich(events, ENRICHED)
    assert (len(before.seen), after.seen) == (2, [events[0].id])
    after.seen.clear()
    Enricher([BRANDS, after], keep_unmatched=True).enrich(events, ENRICHED)
    assert len(after.seen) == 2


def test_accurate_annotators_read_posts_that_name_a_brand_and_none_of_a_fast_batch() -> None:
    accurate = Loudness(name="accurate")
    enricher = Enricher([BRANDS], accurate=[accurate], keep_unmatched=True)
    events = [upsert(1, "velmora"), upsert(2, "nothing")]
    named, other = upserted(enricher.enrich(events, ENRICHED))
    assert accurate.seen == ["x:1"]
    assert (named.tier, other.tier) == ("accurate", None)
    assert "accurate" not in other.provenance
    counter = metrics.PROCESS_ENRICHED.labels("fast")._value
    before = counter.get()
    (mention,) = upserted(enricher.enrich([upsert(1, "velmora")], ENRICHED, NONE))
    assert accurate.seen == ["x:1"]
    assert mention.tier == "fast"
    assert mention.provenance["accurate"] == SKIPPED
    assert counter.get() == before + 1


def test_the_choice_is_among_all_posts_of_a_batch_long_ones_included() -> None:
    accurate, metric = Loudness(name="accurate"), metrics.PROCESS_ENCODER_CHOSEN.labels("reach")
    enricher = Enricher([BRANDS, InfluenceAnnotator()], accurate=[accurate])
    long = upsert(90, "velmora " + "x" * 20_000)
    events = [upsert(1, "velmora"), long, delete(3), upsert(5, "no")]
    events += [upsert(7, "velmora"), upsert(8, "velmora")]
    before = metric._value.get()
    result = enricher.enrich(events, ENRICHED, Choice(2))
    assert accurate.seen == ["x:90", "x:8"], "an author's number is the reach"
    assert metric._value.get() == before + 2
    assert (result.accurate, [one.tier for one in upserted(result)]) == (
        2,
        ["fast", "accurate", "fast", "accurate"],
    )
    alone = [enricher.enrich([event], ENRICHED).mentions for event in (long, events[5])]
    assert [result.mentions[1], result.mentions[4]] == [one for (one,) in alone]
    assert [record.post_id for record in result.activity] == ["x:1", "x:90", "x:7", "x:8"]


def test_targets_reach_the_annotators_of_their_own_post() -> None:
    events = [upsert(1, "velmora"), upsert(2, "nothing")]
    enricher = Enricher([BRANDS], keep_unmatched=True)
    result = enricher.enrich(events, ENRICHED, targets={"x:2": ["the food"]})
    targets = [[target.text for target in mention.targets] for mention in upserted(result)]
    assert targets == [[], ["the food"]]


def test_provenance_says_which_annotators_read_a_long_text_in_part() -> None:
    enricher = Enricher([BrandAnnotator(lambda: MATCHER), Initials()])
    for length, part in ((10, ""), (20_000, " (first part)")):
        event = upsert(1, "Velmora " + "x" * length)
        (mention,) = enricher.enrich([event], ENRICHED).mentions
        assert isinstance(mention, MentionUpsert)
        wanted = {"brands": VERSION + part, "initials": "1" + part}
        assert mention.mention.provenance == wanted
