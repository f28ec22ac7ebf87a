"""PostgreSQL servers to measure, and what reading them costs at least."""
