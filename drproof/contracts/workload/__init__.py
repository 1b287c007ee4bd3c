"""The recovered workload: it ran, as it was pinned, on the state that was restored."""
