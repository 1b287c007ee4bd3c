"""What is left, and what was taken away."""
