"""Bluesky's Jetstream as a source: connection, messages, posts."""
