"""Tools for people who write queries: lint, explain, and the effect of each clause."""
