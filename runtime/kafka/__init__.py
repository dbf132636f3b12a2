"""Kafka, as every service uses it: clients, ranges of a topic, lag, dead letters and the brake.

Nothing here knows a service. The only package beside ``sinks``, ``ingestors.runner`` and
``brands.registry`` that may import kafka-python.
"""
