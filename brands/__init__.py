"""Brands: their file, their query, their matcher, their registry on Kafka, and their policy.

Here lives whatever knows what a brand is. May import ``queries``, ``runtime``, ``text`` and
``schemas``; never a stage of the stream (``ingestors``, ``processors``, ``sinks``).
"""
