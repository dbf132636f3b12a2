"""Accuracy of the annotators: ``python -m benchmarks.accuracy`` writes ``docs/accuracy.md``.

The annotators run through the enricher, as on the stream. Only held-out posts are scored.
"""
