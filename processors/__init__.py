"""What is found in a post, and the stream processor that does the finding.

Here live the annotators (pure functions over batches), the enrichment that strings them together,
and the thin Faust application around it. May import ``runtime``, ``queries`` and ``schemas``.
"""
