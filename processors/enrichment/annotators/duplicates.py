"""Annotates the fingerprints of a post's text, by which the detector recognises copies."""

from collections.abc import Sequence

from processors.enrichment.annotators.base import Annotator
from schemas.bounds import MAX_READ
from schemas.mention import Mention
from text.fingerprint import VERSION, fingerprints


class FingerprintAnnotator(Annotator):
    name = "duplicates"
    version = VERSION

    def annotate(self, batch: Sequence[Mention]) -> None:
        prints = fingerprints([mention.post.text[:MAX_READ] for mention in batch])
        for mention, (group, keys) in zip(batch, prints, strict=True):
            mention.duplicate_group, mention.duplicate_keys = group, keys
