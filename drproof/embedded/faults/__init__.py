"""Faults of the world: what happens to the Nth call of a kind instead of its answer, by rules that anybody may read."""
