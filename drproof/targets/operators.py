"""What an operator reaches of one account and region as themselves: executions, receipts, builds, and what is up."""

from functools import cached_property
from typing import Literal

from drproof.targets import embedded
from drproof.targets.aws.codebuild import AwsBuilds
from drproof.targets.aws.ec2 import AwsFleet
from drproof.targets.aws.s3_receipts import AwsReceiptStore
from drproof.targets.aws.sessions import Session
from drproof.targets.aws.stepfunctions import AwsWorkflows
from drproof.targets.aws.sts import AwsIdentity

Side = Literal["recovery", "approver"]
EVERY_SECONDS, EVERY_SECONDS_AT_THE_WORLD = 5.0, 0.1


class Operator:
    """One person, by their own AWS configuration; at the embedded world, whoever drills there, or its approver."""

    def __init__(self, *, region: str, profile: str = "", owner: str = "", endpoint: str = "", side: Side) -> None:
        """Reach a region; buckets must belong to the account `owner`.

        Raises:
            TargetError: the named profile does not exist, or the embedded world does not answer.
        """
        issued = embedded.credentials(endpoint)[side] if endpoint else None
        self._session = Session(region, endpoint=endpoint, credentials=issued, profile=profile)
        self._owner = owner
        self._every = EVERY_SECONDS_AT_THE_WORLD if endpoint else EVERY_SECONDS

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown."""
        return self._session.secrets()

    @cached_property
    def identity(self) -> AwsIdentity:
        """Whom the platform takes this person for."""
        return AwsIdentity(self._session.client("sts"), self._session.expires_at)

    @cached_property
    def workflows(self) -> AwsWorkflows:
        """State machines and executions."""
        return AwsWorkflows(self._session.client("stepfunctions"))

    @cached_property
    def receipts(self) -> AwsReceiptStore:
        """Buckets that hold receipts."""
        return AwsReceiptStore(self._session, owner=self._owner)

    @cached_property
    def fleet(self) -> AwsFleet:
        """Machines."""
        return AwsFleet(self._session.client("ec2"), every=self._every)

    def builds(self, project: str) -> AwsBuilds:
        """Return the builds of a project."""
        ask = self._session.client
        return AwsBuilds(
            ask("codebuild"),
            ask("logs"),
            lambda: ask("service-quotas"),
            project=project,
            region=self._session.region,
            every=self._every,
        )
