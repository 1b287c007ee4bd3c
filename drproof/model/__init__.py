"""What things are: receipts, verdicts, phases, contracts, plans, criteria and the capabilities of a target.

No input or output happens here, and no other room of drproof is imported.
"""
