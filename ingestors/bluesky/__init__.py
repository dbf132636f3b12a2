"""Bluesky's Jetstream as a source: the connection, its messages, and the posts they carry."""
