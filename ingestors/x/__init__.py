"""The filtered stream of the X API v2 as a source: rules, stream, errors, posts."""
