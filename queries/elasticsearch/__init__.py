"""Compiles queries to Elasticsearch's: exactly the posts that the stream matches.

Builds JSON only; never imports the client or opens a connection.
"""
