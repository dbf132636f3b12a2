"""Compiles queries to Elasticsearch JSON; never imports the client."""
