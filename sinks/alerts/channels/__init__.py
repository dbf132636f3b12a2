"""Channels of alerts: one module each, and the file that says which there are."""
