"""The crisis detector: activity in, alerts out.

Pure but for ``recovery``, ``worker`` and ``app``, the Faust service. Never imports
``processors.enrichment``.
"""
