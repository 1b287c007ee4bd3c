"""The places and names of a request: each is what it is meant for, or the request is refused."""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from drproof.analysis.state_report import STATE_PREFIX
from drproof.engine.keys import FOLDER, key_path
from drproof.engine.refusal import refuse
from drproof.engine.settings import EMBEDDED
from drproof.evidence.trusted_time import INSTALL
from drproof.formats import image_ref, onprem_backup, quantity, s3_uri
from drproof.formats.control_plane_objects import SECTION
from drproof.formats.manifests import DNS_LABEL, DNS_SUBDOMAIN
from drproof.model.criteria import Site, Storing
from drproof.model.errors import FormatError
from drproof.model.plan import Plan
from drproof.model.settings import ClusterSettings, Settings
from drproof.targets import tsa
from drproof.targets.signers import FILE

TOPIC_PARTS = 6
SECOND_MS = 1_000
ASK_THE_CLUSTER = frozenset({"reach_cluster", "read_tools"})
"""The phase that needs the recovery cluster first, and that of a preflight which sees whether a drill gets one."""


def rooted(settings: Settings, directory: Path) -> Settings:
    """Return settings whose files are named from the root: a guardian goes on from another folder."""
    cluster = settings.cluster
    kubeconfig, baseline, trust = (
        str((directory / Path(name).expanduser()).resolve()) if name else ""
        for name in (cluster.kubeconfig, cluster.baseline, settings.signing.trust)
    )
    return replace(
        settings,
        cluster=replace(cluster, kubeconfig=kubeconfig, baseline=baseline),
        signing=replace(
            settings.signing,
            signer=rooted_signer(settings.signing.signer, directory),
            trust=trust,
        ),
    )


def with_signer(settings: Settings, plan: Plan, directory: Path) -> Settings:
    """Return settings that name the key: a rehearsal without one takes the project's own.

    Raises:
        Refusal: a live run that changes something would have no key, and its evidence nobody's name.
    """
    signing = settings.signing
    if signing.signer:
        return settings
    if settings.target == EMBEDDED:
        key = f"{FILE}{key_path(directory.resolve() / FOLDER)}"
        return replace(settings, signing=replace(signing, signer=key, own=True))
    if plan.mutates:
        raise refuse(
            "a live run is signed, and no key is named",
            expected="--signer or DRPROOF_SIGNER or signing.signer in drproof.toml",
            got="nothing",
            next_step="drproof keys init, then the same command with --signer file2:.drproof/runner.key",
        )
    return settings


def rooted_signer(uri: str, directory: Path) -> str:
    """Return the URI of a key whose file is named from the root."""
    if not uri.startswith(FILE):
        return uri
    return FILE + str((directory / Path(uri.removeprefix(FILE)).expanduser()).resolve())


def check_places(settings: Settings, plan: Plan, archives: Collection[str], *, allow_tag: bool) -> None:
    """Refuse malformed places and names while nothing has happened yet.

    Raises:
        Refusal: one of them cannot be what it is meant for.
    """
    if settings.backup_uri:
        try:
            s3_uri.parse(settings.backup_uri)
        except FormatError as exc:
            raise refuse(
                f"--backup-uri {settings.backup_uri}: {exc}",
                next_step="the same command with --backup-uri s3://bucket/prefix/backups/id",
            ) from exc
    if plan.mutates:
        _check_layout(settings)
    if settings.storing is not None:
        _check_storing(settings, settings.storing)
    if plan.mutates and not allow_tag:
        try:
            image_ref.parse_pinned(settings.image_ref)
        except FormatError as exc:
            raise refuse(
                f"--image-ref {settings.image_ref}: {exc}",
                expected="repository@sha256:<64 hex digits>",
                next_step="pin the image by digest; --allow-tag is for development",
            ) from exc
    if settings.signing.tsa:
        _check_authority(settings.signing.tsa)
    _check_access(settings)
    if plan.mutates:
        _check_patterns(settings)
        _check_cluster(settings.cluster)
        _check_sources(settings.cluster, archives)
    if plan.mutates and settings.recovery.topic_arn:
        _check_topic(settings.recovery.topic_arn, settings.sites.recovery)


def _check_layout(settings: Settings) -> None:
    """Refuse to drill a backup that nothing here could restore: whoever has its key may restore it, and show that."""
    if settings.backup_layout == "archives":
        return
    raise refuse(
        f"a backup of layout {settings.backup_layout} cannot be drilled: its files are encrypted and hold no manifests",
        expected="metadata.json with artifacts, and the archives of state and manifests that it names",
        got=", ".join(onprem_backup.OBJECTS),
        next_step=f"pytest -m backup-check --backup-layout {settings.backup_layout} --backup-uri {settings.backup_uri} "
        "shows its integrity; a drill needs a restore point of archives",
    )


def _check_authority(url: str) -> None:
    """Refuse an authority that could never be asked: what it does later costs no drill, what is known now need not."""
    try:
        tsa.checked_address(url)
    except ValueError as exc:
        raise refuse(str(exc), next_step="mend --tsa, DRPROOF_TSA or signing.tsa, or leave it out") from exc
    if not tsa.is_installed():
        raise refuse("--tsa needs rfc3161-client, which is not installed", next_step=INSTALL)


def _check_storing(settings: Settings, storing: Storing) -> None:
    """Refuse a receipt store that is no place, or a place where a drill reads or writes something else."""
    try:
        store = s3_uri.parse(storing.uri)
    except FormatError as exc:
        raise refuse(
            f"--receipt-uri {storing.uri}: {exc}",
            expected="s3://bucket/prefix, a prefix of receipts alone",
            got=storing.uri,
            next_step="the same command with --receipt-uri s3://bucket/dr/receipts",
        ) from exc
    recovery = settings.recovery
    others = {
        "the restore point": settings.backup_uri,
        "the state of drills": f"s3://{recovery.bucket}/{recovery.prefix}" if recovery.bucket else "",
    }
    for what, uri in others.items():
        mine, other = f"{store}/", f"{uri.rstrip('/')}/"
        if uri and (mine.startswith(other) or other.startswith(mine)):
            raise refuse(
                f"--receipt-uri {storing.uri} and {what}, {uri}, lie in each other",
                expected="a prefix of receipts alone",
                got=storing.uri,
                next_step="the same command with --receipt-uri s3://bucket/dr/receipts",
            )


def _check_patterns(settings: Settings) -> None:
    """Refuse a pattern that reads no log, before anything is paid for."""
    try:
        says_nothing = re.compile(settings.job.run_id_pattern).search("") is not None
    except re.error as exc:
        raise refuse(
            f"job.run_id_pattern {settings.job.run_id_pattern!r} is no regular expression: {exc}",
            expected=r"a pattern such as RUN_ID=(\S+)",
            got=settings.job.run_id_pattern,
            next_step="mend job.run_id_pattern in drproof.toml",
        ) from exc
    if says_nothing:
        raise refuse(
            f"job.run_id_pattern {settings.job.run_id_pattern!r} finds a run in an empty log",
            expected=r"a pattern such as RUN_ID=(\S+)",
            got=settings.job.run_id_pattern,
            next_step="mend job.run_id_pattern in drproof.toml",
        )
    if not any(STATE_PREFIX in value for value in settings.job.environment.values()):
        raise refuse(
            "job.environment does not point the workload at the restored state",
            expected=f'a variable that holds {STATE_PREFIX}, such as STATE_PREFIX = "{STATE_PREFIX}/state.tar.zst"',
            got=", ".join(settings.job.environment) or "no variable",
            next_step="add it to [job.environment] in drproof.toml",
        )
    for setting, text in (
        ("job.request_cpu", settings.job.request_cpu),
        ("job.request_memory", settings.job.request_memory),
        ("job.limit_cpu", settings.job.limit_cpu),
        ("job.limit_memory", settings.job.limit_memory),
    ):
        _check_quantity(setting, text)
    if settings.job.timeout_ms < SECOND_MS:
        raise refuse(
            "job.timeout gives the workload no time",
            expected="at least 1s",
            got=f"{settings.job.timeout_ms}ms",
            next_step="mend job.timeout in drproof.toml, or VALIDATE_JOB_TIMEOUT_SECONDS",
        )


def _check_quantity(setting: str, text: str) -> None:
    try:
        amount = quantity.parse(text)
    except (FormatError, ValueError) as exc:
        raise refuse(
            f"{setting} is no quantity of a cluster",
            expected="such as 250m or 512Mi",
            got=text,
            next_step=f"mend {setting} in drproof.toml",
        ) from exc
    if amount <= 0:
        raise refuse(
            f"{setting} asks for nothing",
            expected="more than 0",
            got=text,
            next_step=f"mend {setting} in drproof.toml",
        )


def _check_topic(arn: str, site: Site) -> None:
    """Refuse a topic of another region or account: it is a wrong one, and strangers would hear of the drill."""
    parts = arn.split(":")
    is_topic = len(parts) == TOPIC_PARTS and parts[2] == "sns"
    region, account = (parts[3], parts[4]) if is_topic else ("no ARN of a topic", "")
    expected = f"arn:aws:sns:{site.region}:{site.account_id}:<name>"
    if region != site.region:
        raise refuse(
            f"recovery.topic_arn {arn} is not in the region of the recovery site",
            expected=expected,
            got=region,
            next_step="mend sites.recovery.region, --region, AWS_REGION or recovery.topic_arn",
        )
    if account not in {site.account_id, site.owner}:
        raise refuse(
            f"recovery.topic_arn {arn} is in another account than the recovery site and the owner of its buckets",
            expected=expected,
            got=account or "no account",
            next_step="mend recovery.topic_arn, --expected-account-id or sites.recovery.owner",
        )


def _check_sources(cluster: ClusterSettings, archives: Collection[str]) -> None:
    """Refuse sources of manifests that are not there."""
    if cluster.manifests not in archives:
        raise refuse(
            f"cluster.manifests {cluster.manifests} is no archive of the restore point",
            expected=f"one of backup.archives: {', '.join(archives)}",
            got=cluster.manifests,
            next_step="mend cluster.manifests or backup.archives in drproof.toml",
        )
    if cluster.baseline and not Path(cluster.baseline).is_dir():
        raise refuse(
            f"cluster.baseline {cluster.baseline} is no folder",
            expected="a folder of manifests",
            got="nothing that can be read there",
            next_step="mend cluster.baseline in drproof.toml, or leave it out",
        )


def _check_access(settings: Settings) -> None:
    """Refuse what belongs to a kubeconfig where the cluster is asked on its own machine: it would be ignored."""
    cluster = settings.cluster
    if settings.recovery.cluster_access != "ssm":
        return
    for name, value in (("cluster.kubeconfig", cluster.kubeconfig), ("cluster.exec_plugins", cluster.exec_plugins)):
        if value:
            raise refuse(
                f"recovery.cluster_access is ssm, and {name} is set: the machine's own kubeconfig is used, on it",
                expected=f"no {name}, or recovery.cluster_access kubeconfig",
                got=value if isinstance(value, str) else ", ".join(value),
                next_step=f"leave {name} out, or run the same command with --cluster-access kubeconfig",
            )
    if not cluster.kubectl:
        raise refuse(
            "recovery.cluster_access is ssm, and cluster.kubectl is empty: nothing there could ask the cluster",
            expected='how kubectl is called on the recovery machine, such as ["k3s", "kubectl"]',
            got="nothing",
            next_step="set cluster.kubectl in drproof.toml, or leave it out",
        )


def refuse_unreachable(settings: Settings, phases: Iterable[str], *, live: bool) -> None:
    """Refuse a machine of the shipped module that would let nobody in where its cluster is asked from here.

    What a module of one's own, or the one of the builds, lets in is not known here. A teardown is never refused.

    Raises:
        Refusal: a cluster would be waited for that nobody could reach.
    """
    recovery, where = settings.recovery, settings.recovery.provisioner
    if not live or settings.cluster.kubeconfig or recovery.cluster_access != "kubeconfig":
        return
    shipped = where.kind in {"auto", "terraform"} and where.module in {"", "aws"}
    if not shipped or where.allowed_cidr or not ASK_THE_CLUSTER & {*phases}:
        return
    raise refuse(
        "nobody could reach the recovery cluster: recovery.provisioner.allowed_cidr is empty, and the shipped module "
        "then lets nobody in",
        expected="a CIDR block, or recovery.cluster_access ssm",
        got="neither",
        next_step="set recovery.provisioner.allowed_cidr to the addresses from which the drill is run, such as "
        "203.0.113.7/32, or run the same command with --cluster-access ssm",
    )


def _check_cluster(cluster: ClusterSettings) -> None:
    """Refuse names that no cluster would take, and kinds that are said to be both restored and left out."""
    names = {
        "cluster.namespace": (cluster.namespace, DNS_LABEL),
        "cluster.service_account": (cluster.service_account, DNS_SUBDOMAIN),
        "cluster.publishing.config_map": (cluster.publishing_config_map, DNS_SUBDOMAIN),
        "cluster.pull_secret": (cluster.pull_secret or "none", DNS_SUBDOMAIN),
        "cluster.cronjob": (cluster.cronjob, DNS_SUBDOMAIN),
    }
    for setting, (name, pattern) in names.items():
        if pattern.fullmatch(name) is None:
            raise refuse(
                f"{setting} is no name of an object in a cluster",
                expected="lower-case letters, digits and hyphens, such as atlas-config",
                got=repr(name),
                next_step=f"mend {setting} in drproof.toml",
            )
    if SECTION not in cluster.control_plane_name:
        raise refuse(
            "cluster.control_plane_name names every section of the control plane alike",
            expected=f"a name with {SECTION} in it",
            got=cluster.control_plane_name,
            next_step="mend cluster.control_plane_name in drproof.toml",
        )
    if both := sorted(set(cluster.kinds) & set(cluster.left_out)):
        raise refuse(
            f"cluster.kinds and cluster.left_out both name {', '.join(both)}",
            expected="each kind in one of them",
            got=", ".join(both),
            next_step="mend cluster.kinds or cluster.left_out in drproof.toml",
        )
    if not cluster.kinds:
        raise refuse(
            "cluster.kinds is empty: nothing would be restored",
            expected="the kinds that are restored, such as ConfigMap and CronJob",
            got="none",
            next_step="name them in drproof.toml, or leave cluster.kinds out",
        )
