"""One attempt to write operations, and what becomes of those whose index takes no writes."""
