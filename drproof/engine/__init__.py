"""Runs a plan once: settings, journal, lease, window, attempts, guardian, resume, sealing.

The drivers (pytest, the command line, the orchestrator) only ask it to advance.
"""
