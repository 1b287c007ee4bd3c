"""The credentials outlive the drill."""

from dataclasses import replace

from drproof.formats import durations
from drproof.formats.timestamps import milliseconds
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.readiness import EXPIRY_UNKNOWN
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.preflight.read_identities import IdentitiesObserved

Identities = Receipt[IdentitiesObserved]
SIDES = ("primary", "recovery")
RENEW = "renew the credentials right before the drill, or take a role whose sessions last longer"


@contract(needs=["read_identities"], subjects=expected("site", lambda _: SIDES), controls=["NIST CP-4"])
def credentials_outlive_the_drill(read_identities: Identities, criteria: Criteria, subject: str) -> Finding:
    """The credentials of each site live longer than a drill and its teardown are expected to take."""
    seen = getattr(read_identities.facts, subject)
    wanted = criteria.preflight.credentials_ms
    if seen.expires_at == EXPIRY_UNKNOWN:
        return undecided(
            "the credentials end, and do not say when\n"
            "  next: set AWS_CREDENTIAL_EXPIRATION beside them, or use a profile that renews them"
        )
    ends = milliseconds(seen.expires_at) - milliseconds(seen.asked_at) if seen.expires_at else None
    return hold(
        ends is None or ends >= wanted,
        observed={"expires_at": seen.expires_at, "asked_at": seen.asked_at, "lives_ms": ends},
        expected={"lives_ms": f"at least {wanted}, or without end"},
        reason=f"the credentials of the {subject} site end in {durations.show(max(ends or 0, 0))}, and a drill with "
        f"its teardown needs {durations.show(wanted)}: nothing could be removed with them\n  next: {RENEW}",
    )


@credentials_outlive_the_drill.sabotage("the credentials have ended")
def ended(read_identities: Identities, subject: str) -> Identities:
    """Let them end as they are asked."""
    facts = read_identities.facts
    seen = getattr(facts, subject)
    return replace(read_identities, observed=replace(facts, **{subject: replace(seen, expires_at=seen.asked_at)}))
