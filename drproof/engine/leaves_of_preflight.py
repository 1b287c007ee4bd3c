"""The settings of what is looked at before a drill: rows of the one table in `leaves`."""

from drproof.engine.leaf import Leaf, row

PREFLIGHT: tuple[Leaf, ...] = (
    row("primary.vpc_id", "text", "the network that the original site runs in", default=""),
    row("primary.subnet_id", "text", "its subnet", default=""),
    row(
        "preflight.clock_skew",
        "duration",
        "how far this machine's clock may be from the platform's",
        default="60s",
        of_the_world=False,
    ),
    row(
        "preflight.accept_overlaps",
        "names",
        "what recovery may share with the original site, such as account or region; each is a gap of the proof",
        default=(),
        of_the_world=False,
    ),
    row("triggers.rules", "names", "the EventBridge rules that start the orchestrator by themselves", default=()),
    row("triggers.alarms", "names", "the alarms whose actions start it", default=()),
    row(
        "triggers.drill_max_age",
        "duration",
        "how long ago the verified drill may have been closed that a trigger follows where it is on",
        default="90d",
        of_the_world=False,
    ),
    row(
        "guardrails.trigger_variable",
        "text",
        "the variable of a Terraform module that switches on what starts by itself",
        default="enable_triggers",
        of_the_world=False,
    ),
    row(
        "guardrails.always_on",
        "names",
        "what of a module may be on by itself because it starts no recovery, as <module>/<resource>",
        default=(),
        of_the_world=False,
    ),
    row(
        "triggers.site",
        "text",
        "the site that they are at",
        default="recovery",
        choices=("primary", "recovery"),
    ),
)
