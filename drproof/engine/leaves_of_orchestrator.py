"""The settings of the orchestrator: rows of the one table in `leaves`, which would be too long with them."""

from drproof.engine.leaf import Leaf, row

ORCHESTRATOR: tuple[Leaf, ...] = (
    row("orchestrator.machine", "text", "the ARN of its state machine", default=""),
    row("orchestrator.function", "text", "the ARN of the function that its tasks call", default=""),
    row("orchestrator.watcher", "text", "the ARN of the function that tells of what the machine could not", default=""),
    row("orchestrator.reaper", "text", "the ARN of the function that removes what dead drills left", default=""),
    row("orchestrator.schedule", "text", "the EventBridge rule that starts it", default=""),
    row("orchestrator.role", "text", "the ARN of the role that the state machine acts as", default=""),
)
