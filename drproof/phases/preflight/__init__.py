"""Looking at everything that a drill will need; nothing is changed."""
