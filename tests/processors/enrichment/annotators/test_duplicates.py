"""The annotator of copies fills a post's group and keys from its text alone."""

from processors.enrichment.annotators.duplicates import FingerprintAnnotator
from tests.processors.enrichment.fakes import mention
from text.fingerprint import duplicate_group, duplicate_keys

TEXTS = ["Velmora is down again in Nantes", "Velmora is down again in Nantes", "hi", "word " * 30]


def test_it_fills_both_for_each_post() -> None:
    batch = [mention(text) for text in TEXTS]
    annotator = FingerprintAnnotator()
    annotator.annotate(batch)
    annotator.annotate([])
    assert [post.duplicate_group for post in batch] == list(map(duplicate_group, TEXTS))
    assert [post.duplicate_keys for post in batch] == duplicate_keys(TEXTS)
    assert batch[2].duplicate_keys == []
