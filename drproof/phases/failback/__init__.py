"""A failback of the reference's scripts, read from the files that were handed in."""
