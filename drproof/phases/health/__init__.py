"""Looking at the original site; nothing is changed."""
