"""Here live the query language, its back ends and its tools: pure functions, never a connection."""
