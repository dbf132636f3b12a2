"""The scorecard of the detectors: how early and how often wrong, published."""
