"""A bundle for people and for other tools: everything here depends on the bundle's bytes alone."""
