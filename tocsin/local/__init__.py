"""All services on one machine: the pipeline, its supervisor, and the local stacks."""
