"""Consumers that bring mentions and alerts to their stores and readers.

Here live one folder per store (``elasticsearch``) and the delivery of alerts (``alerts``). A sink
commits an offset only after its store has the record. It never produces anything but dead letters
and its own notes, and never imports a processor.
"""
