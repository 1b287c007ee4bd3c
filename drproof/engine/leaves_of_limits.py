"""The settings of attempts and waits: rows of the one table in `leaves`, which would be too long with them."""

from drproof.engine.leaf import Leaf, row

LIMITS: tuple[Leaf, ...] = (
    row(
        "limits.max_attempts",
        "count",
        "attempts a phase",
        option="max_attempts",
        environment="DR_MAX_PHASE_ATTEMPTS",
        default=3,
        of_the_world=False,
    ),
    row(
        "limits.validate_max_retries",
        "count",
        "retries of validate",
        environment="DR_VALIDATE_MAX_RETRIES",
        default=2,
        of_the_world=False,
    ),
    row(
        "limits.backoff",
        "duration",
        "the wait after the first failed attempt; it grows linearly",
        environment="DR_VALIDATE_RETRY_BACKOFF_SECONDS",
        default="15s",
        of_the_world=False,
    ),
    row(
        "limits.poll",
        "duration",
        "the wait between two looks at what a phase waits for",
        default="500ms",
        of_the_world=False,
    ),
    row("limits.lease", "duration", "how long a lease lives without renewal", default="60s", of_the_world=False),
    row(
        "limits.alarms",
        "duration",
        "how long an alarm that may still be about to heal is waited for",
        default="6s",
        of_the_world=False,
    ),
    row(
        "limits.recount",
        "duration",
        "how long the platform may take to let go of what was removed",
        default="10s",
        of_the_world=False,
    ),
    row(
        "limits.max_machines",
        "count",
        "how many machines one teardown may end; more is refused before the first",
        default=5,
        of_the_world=False,
    ),
    row(
        "limits.max_deletions",
        "count",
        "how many objects one teardown may remove; more is refused before the first",
        default=100_000,
        of_the_world=False,
    ),
    row(
        "limits.teardown_reserve",
        "duration",
        "how long credentials must outlive the time that a live drill may take",
        default="20m",
        of_the_world=False,
    ),
)
