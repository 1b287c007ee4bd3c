"""This machine's clock is the platform's."""

from dataclasses import replace

from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.preflight.read_identities import IdentitiesObserved

Identities = Receipt[IdentitiesObserved]
SIDES = ("primary", "recovery")


@contract(needs=["read_identities"], subjects=expected("site", lambda _: SIDES), controls=["NIST AU-8"])
def clock_agrees_with_the_platform(read_identities: Identities, criteria: Criteria, subject: str) -> Finding:
    """The clock of this machine and that of each site's platform are no further apart than the criteria allow."""
    skew = getattr(read_identities.facts, subject).skew_ms
    if skew is None:
        return undecided(f"the {subject} site does not tell the time\n  next: run pytest -m preflight again")
    limit = criteria.preflight.clock_skew_ms
    return hold(
        abs(skew) <= limit,
        observed={"skew_ms": skew},
        expected={"skew_ms": f"at most {limit} either way"},
        reason=f"the platform's clock is {abs(skew)} ms {'ahead of' if max(skew, 0) else 'behind'} this machine's: "
        "measured times and signatures would be wrong\n  next: let this machine keep time, timedatectl set-ntp true",
    )


@clock_agrees_with_the_platform.sabotage("this machine's clock is an hour late")
def late(read_identities: Identities, subject: str) -> Identities:
    """Read the platform's clock an hour later."""
    return _skewed(read_identities, subject, 3_600_000)


@clock_agrees_with_the_platform.sabotage("this machine's clock is an hour early")
def early(read_identities: Identities, subject: str) -> Identities:
    """Read the platform's clock an hour earlier."""
    return _skewed(read_identities, subject, -3_600_000)


def _skewed(read_identities: Identities, subject: str, skew: int) -> Identities:
    facts = read_identities.facts
    seen = replace(getattr(facts, subject), skew_ms=skew)
    return replace(read_identities, observed=replace(facts, **{subject: seen}))
