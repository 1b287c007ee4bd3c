"""The plugin comes with its entry point; this file marks the root for pytest."""
