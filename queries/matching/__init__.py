"""Matches posts in the stream with thousands of queries, through one prefilter."""
