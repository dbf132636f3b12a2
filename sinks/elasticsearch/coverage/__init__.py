"""The history of coverage: its consumer, the question to its index, and the timeline; pure."""
