"""Executions of another orchestrator, read from the files that were handed in."""
