"""The brand query language and its back ends.

Here live the language (:mod:`queries.language`), the live matcher (:mod:`queries.matching`), the
compilers for Elasticsearch and X, and the tools for those who write queries. Never a connection, a
thread or a clock: every function is pure, and the packages below are ``text`` and ``schemas``.
"""
