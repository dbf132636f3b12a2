"""The query language, its back ends and its tools: pure functions, no connections, no clocks."""
