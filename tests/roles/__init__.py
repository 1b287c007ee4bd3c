"""The roles of the orchestrator: what they are granted, what was asked for as them, and what a preflight says of less."""
