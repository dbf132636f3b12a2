"""Questions about what the system tells of itself: coverage and erasures."""
