"""Brands: their file, query, matcher, disambiguation, registry on Kafka, and alert policy.

Here lives the code that knows the type ``Brand`` and serves several stages. Never import a stage of
the stream (``ingestors``, ``processors``, ``sinks``).
"""
