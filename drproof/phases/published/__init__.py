"""Reading published runs; nothing is changed."""
