"""The names that the world generates, read from the same `settings.toml` that a drill against it reads."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One account and region of the world."""

    account_id: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Every name of the world."""

    backup_uri: str
    image_ref: str
    primary: Site
    recovery: Site
    bucket: str
    prefix: str
    candidate: str
    provider: str
    profile: str
    marker: str
    namespace: str
    dimensions: dict[str, str]
    alarms: tuple[str, ...]
    freshness_hours: int
    recovery_bucket: str
    runner_name: str
    runner_purpose: str
    instance_type: str
    topic_arn: str
    state_bucket: str
    state_key: str
    project: str
    module_uri: str
    trigger_rules: tuple[str, ...]
    trigger_alarms: tuple[str, ...]

    @property
    def backup_bucket(self) -> str:
        """The bucket of the restore point."""
        return self.backup_uri.split("/")[2]

    @property
    def backup_prefix(self) -> str:
        """The key prefix of the restore point, without slashes at its ends."""
        return self.backup_uri.split("/", 3)[3].strip("/")

    @property
    def backup_id(self) -> str:
        """The last part of the restore point's address."""
        return self.backup_prefix.rpartition("/")[2]

    @property
    def control_plane_prefix(self) -> str:
        """Where the control plane lies: beside the backups, as readers derive it from the restore point's address."""
        return f"{self.backup_prefix.partition('/backups/')[0]}/control-plane"

    @property
    def topic(self) -> str:
        """The name of the topic that people read."""
        return self.topic_arn.rpartition(":")[2]


def read() -> Names:
    """Return the names of `settings.toml`."""
    document: dict[str, Any] = tomllib.loads((files(__package__) / "settings.toml").read_text(encoding="utf-8"))
    drill, sites = document["drill"], document["sites"]
    primary, recovery = document["primary"], document["recovery"]
    provisioner = recovery["provisioner"]
    return Names(
        backup_uri=drill["backup_uri"],
        image_ref=drill["image_ref"],
        primary=Site(account_id=sites["primary"]["account_id"], region=sites["primary"]["region"]),
        recovery=Site(account_id=sites["recovery"]["account_id"], region=sites["recovery"]["region"]),
        bucket=primary["bucket"],
        prefix=primary["prefix"],
        candidate=primary["candidate"],
        provider=primary["provider"],
        profile=primary["profile"],
        marker=primary["marker"],
        namespace=primary["metrics"]["namespace"],
        dimensions=primary["metrics"]["dimensions"],
        alarms=tuple(primary["alarms"]["names"]),
        freshness_hours=_hours(primary["freshness_limit"]),
        recovery_bucket=recovery["bucket"],
        runner_name=recovery["runner_name"],
        runner_purpose=recovery["runner_purpose"],
        instance_type=recovery["instance_type"],
        topic_arn=recovery["topic_arn"],
        state_bucket=provisioner["state_bucket"],
        state_key=provisioner["state_key"],
        project=provisioner["codebuild"]["project"],
        module_uri=provisioner["codebuild"]["module_uri"],
        trigger_rules=tuple(document["triggers"]["rules"]),
        trigger_alarms=tuple(document["triggers"]["alarms"]),
    )


def _hours(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if unit != "h" or not number.isdigit():
        msg = f"the world's freshness_limit is a whole number of hours such as 26h, got {text!r}"
        raise ValueError(msg)
    return int(number)
