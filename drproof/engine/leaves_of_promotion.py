"""The settings of decisions: rows of the one table in `leaves`, which would be too long with them."""

from drproof.engine.leaf import Leaf, row

PROMOTION: tuple[Leaf, ...] = (
    row(
        "promotion.auto_promote",
        "flag",
        "whether this drill may record a decision",
        option="auto_promote",
        environment="AUTO_PROMOTE",
        default=False,
        of_the_world=False,
    ),
    row(
        "promotion.allow_bypass",
        "flag",
        "whether it may do so without asking",
        option="allow_promote_bypass",
        environment="ALLOW_PROMOTE_BYPASS",
        default=False,
        of_the_world=False,
    ),
    row(
        "promotion.await_approval",
        "duration",
        "how long the drill waits at its gate for drproof approve or reject; 0s waits for nobody",
        option="await_approval",
        environment="AWAIT_APPROVAL",
        default="0s",
        of_the_world=False,
    ),
    row(
        "promotion.approver",
        "text",
        "who decides",
        option="approver",
        environment="USER",
        default="",
        of_the_world=False,
    ),
    row("promotion.ticket", "text", "the ticket of the decision", option="ticket", default="", of_the_world=False),
    row("promotion.reason", "text", "the reason of the decision", option="reason", default="", of_the_world=False),
    row(
        "promotion.send_token",
        "flag",
        "whether an execution sends its task token to the topic of those who decide; else its history has it alone",
        default=False,
        of_the_world=False,
    ),
)
