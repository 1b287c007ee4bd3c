"""Reading restore points; nothing is changed."""
