"""Matches posts with queries, in the stream: thousands of queries behind one prefilter.

Pure functions; knows the language and ``text``, and no other back end.
"""
