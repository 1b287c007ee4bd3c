"""Measured against the objectives."""
