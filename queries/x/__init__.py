"""Compiles queries to X rules and reports what the rules change; never calls X."""
