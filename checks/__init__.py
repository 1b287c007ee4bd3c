"""Items of pytest, one file a plan; installed as `drproof.checks`."""
