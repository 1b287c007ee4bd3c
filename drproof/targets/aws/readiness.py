"""What must be known of one site before a drill, each part made when it is first asked for."""

from collections.abc import Iterable
from functools import cached_property

from drproof.model.criteria import Site
from drproof.model.receipt import Caller
from drproof.model.settings import Settings
from drproof.targets.aws.grants import Side
from drproof.targets.aws.iam import AwsPermissions
from drproof.targets.aws.iam_roles import AwsRoles
from drproof.targets.aws.lookouts import AwsBucketGuards, AwsLockTables, AwsTopics, AwsTriggers
from drproof.targets.aws.permissions import Permission, needed
from drproof.targets.aws.service_quotas import AwsQuotas
from drproof.targets.aws.sessions import Session
from drproof.targets.aws.sts import AwsIdentity


class AwsReadiness:
    """What must be known of one site."""

    def __init__(self, side: Side, site: Site, session: Session, settings: Settings) -> None:
        """Ask as the caller of `session`; nothing is asked yet."""
        self._side: Side = side
        self._site = site
        self._session = session
        self._settings = settings

    @cached_property
    def quotas(self) -> AwsQuotas:
        """The account's quotas."""
        ask = self._session.client
        project = self._settings.recovery.provisioner.codebuild.project
        return AwsQuotas(lambda: ask("service-quotas"), lambda: ask("ec2"), lambda: ask("codebuild"), project=project)

    @cached_property
    def permissions(self) -> AwsPermissions:
        """What the caller may do."""
        return AwsPermissions(self._session.client("iam"), self._caller, self._needs)

    @cached_property
    def roles(self) -> AwsRoles:
        """What the parts of the orchestrator may do."""
        return AwsRoles(self._session.client, self._settings)

    @cached_property
    def triggers(self) -> AwsTriggers:
        """What starts an orchestrator by itself."""
        return AwsTriggers(self._session.client("events"))

    @cached_property
    def lock_tables(self) -> AwsLockTables:
        """Where Terraform may lock its state."""
        return AwsLockTables(self._session.client("dynamodb"))

    @cached_property
    def buckets(self) -> AwsBucketGuards:
        """How the site's buckets are kept from being read."""
        return AwsBucketGuards(self._session.client("s3"), owner=self._site.owner)

    @cached_property
    def topics(self) -> AwsTopics:
        """The site's topics."""
        return AwsTopics(self._session.client("sns"))

    def _caller(self) -> Caller:
        return AwsIdentity(self._session.client("sts")).caller()

    def _needs(self, verbs: Iterable[str], provisioner: str) -> tuple[Permission, ...]:
        return needed(verbs, self._side, self._settings, provisioner=provisioner)
