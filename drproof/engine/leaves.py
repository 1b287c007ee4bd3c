"""Every setting there is: its place in `drproof.toml`, its option, its environment variable, and its kind.

This table is the only list. The reader, the refusal of misspelt keys, the JSON Schema of `drproof.toml` and the
options of the command line are all made from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from drproof.formats import booleans, durations
from drproof.model.errors import FormatError

Kind = Literal["text", "account", "duration", "count", "flag", "names", "table", "commands"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One setting."""

    path: str
    kind: Kind
    says: str
    option: str = ""
    environment: str = ""
    default: object = None
    """Used when nobody says anything; None means that the setting is required."""
    of_the_world: bool = True
    """Whether it names a place: against the embedded world the environment does not speak of places."""
    choices: tuple[str, ...] = ()


def _leaf(  # noqa: PLR0913 — one row of a table
    path: str,
    kind: Kind,
    says: str,
    *,
    option: str = "",
    environment: str = "",
    default: object = None,
    of_the_world: bool = True,
    choices: tuple[str, ...] = (),
) -> Leaf:
    return Leaf(
        path=path,
        kind=kind,
        says=says,
        option=option,
        environment=environment,
        default=default,
        of_the_world=of_the_world,
        choices=choices,
    )


LEAVES: tuple[Leaf, ...] = (
    _leaf(
        "target",
        "text",
        "where the drill runs",
        option="target",
        environment="DRPROOF_TARGET",
        choices=("embedded", "aws"),
    ),
    _leaf("drill.backup_uri", "text", "the restore point, s3://…", option="backup_uri", environment="BACKUP_URI"),
    _leaf(
        "drill.image_ref",
        "text",
        "the image, pinned by digest",
        option="image_ref",
        environment="IMAGE_REF",
    ),
    _leaf(
        "sites.primary.account_id",
        "account",
        "the account of the original site",
        option="expected_primary_account_id",
        environment="EXPECTED_PRIMARY_ACCOUNT_ID",
    ),
    _leaf("sites.primary.region", "text", "the region of the original site", environment="PRIMARY_AWS_REGION"),
    _leaf("sites.primary.owner", "account", "who owns its buckets", default=""),
    _leaf(
        "sites.recovery.account_id",
        "account",
        "the account of the recovery site",
        option="expected_account_id",
        environment="EXPECTED_ACCOUNT_ID",
    ),
    _leaf(
        "sites.recovery.region",
        "text",
        "the region of the recovery site",
        option="region",
        environment="AWS_REGION",
    ),
    _leaf("sites.recovery.owner", "account", "who owns its buckets", default=""),
    _leaf(
        "profile", "text", "a profile of the AWS configuration", option="profile", environment="AWS_PROFILE", default=""
    ),
    _leaf("primary.bucket", "text", "where runs and pointers are published", environment="PUBLISH_BUCKET"),
    _leaf("primary.prefix", "text", "the prefix of everything published", environment="PREFIX"),
    _leaf("primary.candidate", "text", "the candidate whose pointers are read", default="local"),
    _leaf("primary.provider", "text", "the provider of the published run"),
    _leaf("primary.profile", "text", "the profile of the published run"),
    _leaf("primary.marker", "text", "the marker file of a whole run", default="{provider}_top.{profile}.md"),
    _leaf("primary.freshness_limit", "duration", "how old the last good run may be"),
    _leaf("primary.metrics.namespace", "text", "the namespace of the published metrics"),
    _leaf("primary.metrics.dimensions", "table", "the dimensions of the published metrics"),
    _leaf("primary.alarms.names", "names", "the alarms that must notice an outage"),
    _leaf("recovery.bucket", "text", "where state is materialised"),
    _leaf("recovery.prefix", "text", "the isolated prefix of drills in it"),
    _leaf("recovery.runner_name", "text", "the Name tag of the recovery machine"),
    _leaf("recovery.runner_purpose", "text", "its Purpose tag"),
    _leaf(
        "recovery.instance_type",
        "text",
        "its type",
        environment="TF_VAR_instance_type",
        default="t4g.medium",
    ),
    _leaf(
        "recovery.topic_arn",
        "text",
        "the topic that people read",
        environment="NOTIFICATION_TOPIC_ARN",
        default="",
    ),
    _leaf(
        "recovery.provisioner.kind",
        "text",
        "how the machine is brought up",
        option="provisioner",
        default="auto",
        of_the_world=False,
        choices=("auto", "terraform", "direct"),
    ),
    _leaf(
        "recovery.provisioner.state_bucket", "text", "the bucket of the remote state", environment="TF_BACKEND_BUCKET"
    ),
    _leaf("recovery.provisioner.state_key", "text", "the key of the remote state", environment="TF_BACKEND_KEY"),
    _leaf(
        "recovery.provisioner.lock_table",
        "text",
        "the lock table, where the state bucket does not lock",
        environment="TF_BACKEND_DYNAMODB_TABLE",
        default="",
    ),
    _leaf("recovery.provisioner.vpc_id", "text", "the network of the machine", environment="TF_VAR_vpc_id"),
    _leaf("recovery.provisioner.subnet_id", "text", "the subnet of the machine", environment="TF_VAR_subnet_id"),
    _leaf(
        "recovery.provisioner.allowed_cidr",
        "text",
        "who may reach the machine",
        environment="TF_VAR_allowed_cidr",
        default="",
    ),
    _leaf("recovery.provisioner.module", "text", "a Terraform module of your own", default=""),
    _leaf(
        "backup.objects",
        "names",
        "what a restore point consists of",
        default=("metadata.json", "state.tar.zst", "manifests.tar.zst"),
    ),
    _leaf("backup.archives", "names", "which of them are archives", default=("state.tar.zst", "manifests.tar.zst")),
    _leaf(
        "control_plane.sections",
        "names",
        "the sections of a control-plane bundle",
        default=("candidates", "alerts", "providers", "scoring"),
    ),
    _leaf("validation.commands", "commands", "read-only commands that show that the machine works"),
    _leaf("validation.watch", "names", "paths that validation must not change", default=()),
    _leaf("validation.timeout", "duration", "how long one command may take", default="60s", of_the_world=False),
    _leaf("diagnostics.commands", "commands", "read-only commands for --diagnostics-only", default=()),
    _leaf("criteria.rto", "duration", "the recovery time objective", option="rto"),
    _leaf("criteria.rpo", "duration", "the recovery point objective", option="rpo"),
    _leaf(
        "limits.max_attempts",
        "count",
        "attempts a phase",
        option="max_attempts",
        environment="DR_MAX_PHASE_ATTEMPTS",
        default=3,
        of_the_world=False,
    ),
    _leaf(
        "limits.validate_max_retries",
        "count",
        "retries of validate",
        environment="DR_VALIDATE_MAX_RETRIES",
        default=2,
        of_the_world=False,
    ),
    _leaf(
        "limits.backoff",
        "duration",
        "the wait after the first failed attempt; it grows linearly",
        environment="DR_VALIDATE_RETRY_BACKOFF_SECONDS",
        default="15s",
        of_the_world=False,
    ),
    _leaf("limits.lease", "duration", "how long a lease lives without renewal", default="60s", of_the_world=False),
    _leaf(
        "promotion.auto_promote",
        "flag",
        "whether this drill may record a decision",
        option="auto_promote",
        environment="AUTO_PROMOTE",
        default=False,
        of_the_world=False,
    ),
    _leaf(
        "promotion.allow_bypass",
        "flag",
        "whether it may do so without asking",
        option="allow_promote_bypass",
        environment="ALLOW_PROMOTE_BYPASS",
        default=False,
        of_the_world=False,
    ),
    _leaf(
        "promotion.approver",
        "text",
        "who decides",
        option="approver",
        environment="USER",
        default="",
        of_the_world=False,
    ),
    _leaf("promotion.ticket", "text", "the ticket of the decision", option="ticket", default="", of_the_world=False),
    _leaf("promotion.reason", "text", "the reason of the decision", option="reason", default="", of_the_world=False),
    _leaf(
        "cost.instance_type",
        "text",
        "the type that the estimate assumes",
        environment="DR_ESTIMATED_INSTANCE_TYPE",
        default="t4g.medium",
        of_the_world=False,
    ),
    _leaf(
        "cost.runtime_minutes",
        "count",
        "the minutes that the estimate assumes; 0 counts them from the window",
        environment="DR_ESTIMATED_RUNTIME_MINUTES",
        default=0,
        of_the_world=False,
    ),
    _leaf(
        "cost.ebs_root_gb",
        "count",
        "the disk that the estimate assumes",
        environment="DR_EBS_ROOT_GB_ESTIMATE",
        default=8,
        of_the_world=False,
    ),
    _leaf(
        "reports",
        "text",
        "where proof lands",
        option="reports_dir",
        environment="RECEIPT_BASE",
        default="reports",
        of_the_world=False,
    ),
)

BY_PATH: Mapping[str, Leaf] = {leaf.path: leaf for leaf in LEAVES}


def convert(leaf: Leaf, value: object) -> Any:  # noqa: ANN401 — each kind has its own type
    """Return a setting's value as its kind says.

    Raises:
        ValueError: it is not of that kind, or none of the choices.
    """
    try:
        converted = _CONVERTERS[leaf.kind](value)
    except FormatError as exc:
        raise ValueError(str(exc)) from exc
    if leaf.choices and converted not in leaf.choices:
        msg = f"expected one of {', '.join(leaf.choices)}, got {value!r}"
        raise ValueError(msg)
    return converted


def empty(leaf: Leaf) -> Any:  # noqa: ANN401 — each kind has its own type
    """Return what a setting is when it is missing and not needed."""
    return {"duration": 0, "count": 0, "flag": False, "names": (), "table": {}, "commands": ()}.get(leaf.kind, "")


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"expected text, got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 — the caller of drproof is wrong, not a type of ours
    return value


def _account(value: object) -> str:
    text = _text(value)
    if text and not (text.isascii() and text.isdigit() and len(text) == 12):  # noqa: PLR2004 — an AWS account number
        msg = f"expected an account number of 12 digits, got {text!r}"
        raise ValueError(msg)
    return text


def _duration(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        msg = f"expected a duration with its unit, such as '{value}s', got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 — the caller of drproof is wrong, not a type of ours
    text = _text(value)
    # The reference's environment variables name their unit and give a bare number of seconds.
    return durations.parse(f"{text}s" if text.isdigit() else text)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        msg = f"expected a whole number, got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 — the caller of drproof is wrong, not a type of ours
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        msg = f"expected a whole number, got {value!r}"
        raise ValueError(msg)
    if int(value) < 0:
        msg = f"expected a number that is not negative, got {value!r}"
        raise ValueError(msg)
    return int(value)


def _flag(value: object) -> bool:
    return value if isinstance(value, bool) else booleans.parse(_text(value))


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        msg = f"expected a list of names, got {value!r}"
        raise ValueError(msg)
    return tuple(value)


def _table(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        msg = f"expected a table of texts, got {value!r}"
        raise ValueError(msg)
    return dict(value)


def _commands(value: object) -> tuple[dict[str, str], ...]:
    if not isinstance(value, list | tuple):
        msg = f"expected a list of tables with name and run, got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 — the caller of drproof is wrong, not a type of ours
    for item in value:
        if not isinstance(item, dict) or set(item) != {"name", "run"} or not all(_table(item).values()):
            msg = f"expected a table with name and run, got {item!r}"
            raise ValueError(msg)
    names = [item["name"] for item in value]
    if len(set(names)) != len(names):
        msg = f"expected commands with different names, got {', '.join(names)}"
        raise ValueError(msg)
    return tuple(value)


_CONVERTERS: Mapping[str, Callable[[object], Any]] = {
    "text": _text,
    "account": _account,
    "duration": _duration,
    "count": _count,
    "flag": _flag,
    "names": _names,
    "table": _table,
    "commands": _commands,
}
