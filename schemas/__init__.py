"""JSON Schemas (2020-12) of everything that drproof writes; installed as `drproof.schemas`."""
