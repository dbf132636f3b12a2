"""Hostile JSON and text, and the bounds of their posts."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from schemas.bounds import MAX_ITEMS, MAX_SHORT, MAX_TEXT
from schemas.codec import POST_EVENT
from schemas.post import Post, PostEvent, PostUpsert

some_examples = settings(max_examples=60)


def json_with(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner),
        max_leaves=12,
    )


JSON = json_with(st.text(max_size=8))
"""Any JSON value."""
TEXT = st.text(
    st.characters() | st.sampled_from(["\ud800", "\x00", "\u202e", "👩", "\u200d"]), max_size=200
)
"""Text with characters that break programs."""


def bounded_post(event: PostEvent | None) -> Post:
    """The post of the event, after a check that it is bounded and can be encoded."""
    assert isinstance(event, PostUpsert)
    assert POST_EVENT.decode(POST_EVENT.encode(event)).id == event.id
    assert len(event.id.encode()) <= 512
    post = event.post
    assert len(post.text) <= MAX_TEXT
    lists = [post.mentions, post.hashtags, post.links, [item.alt or "" for item in post.media]]
    assert all(len(items) <= MAX_ITEMS for items in lists)
    assert all(len(item) <= MAX_SHORT for items in lists for item in items)
    return post
