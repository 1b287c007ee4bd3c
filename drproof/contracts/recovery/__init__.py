"""The recovered site: what was restored, on which machine, and what validation showed."""
