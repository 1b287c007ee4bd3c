"""Both sites of a recovery, opened; a capability is made when it is first asked for."""

from functools import cached_property
from pathlib import Path

from drproof.formats import s3_uri
from drproof.model.cluster import ClusterAccess
from drproof.model.criteria import Site
from drproof.model.settings import Settings
from drproof.model.signing import Signer
from drproof.targets import embedded
from drproof.targets.aws import kms
from drproof.targets.aws.cloudwatch import AwsAlarms
from drproof.targets.aws.codebuild import AwsBuilds
from drproof.targets.aws.ec2 import AwsFleet
from drproof.targets.aws.ecr import AwsImages
from drproof.targets.aws.grants import Side
from drproof.targets.aws.logs import AwsFunctionLogs
from drproof.targets.aws.machine_roles import AwsMachineRoles
from drproof.targets.aws.readiness import AwsReadiness
from drproof.targets.aws.s3 import AwsObjectStore
from drproof.targets.aws.s3_receipts import AwsReceiptStore
from drproof.targets.aws.sessions import Session
from drproof.targets.aws.sns import AwsMessenger
from drproof.targets.aws.ssm import AwsHosts
from drproof.targets.aws.stepfunctions import AwsWorkflows
from drproof.targets.aws.sts import AwsIdentity
from drproof.targets.kubernetes.access import KubeconfigAccess
from drproof.targets.kubernetes.over_ssm.access import SsmAccess
from drproof.targets.provisioners import AnyProvisioner, choose
from drproof.targets.provisioners.place import Place
from drproof.targets.signers import FILE, keyed_digest, open_signer

EVERY_AT_THE_WORLD = 0.1
LEASE_SECONDS = 10
"""How long a request for a lease waits for an answer at most; never longer than a sixth of what the lease has."""

EVERY_LIVE = 2.0
"""Seconds between two questions while waiting."""

ASKED_MORE_OFTEN = 4

ENDING_AT_THE_WORLD_MS = 60_000
ENDING_LIVE_MS = 600_000
"""How long a machine may take to end."""


class AwsSite:
    """One site: its capabilities."""

    def __init__(self, side: Side, site: Site, session: Session, settings: Settings) -> None:
        """Open a site; nothing is asked of it yet."""
        self._side: Side = side
        self._site = site
        self._owners = _owners(settings)
        self._session = session
        self._whole = settings
        self._every = EVERY_AT_THE_WORLD if session.endpoint else EVERY_LIVE

    def signer(self, uri: str) -> Signer:
        """Return the key that a URI names: a file of this machine, or one that the site keeps."""
        return open_signer(uri, self._kept)

    def _kept(self, uri: str) -> Signer:
        if not uri.startswith(kms.SCHEME):
            return open_signer(uri)
        return kms.open_key(uri, lambda region: self._session.client("kms", region=region))

    def keyed_digest(self, uri: str, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of a message under the key that a URI names: a file of this machine, or the site's."""
        if uri.startswith(FILE):
            return keyed_digest(uri, message)
        return kms.keyed_digest(uri, message, lambda region: self._session.client("kms", region=region))

    @cached_property
    def identity(self) -> AwsIdentity:
        """Who the site takes us for."""
        return AwsIdentity(self._session.client("sts"), self._session.expires_at)

    def environment(self) -> dict[str, str]:
        """Return the environment in which a child process, and the tools that it starts, are the site's caller."""
        told = self._session.environment()
        if self._session.endpoint:
            # A rehearsal must not reach a real account by a tool that knows nothing of it.
            told["AWS_ENDPOINT_URL"] = self._session.endpoint
        return told

    @cached_property
    def objects(self) -> AwsObjectStore:
        """The site's buckets."""
        return AwsObjectStore(self._session.client("s3"), owner=self._site.owner, owners=self._owners)

    @cached_property
    def leases(self) -> AwsObjectStore:
        """The site's buckets, asked in haste: an answer that does not come leaves time to ask again for a lease."""
        seconds = min(LEASE_SECONDS, self._whole.limits.lease_ms // 6000)
        hasty = self._session.client("s3", read_seconds=max(1, seconds))
        return AwsObjectStore(hasty, owner=self._site.owner, owners=self._owners)

    @cached_property
    def fleet(self) -> AwsFleet:
        """The site's machines."""
        return AwsFleet(self._session.client("ec2"), every=self._every)

    @property
    def provisioner(self) -> AnyProvisioner:
        """What brings the recovery machine up; only the site that takes over has one.

        Raises:
            ValueError: this is the original site, which drills only read.
        """
        msg = "the original site has no provisioner: drills only read it"
        raise ValueError(msg)

    @property
    def clusters(self) -> ClusterAccess:
        """The way into the recovery cluster; only the site that takes over has one.

        Raises:
            ValueError: this is the original site, which drills only read.
        """
        msg = "the original site has no recovery cluster: drills only read it"
        raise ValueError(msg)

    @cached_property
    def hosts(self) -> AwsHosts:
        """The site's machines as something that takes commands."""
        return AwsHosts(self._session.client("ssm"), every=self._every)

    @cached_property
    def messenger(self) -> AwsMessenger:
        """The site's topics."""
        return AwsMessenger(self._session.client("sns"))

    @cached_property
    def alarms(self) -> AwsAlarms:
        """The site's metrics and alarms."""
        return AwsAlarms(self._session.client("cloudwatch"))

    @cached_property
    def readiness(self) -> AwsReadiness:
        """What must be known of the site before a drill."""
        return AwsReadiness(self._side, self._site, self._session, self._whole)

    @cached_property
    def workflows(self) -> AwsWorkflows:
        """The site's state machines and their executions."""
        return AwsWorkflows(self._session.client("stepfunctions"))

    def builds(self, project: str) -> AwsBuilds:
        """The builds of a project of the site."""
        ask = self._session.client
        return AwsBuilds(
            ask("codebuild"),
            ask("logs"),
            lambda: ask("service-quotas"),
            project=project,
            region=self._session.region,
            every=self._every,
        )

    @cached_property
    def function_logs(self) -> AwsFunctionLogs:
        """What the site's functions printed."""
        return AwsFunctionLogs(self._session.client("logs"))

    @cached_property
    def images(self) -> AwsImages:
        """The container images that the site can pull."""
        return AwsImages(lambda region: self._session.client("ecr", region=region))


class RecoverySite(AwsSite):
    """The site that takes over: the one where machines come and go."""

    def __init__(self, site: Site, session: Session, settings: Settings, *, directory: Path, origin: str) -> None:
        """Open the site for the drill `origin`, whose tools may write into `directory`."""
        super().__init__("recovery", site, session, settings)
        self._settings = settings.recovery.provisioner
        self._cluster = settings.cluster
        self._directory = directory
        self._origin = origin

    @cached_property
    def _provisioner(self) -> AnyProvisioner:
        place = Place(
            self.objects,
            self.fleet,
            bucket=self._settings.state_bucket,
            key=self._settings.state_key,
            region=self._session.region,
            lock_table=self._settings.lock_table,
            origin=self._origin,
            ending_ms=ENDING_AT_THE_WORLD_MS if self._session.endpoint else ENDING_LIVE_MS,
        )
        return choose(
            self._settings,
            place,
            self._session,
            account=self._site.account_id,
            owner=self._site.owner,
            directory=self._directory,
            every=self._every,
        )

    @cached_property
    def _clusters(self) -> ClusterAccess:
        if self._whole.recovery.cluster_access == "ssm":
            return SsmAccess(
                # One call of the cluster is one command or a few: its end is asked for more often.
                lambda: AwsHosts(self._session.client("ssm"), every=self._every / ASKED_MORE_OFTEN),
                words=self._cluster.kubectl,
                kubeconfig=self._cluster.kubeconfig_on_runner,
                context=self._cluster.context,
            )
        allowed = self._cluster.exec_plugins
        return KubeconfigAccess(
            self._directory,
            context=self._cluster.context,
            exec_allowed=allowed,
            # A command that gives credentials gives those of the drill's own caller.
            environment=self._session.environment() if allowed else None,
        )

    @cached_property
    def machine_roles(self) -> AwsMachineRoles:
        """The roles of the site's machines."""
        return AwsMachineRoles(self._session.client("iam"))

    @property
    def clusters(self) -> ClusterAccess:
        """The way into the recovery cluster."""
        return self._clusters

    @property
    def provisioner(self) -> AnyProvisioner:
        """What brings the recovery machine up.

        Raises:
            ValueError: the settings name no remote state.
            TargetError: the settings ask for Terraform and this machine has none that works.
        """
        return self._provisioner


class AwsTarget:
    """Both sites of a recovery, and the values that nobody may see."""

    def __init__(
        self, primary: AwsSite, recovery: RecoverySite, receipts: AwsReceiptStore, *, secrets: tuple[str, ...]
    ) -> None:
        """Join two opened sites and the place of receipts."""
        self.primary = primary
        self.recovery = recovery
        self.receipts = receipts
        self.secrets = secrets


def _owners(settings: Settings) -> dict[str, str]:
    """Return the bucket of the restore point with its owner, where that is not the owner of the site's buckets."""
    if not settings.backup_owner or not settings.backup_uri:
        return {}
    return {s3_uri.parse(settings.backup_uri).bucket: settings.backup_owner}


def open_sites(settings: Settings, endpoint: str | None, *, directory: Path, origin: str) -> AwsTarget:
    """Return both sites of AWS, or of the embedded world at `endpoint`, where `approver` is the one other profile."""
    issued = embedded.credentials(endpoint) if endpoint is not None else {}
    address = embedded.loopback(endpoint) if endpoint is not None else ""
    sites = settings.sites
    profile = "" if address else settings.profile
    primary = Session(
        sites.primary.region,
        endpoint=address,
        credentials=issued.get("primary"),
        profile=profile,
        read_only=True,
    )
    recovery = Session(
        sites.recovery.region,
        endpoint=address,
        credentials=issued.get("approver" if settings.profile == "approver" else "recovery"),
        profile=profile,
    )
    owner = settings.storing.owner if settings.storing is not None else sites.recovery.owner
    return AwsTarget(
        AwsSite("primary", sites.primary, primary, settings),
        RecoverySite(sites.recovery, recovery, settings, directory=directory, origin=origin),
        AwsReceiptStore(recovery, owner=owner),
        secrets=tuple(dict.fromkeys((*primary.secrets(), *recovery.secrets()))),
    )
