"""A failback that was handed in: whether its files are what they say, and whether anything went back."""
