"""Enrichment: posts in, mentions and activity records out.

``enricher`` and the annotators are pure; ``app`` and ``worker`` are the Faust service around them.
Never imports ``processors.detector``.
"""
