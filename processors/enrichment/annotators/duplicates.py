"""Annotates the fingerprints of a post's text, by which the detector knows copied posts."""

from collections.abc import Sequence

from processors.enrichment.annotators.base import Annotator
from schemas.mention import Mention
from text.fingerprint import VERSION, fingerprints


class FingerprintAnnotator(Annotator):
    """Fills ``duplicate_group`` and ``duplicate_keys``, from the text alone."""

    name = "duplicates"
    version = VERSION

    def annotate(self, batch: Sequence[Mention]) -> None:
        read = fingerprints([mention.post.text for mention in batch])
        for mention, (group, keys) in zip(batch, read, strict=True):
            mention.duplicate_group, mention.duplicate_keys = group, keys
