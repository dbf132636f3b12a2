"""The contracts: what travels on the topics, and nothing else.

Here live the message types (``msgspec.Struct``), their codecs, the bounds that keep hostile
input harmless, the identifiers, and the topic registry with the JSON Schemas and examples that
are generated from the types. This package imports no other package of tocsin, opens no
connection and reads no clock.
"""
