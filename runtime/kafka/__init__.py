"""Kafka, as every service uses it: clients, reads of a topic, lag, dead letters and the brake.

Here lives no knowledge of a service. Beside ``sinks``, ``ingestors.runner`` and
``brands.registry``, this is the only package that may import kafka-python.
"""
