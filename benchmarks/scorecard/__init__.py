"""The published scorecard of the detectors: delays and false alarms."""
