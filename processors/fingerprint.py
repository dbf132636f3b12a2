"""A fingerprint that copies of one text share, whatever links, handles and case they carry."""

import hashlib

from queries.tokens import folded_tokens

_SHORTEST = 3
"""Words below which equal texts say nothing ("thank you")."""


def duplicate_group(text: str) -> str | None:
    """64 bits over the folded words, hexadecimal; None for a text too short to tell."""
    words = [token for token in folded_tokens(text) if not _is_address(token)]
    if len(words) < _SHORTEST:
        return None
    data = " ".join(words).encode("utf-8", "replace")
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _is_address(token: str) -> bool:
    """Whether the token is a handle or a link, which differ between copies."""
    return token[0] == "@" or "://" in token or token.startswith("www.")
