"""Detectors: pure functions over event time, the same live, offline and in a back-test."""
