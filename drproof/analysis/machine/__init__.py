"""Whether a state machine is sound, and where a run of it leads; pure reasoning over its document."""
