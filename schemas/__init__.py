"""The contracts: what travels on the topics, and the exceptions that every layer raises.

Here live the message types (``msgspec.Struct``), one a file, their codecs, the bounds that keep
hostile input harmless, the identifiers, the exception tree, and the topic registry with the JSON
Schemas and examples that are generated from the types. Never a connection, a clock or a rule of
the domain: this package imports no other package of tocsin.
"""
