"""What people do at the desk: acts on alerts, verdicts, back-tests."""
