"""What every service needs around its pure core: settings, Kafka, metrics, logs, health, clock.

Here live the settings, the metrics, the monitor server, files and secrets, back-off, and Kafka
(:mod:`runtime.kafka`). Never a platform, an annotator, a brand, a query or a store: this package
imports ``schemas`` only.
"""
