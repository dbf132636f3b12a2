"""Every service on this machine: the pipeline, its supervisor, and the local stacks."""
