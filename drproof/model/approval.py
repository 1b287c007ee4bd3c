"""What a person decides about a recovered site, and who may not: the one who ran the drill."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from drproof.model.criteria import AccountId
from drproof.model.receipt import END, Digest, Instant

CallerArn = Annotated[
    str,
    Meta(
        pattern=rf"^arn:aws[a-z-]*:(iam|sts)::[0-9]{{12}}:[!-~]+{END}", description="the ARN of a caller, as STS says"
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A yes or a no to the recovered site as the canonical one, before it is signed."""

    schema_version: Literal[1] = 1
    approved: bool
    approver: CallerArn
    """Whom the platform took the approver for when the decision was made."""
    account_id: AccountId
    ticket: str
    reason: str
    decided_at: Instant
    expires_at: Instant
    """When it must have been recorded by."""
    drill_id: str
    execution_arn: str = ""
    """The execution that waits for it; empty for a drill that pytest runs."""
    plan_sha256: Digest
    validation_sha256: Digest
    """Of the receipt of `validate`, which says what the decision rests on."""


def same_person(one: str, other: str) -> bool:
    """Return whether two ARNs of callers seem to be of one person.

    The name of a session or of a user decides, whatever the role and the account: a person who signs on twice has the
    same one. Two people who share a name are taken for one, which costs a question and no proof.
    """
    return _name_of(one) == _name_of(other)


def _name_of(arn: str) -> str:
    # `…:root` of an account has no name: the whole ARN is it.
    return (arn.rpartition("/")[2] or arn).casefold()
