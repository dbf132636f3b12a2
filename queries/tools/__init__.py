"""Lint, explain and clause effects, for people who write queries."""
