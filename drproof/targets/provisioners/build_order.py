"""What a build is told: who it works for, where everything lies, and what the machine is to be."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass, replace
from typing import Literal

from drproof.formats import s3_uri
from drproof.formats.s3_uri import S3Uri
from drproof.model.capabilities import Intent, RunnerSpec
from drproof.model.errors import FormatError, TargetError
from drproof.model.ownership import Bounds
from drproof.model.settings import BuildSettings
from drproof.targets.provisioners.machines import plain
from drproof.targets.provisioners.place import Place
from drproof.targets.provisioners.terraform import version_of

Action = Literal["bringup", "teardown"]
DIGEST = re.compile(r"[0-9a-f]{64}")
VERSION = re.compile(r"\d+\.\d+\.\d+(-[a-z0-9.]+)?")
WHERE = "recovery.provisioner.codebuild."


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What all builds of a site are told; made from settings that were checked."""

    settings: BuildSettings
    receipts: S3Uri
    module: S3Uri
    tool: Literal["terraform", "direct"]
    terraform_version: str
    why: str
    """Why `tool` is what it is; empty where the settings say so."""
    account: str
    owner: str
    region: str
    lock_table: str
    of_the_world: bool

    def receipt_key(self, action: Action, execution: str) -> str:
        """Return the key of the receipt that a build of an execution leaves."""
        return self.receipts.join(f"{execution}/codebuild-{action}.json")

    def variables(  # noqa: PLR0913 — what a build is told
        self,
        action: Action,
        intent: Intent,
        spec: RunnerSpec,
        place: Place,
        version: str,
        bounds: Bounds | None = None,
    ) -> dict[str, str]:
        """Return the variables of one build; `version` is that of the module, `bounds` what a teardown may end."""
        told = {
            "ACTION": action,
            "TOOL": self.tool,
            "EXECUTION_ID": place.origin,
            "EXPECTED_ACCOUNT_ID": self.account,
            "EXPECTED_BUCKET_OWNER": self.owner,
            "AWS_REGION": self.region,
            "RECEIPT_BUCKET": self.receipts.bucket,
            "RECEIPT_PREFIX": self.receipts.key,
            "TF_VERSION": self.terraform_version,
            "TF_ZIP_URI": self.settings.terraform_uri,
            "TF_ZIP_SHA256": self.settings.terraform_sha256,
            "TF_BUNDLE_BUCKET": self.module.bucket,
            "TF_BUNDLE_KEY": self.module.key,
            "TF_BUNDLE_VERSION": version,
            "TF_BUNDLE_SHA256": self.settings.module_sha256,
            "TF_STATE_BUCKET": place.bucket,
            "TF_STATE_KEY": place.key,
            "TF_STATE_DYNAMODB_TABLE": self.lock_table,
            "TF_VAR_region": self.region,
            "TF_VAR_name": spec.name,
            "TF_VAR_purpose": spec.purpose,
            "TF_VAR_instance_type": spec.instance_type,
            "TF_VAR_vpc_id": spec.vpc_id,
            "TF_VAR_subnet_id": spec.subnet_id,
            "TF_VAR_allowed_cidr": spec.allowed_cidr,
            "TF_VAR_tags": json.dumps(dict(spec.tags), sort_keys=True),
        }
        if self.of_the_world:
            # What the embedded world's own module hands to the process that makes its machine.
            told |= {
                "DRPROOF_SPEC": json.dumps(plain(spec), sort_keys=True),
                # Its number counts attempts, and a start with the same token must be the same start.
                "DRPROOF_INTENT": json.dumps(plain(replace(intent, number=0)), sort_keys=True),
                "DRPROOF_ENDING_MS": str(place.ending_ms),
                **({"DRPROOF_BOUNDS": json.dumps(plain(bounds), sort_keys=True)} if bounds is not None else {}),
            }
        return told


def orders(  # noqa: PLR0913 — what builds are told beside the settings
    settings: BuildSettings, *, account: str, owner: str, region: str, endpoint: str, lock_table: str
) -> Orders:
    """Return what builds are told.

    Raises:
        ValueError: a setting is missing, is not of its kind, or asks for what only the embedded world does.
    """
    for name in ("project", "receipt_uri", "module_uri", "module_sha256"):
        if not getattr(settings, name):
            raise _mistake(name, "a value with the provisioner codebuild", "''")
    if DIGEST.fullmatch(settings.module_sha256) is None:
        raise _mistake("module_sha256", "64 hex digits", repr(settings.module_sha256))
    if settings.terraform_uri and DIGEST.fullmatch(settings.terraform_sha256) is None:
        raise _mistake("terraform_sha256", "64 hex digits of the zip that is named", repr(settings.terraform_sha256))
    if settings.terraform_uri and not settings.terraform_uri.startswith(("s3://", "https://")):
        raise _mistake("terraform_uri", "s3://… or https://…", repr(settings.terraform_uri))
    if settings.tool == "direct" and not endpoint:
        raise _mistake("tool", "terraform; the direct tool is for the embedded world alone", "'direct'")
    places = {}
    for name in ("receipt_uri", "module_uri"):
        try:
            places[name] = s3_uri.parse(getattr(settings, name))
        except FormatError as exc:
            raise _mistake(name, "s3://bucket/key", f"{getattr(settings, name)!r}: {exc}") from exc
    tool, version, why = _tool(settings, endpoint)
    if tool == "direct" and lock_table:
        msg = (
            f"recovery.provisioner.lock_table: expected nothing with builds that work without Terraform ({why}), "
            f"got {lock_table!r}"
        )
        raise ValueError(msg)
    return Orders(
        settings=settings,
        receipts=places["receipt_uri"],
        module=places["module_uri"],
        tool=tool,
        terraform_version=version,
        why=why,
        account=account,
        owner=owner,
        region=region,
        lock_table=lock_table,
        of_the_world=bool(endpoint),
    )


def uses_terraform(settings: BuildSettings, *, embedded: bool) -> bool:
    """Return whether builds work with Terraform, and so keep its state; what is wrong in the settings `orders` says."""
    if settings.tool == "direct":
        return False
    if settings.tool == "terraform" or settings.terraform_version or not embedded:
        return True
    try:
        version_of(shutil.which("terraform"))
    except TargetError:
        return False
    return True


def next_token(token: str, build_id: str) -> str:
    """Return the token of the build after one that ended badly: its own would only find that one again."""
    return hashlib.sha256(f"{token} {build_id}".encode()).hexdigest()[: len(token)]


def _tool(settings: BuildSettings, endpoint: str) -> tuple[Literal["terraform", "direct"], str, str]:
    """Return what builds use, in which version, and why."""
    version = settings.terraform_version
    if version and VERSION.fullmatch(version) is None:
        raise _mistake("terraform_version", "a version such as 1.11.4", repr(version))
    if settings.tool == "direct":
        return "direct", "", "asked for by the settings"
    if version:
        return "terraform", version, ""
    if not endpoint:
        raise _mistake("terraform_version", "the version that builds must use, such as 1.11.4", "''")
    try:
        # The embedded build image has the Terraform of this machine, or none.
        return "terraform", version_of(shutil.which("terraform")), "the Terraform of this machine"
    except TargetError as exc:
        if settings.tool == "terraform":
            raise
        return "direct", "", str(exc).partition("\n")[0]


def _mistake(name: str, expected: str, got: str) -> ValueError:
    return ValueError(
        f"{WHERE}{name}: expected {expected}, got {got}\n  next: set it in drproof.toml; docs/codebuild.md"
    )
