"""Crisis detection: from activity, in event time, to alerts with their evidence. Pure."""
