"""Whole drills in real processes against the embedded world."""
