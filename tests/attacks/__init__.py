"""Attacks on sealed bundles, and the honest bundles that they begin with."""
