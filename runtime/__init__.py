"""What every service needs around its pure core: settings, Kafka, metrics, logs, health, clock.

Nothing here knows a platform, an annotator or a sink. May import ``queries`` and ``schemas``.
"""
