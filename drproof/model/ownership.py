"""What something must be before a drill may take it away: a tag can be copied, so a tag alone proves nothing."""

from dataclasses import dataclass

from drproof.model.receipt import Count

EFFECT_TAG = "drproof:effect"
"""The tag that says by which effect something was made; its value is the token of that effect in the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the journals say of the machines of one drill; what is outside of it is left."""

    account_id: str
    network: str
    """The network that the settings name."""
    tokens: tuple[str, ...]
    """The tokens of the effects that may have made a machine, whether or not their outcome is known."""
    identities: tuple[str, ...] = ()
    """The machines that these effects are known to have made: a tool of others gives its calls tokens of its own."""
    since: str
    """When the first of them was written down; what is older is somebody else's."""
    most: Count
    """How many machines may be ended at once; more is refused before the first one ends."""
