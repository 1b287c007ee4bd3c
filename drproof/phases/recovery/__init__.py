"""Bringing a site up from a restore point, and taking it away again."""
