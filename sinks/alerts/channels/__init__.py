"""Channels that deliver alerts, and the file that configures them."""
