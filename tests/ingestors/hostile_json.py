"""JSON and texts as hostile as a feed can be."""

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
"""Anything that JSON can be."""
TEXT = st.text(
    st.characters() | st.sampled_from(["\ud800", "\x00", "\u202e", "👩", "\u200d"]), max_size=200
)
"""Texts with what breaks programs."""
