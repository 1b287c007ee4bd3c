"""Pure reasoning: needs, windows, objectives."""
