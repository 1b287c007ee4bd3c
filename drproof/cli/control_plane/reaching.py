"""The bucket of the control plane, reached as the account that was meant."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drproof.model.errors import GuardError

if TYPE_CHECKING:
    from drproof.model.capabilities import ObjectStore


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
        from drproof.engine import reaching
        from drproof.targets.aws.s3 import AwsObjectStore
        from drproof.targets.aws.sts import AwsIdentity

        expected = reaching.account(self.account, "--expected-account-id")
        session, owner = reaching.Way(
            region=self.region,
            profile=self.profile,
            owner=self.owner or expected,
            world=self.world,
            read_only=False,
        ).open()
        caller = AwsIdentity(session.client("sts")).caller()
        if caller.account_id != expected:
            msg = (
                f"the credentials are of account {caller.account_id} ({caller.arn}); expected {expected}: nothing was"
                " read or written\n  next: aws sts get-caller-identity; then the right --profile"
            )
            raise GuardError(msg)
        return AwsObjectStore(session.client("s3"), owner=owner)
