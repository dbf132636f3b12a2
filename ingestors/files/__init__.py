"""Replay of files: lines, records, mappings to posts."""
