"""Annotates the fingerprints of a post's text, by which the detector knows copied posts."""

from collections.abc import Sequence

from schemas.mention import Mention
from text.fingerprint import VERSION, fingerprints


class FingerprintAnnotator:
    """Fills ``duplicate_group`` and ``duplicate_keys``, from the text alone."""

    name = "duplicates"
    heavy = True
    version = VERSION

    def annotate(self, batch: Sequence[Mention]) -> None:
        """Both from the text alone."""
        found = fingerprints([mention.post.text for mention in batch])
        for mention, (group, keys) in zip(batch, found, strict=True):
            mention.duplicate_group, mention.duplicate_keys = group, keys
