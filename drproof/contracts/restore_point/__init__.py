"""The restore point: whole, harmless, ours, and recent enough."""
