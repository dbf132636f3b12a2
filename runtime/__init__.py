"""The infrastructure of every service.

Here live settings, metrics, logs, the monitor server, files and secrets, clock, back-off, and
Kafka (:mod:`runtime.kafka`). Never a platform, an annotator, a brand, a query or a store: this
package imports ``schemas`` only.
"""
