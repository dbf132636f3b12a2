"""What every outgoing call keeps to: a total time, and no secret over a plain connection.

Here live rules for connections of any protocol, never a client of one.
"""
