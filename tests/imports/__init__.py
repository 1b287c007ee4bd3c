"""Executions of another orchestrator, handed in as files."""
