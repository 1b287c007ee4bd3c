"""The remote state is kept where nobody loses it and nobody else reads it."""

from dataclasses import replace
from typing import Any

from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.preflight.read_state import NEW, READ, UNREADABLE, StateObserved

State = Receipt[StateObserved]
YES, NO = "yes", "no"
SHOWN = 5
"""How many things of a state a message names."""
FIXES = {
    "versioned": "aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled",
    "encrypted": "aws s3api put-bucket-encryption --bucket {bucket} --server-side-encryption-configuration "
    '\'{{"Rules":[{{"ApplyServerSideEncryptionByDefault":{{"SSEAlgorithm":"AES256"}}}}]}}\'',
    "private": "aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration "
    "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
}
"""What a bucket of a state must be, each with the command that makes it so."""


@contract(needs=["read_state"], subjects=expected("property", lambda _: FIXES), controls=["NIST CP-9(8)", "NIST SC-28"])
def state_bucket_is_kept_well(read_state: State, subject: str) -> Finding:
    """The bucket of the remote state keeps versions, encrypts what is written, and cannot be made public."""
    facts = read_state.facts
    said = getattr(facts, subject)
    if said not in {YES, NO}:
        return undecided(
            f"{facts.bucket} does not say whether it is {subject}: {said}\n"
            "  next: allow what drproof policy --plan preflight prints, or mend recovery.provisioner.state_bucket"
        )
    fix = FIXES[subject].format(bucket=facts.bucket)
    return compare(observed=said, expected=YES, reason=f"{facts.bucket} is not {subject}\n  next: {fix}")


@state_bucket_is_kept_well.sabotage("the bucket is not what it must be")
def not_kept(read_state: State, subject: str) -> State:
    """Take the property away."""
    changes: dict[str, Any] = {subject: NO}
    return replace(read_state, observed=replace(read_state.facts, **changes))


@contract(needs=["read_state"], controls=["NIST CP-9"])
def remote_state_can_be_read(read_state: State, criteria: Criteria) -> Finding:
    """The bucket of the remote state belongs to the recovery site's owner, and its state is new or can be read."""
    facts, owner = read_state.facts, criteria.sites.recovery.owner
    return hold(
        facts.status == "ok" and facts.owner == owner and facts.state in {NEW, READ},
        observed={"status": facts.status, "owner": facts.owner, "state": facts.state},
        expected={"status": "ok", "owner": owner, "state": f"{READ}, or {NEW} before the first drill"},
        reason=f"the state in {facts.bucket} cannot be used: what a drill creates could not be removed by it\n"
        "  next: make the bucket, or name the right one and its owner in recovery.provisioner.state_bucket and "
        "sites.recovery.owner"
        + ("; of a state that is none, restore an earlier version" if facts.state == UNREADABLE else ""),
    )


@remote_state_can_be_read.sabotage("the bucket does not answer")
def no_bucket(read_state: State) -> State:
    """Lose the bucket."""
    return replace(read_state, observed=replace(read_state.facts, status="NoSuchBucket"))


@remote_state_can_be_read.sabotage("the bucket belongs to somebody else")
def of_others(read_state: State) -> State:
    """Give it away."""
    return replace(read_state, observed=replace(read_state.facts, owner="000000000000"))


@remote_state_can_be_read.sabotage("the state may not be read")
def unreadable(read_state: State) -> State:
    """Refuse to read it."""
    return replace(read_state, observed=replace(read_state.facts, state="AccessDenied"))


@contract(needs=["read_state"], controls=["NIST CP-4"])
def remote_state_holds_nothing(read_state: State) -> Finding:
    """The remote state holds nothing: a drill refuses to work beside what another one made or left."""
    facts = read_state.facts
    if facts.held is None:
        return undecided(
            f"nobody knows what the state in {facts.bucket} holds: {facts.state}\n"
            "  next: mend what remote_state_can_be_read is refuted for"
        )
    return compare(
        observed=list(facts.held),
        expected=[],
        reason=f"the state in {facts.bucket} holds {', '.join(facts.held[:SHOWN])}, and a bring-up would be refused\n"
        "  next: drproof gc, which says of which drill it is and with what command it goes",
    )


@remote_state_holds_nothing.sabotage("a dead drill left something in it")
def left_behind(read_state: State) -> State:
    """Leave something."""
    return replace(read_state, observed=replace(read_state.facts, held=("aws_iam_role.runner",)))
