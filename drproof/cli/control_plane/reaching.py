"""The bucket of the control plane, reached as the account that was meant."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drproof.engine.refusal import refuse
from drproof.model.errors import GuardError

if TYPE_CHECKING:
    from drproof.model.capabilities import ObjectStore

DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the bucket is reached, as the options say."""

    account: str
    owner: str
    region: str
    profile: str
    world: str
    """The address of an embedded world; empty for AWS."""

    def open(self) -> "ObjectStore":
        """Return the buckets of the expected account's choice, once it is shown that it is this account that asks.

        Raises:
            Refusal: an option is missing.
            GuardError: the credentials are of another account.
            TargetError: the platform does not answer.
        """
        from drproof.targets import embedded
        from drproof.targets.aws.s3 import AwsObjectStore
        from drproof.targets.aws.sessions import Session
        from drproof.targets.aws.sts import AwsIdentity

        expected = _account(self.account, "--expected-account-id")
        owner = _account(self.owner or expected, "--bucket-owner")
        if self.world:
            endpoint = embedded.loopback(self.world)
            issued = embedded.credentials(endpoint)["primary"]
            session = Session(issued["region"], endpoint=endpoint, credentials=issued)
        elif self.region:
            session = Session(self.region, profile=self.profile)
        else:
            raise refuse("no region is named", expected="--region or AWS_REGION", next_step="add --region <region>")
        caller = AwsIdentity(session.client("sts")).caller()
        if caller.account_id != expected:
            msg = (
                f"the credentials are of account {caller.account_id} ({caller.arn}); expected {expected}: nothing was"
                " read or written\n  next: aws sts get-caller-identity; then the right --profile"
            )
            raise GuardError(msg)
        return AwsObjectStore(session.client("s3"), owner=owner)


def _account(value: str, option: str) -> str:
    if len(value) != DIGITS or not (value.isascii() and value.isdigit()):
        raise refuse(
            f"{option} is not an account",
            expected=f"{DIGITS} digits, so that no other account's bucket is read or written",
            got=repr(value),
            next_step="add --expected-account-id <account>, or set EXPECTED_ACCOUNT_ID",
        )
    return value
