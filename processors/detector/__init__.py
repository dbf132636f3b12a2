"""The crisis detector: activity in, alerts out.

``brand_detector`` and what it is made of are pure; ``app`` and ``worker`` are the Faust service
around them. Never imports ``processors.enrichment``.
"""
