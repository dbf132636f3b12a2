"""Kafka, as every service uses it: clients, consumer, readers, lag, dead letters, brake.

Nothing here knows a service. Beside ``ingestors.runner`` and the local broker, the only package
that imports kafka-python.
"""
