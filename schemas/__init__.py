"""The contracts: the messages on the topics, and the exceptions that every layer raises.

Here live the message types (``msgspec.Struct``), their codecs, the bounds on hostile input, ids,
the exception tree, and the topic registry with its generated JSON Schemas and examples. Never a
connection, a clock or a rule of the domain: this package imports no other package of tocsin.
"""
