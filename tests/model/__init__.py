"""The laws of judging and of plans."""
