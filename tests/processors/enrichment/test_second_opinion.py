"""Names of two recognisers made one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.annotators.encoder import EncoderAnnotator
from processors.enrichment.gazetteer import built_in
from processors.enrichment.second_opinion import second_opinion
from processors.models.encoder_model import NamedSpan
from processors.models.name_model import Name
from tests.processors.enrichment.fakes import mention

SURE, LIKELY, UNSURE = 0.99, 0.93, 0.6


def test_a_likely_name_is_added_and_an_unsure_one_is_not() -> None:
    first: list[Name] = [(0, 4, "ORG")]
    likely, unsure = NamedSpan(10, 14, "LOC", LIKELY), NamedSpan(20, 24, "LOC", UNSURE)
    assert second_opinion(first, [likely, unsure]) == [(0, 4, "ORG"), (10, 14, "LOC")]


def test_only_a_sure_name_replaces_another_label_or_another_border() -> None:
    first: list[Name] = [(0, 4, "PERSON"), (10, 20, "ORG")]
    likely = [NamedSpan(0, 4, "ORG", LIKELY), NamedSpan(16, 20, "ORG", LIKELY)]
    sure = [NamedSpan(0, 4, "ORG", SURE), NamedSpan(16, 20, "ORG", SURE)]
    assert second_opinion(first, likely) == first
    assert second_opinion(first, sure) == [(0, 4, "ORG"), (16, 20, "ORG")]


def spans() -> st.SearchStrategy[list[tuple[int, int]]]:
    cuts = st.lists(st.integers(0, 60), max_size=12, unique=True).map(sorted)
    return cuts.map(lambda at: list(zip(at[::2], at[1::2], strict=False)))


@given(spans(), spans(), st.lists(st.sampled_from([SURE, LIKELY, UNSURE]), min_size=6))
def test_names_never_overlap_and_a_sure_one_is_always_there(
    one: list[tuple[int, int]], other: list[tuple[int, int]], shares: list[float]
) -> None:
    first = [(start, end, "ORG") for start, end in one]
    second = [NamedSpan(*span, "LOC", share) for span, share in zip(other, shares, strict=False)]
    names = second_opinion(first, second)
    assert all(before[1] <= after[0] for before, after in pairwise(names))
    assert {span[:3] for span in second if span.probability == SURE} <= set(names)


def test_the_encoder_corrects_names_in_english_and_leaves_the_french_ones() -> None:
    text = "Shout out to the Corvane branch in Leeds, sorted my card in five minutes"
    batch = [mention(text, "en"), mention(text, "fr")]
    for post in batch:
        post.entities = built_in().apply(text, [(17, 24, "PERSON")])
    EncoderAnnotator(names_in=lambda _: False).annotate(batch)
    english, french = ([(one.text, one.label) for one in post.entities] for post in batch)
    assert english == [("Corvane", "ORG"), ("Leeds", "LOC")]
    assert french == [("Corvane", "PERSON")]
