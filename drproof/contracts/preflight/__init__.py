"""What a drill will need."""
