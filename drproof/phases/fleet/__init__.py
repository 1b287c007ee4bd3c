"""Finding and reading a fleet of restore points; nothing is changed."""
