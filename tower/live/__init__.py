"""Live posts to browsers: one reader of Kafka, one match for all, bounded queues by SSE."""
