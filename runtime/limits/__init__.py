"""Limits that hold whatever the other side does: the time of a call and of a stop, and where a
secret may go.

Here live rules for connections and processes of any kind, never a client of one.
"""
