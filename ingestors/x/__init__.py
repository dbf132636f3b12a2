"""The X API v2 filtered stream as a source: its rules, its stream, its errors and its posts."""
