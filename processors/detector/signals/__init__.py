"""Signals of a crisis: pure functions of the last minutes and the baseline."""
