"""The names that posts have in ``source``, and what else people call these platforms.

A replayed file may hold any source; those of the ingestors are the ones that are known for sure.
"""

from collections.abc import Mapping
from typing import Final

INGESTED: Final = ("x", "bluesky")
"""What the ingestors of platforms write."""
FILES: Final = ("file", "press", "rss", "facebook", "instagram", "youtube", "tiktok", "reddit",
                "mastodon", "linkedin", "trustpilot", "telegram", "threads")  # fmt: skip
"""What files are usually said to be from."""
OTHERWISE: Final[Mapping[str, str]] = {
    "twitter": "x", "x.com": "x", "twitter.com": "x", "tweet": "x", "tweets": "x",
    "bsky": "bluesky", "bsky.app": "bluesky", "blue sky": "bluesky", "atproto": "bluesky",
}  # fmt: skip
"""What people write, in lower case, to the name of the source."""
