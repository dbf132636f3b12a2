"""Where mentions and alerts go: consumers that acknowledge only what their store has.

Here live one folder a store (``elasticsearch``) and the delivery of alerts to people (``alerts``).
A sink reads topics and writes stores; it never produces to a topic but dead letters and its own
notes, and never imports a processor.
"""
