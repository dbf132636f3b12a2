"""How right the annotators are: ``python -m benchmarks.accuracy`` writes ``docs/accuracy.md``.

The annotators are asked as the stream asks them, through the enricher; nothing here knows what is
inside. Only posts that nothing was trained on are scored.
"""
