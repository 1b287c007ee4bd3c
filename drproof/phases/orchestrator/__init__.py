"""What reads the orchestrator itself: its state machine, before anybody judges an execution of it."""
