"""The original site: is it well, and is there a reason to recover."""
