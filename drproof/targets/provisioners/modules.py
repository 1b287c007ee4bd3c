"""Which Terraform module makes the machine: the built-in one, the one that is shipped, or one of the operator's own.

The built-in module needs no plugin and is the quick one of rehearsals: its one resource has the machine made by this
package. The shipped one, `deploy/terraform/recovery`, is what a real account gets. A module of one's own takes the
same variables and keeps the same promises: it tags what it makes with the drill, and has an output `instance_id`.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from drproof.model.capabilities import RunnerSpec
from drproof.model.ownership import EFFECT_TAG
from drproof.targets.provisioners import module as builtin

BUILTIN, SHIPPED = "builtin", "aws"
NEEDED = (("ami_id", "ami_parameter"), ("k3s_sha256",))
"""The variables of the shipped module that only the operator knows: one of each."""
GIVEN = frozenset(
    {"region", "account_id", "name", "tags", "vpc_id", "subnet_id", "allowed_cidr", "instance_type", "endpoint"}
)
"""The variables that come from other settings."""
VARIABLES_FILE = "drproof.auto.tfvars.json"
WORLD_FILE = "drproof_world_override.tf.json"
CLI_FILE = "drproof.tfrc"
LOCK_FILE = ".terraform.lock.hcl"
SERVICES = ("ec2", "iam", "ssm", "sts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module, and where its files lie; the built-in one has none."""

    name: str
    folder: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    mirror: str = ""
    """A folder with the plugins, for where no registry can be asked."""

    @property
    def speaks_for_itself(self) -> bool:
        """Whether it has outputs and plugins of its own."""
        return self.folder is not None

    @property
    def is_locked(self) -> bool:
        """Whether it says by their digests which plugins may be run."""
        return self.folder is not None and (self.folder / LOCK_FILE).is_file()

    def write(  # noqa: PLR0913 — what a module is told
        self, folder: Path, spec: RunnerSpec, *, effect: str, region: str, account: str, endpoint: str
    ) -> None:
        """Write the module into a folder, with the values of its variables; no credential is among them."""
        if self.folder is None:
            builtin.write(folder, spec)
            return
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, ignore=_ignored)
        given = {
            "region": region,
            "account_id": account,
            "name": spec.name,
            "tags": {**spec.tags, EFFECT_TAG: effect},
            "vpc_id": spec.vpc_id,
            "subnet_id": spec.subnet_id,
            "allowed_cidr": spec.allowed_cidr,
            "instance_type": spec.instance_type,
        }
        _write(folder / VARIABLES_FILE, {**self.variables, **given})
        if endpoint:
            _write(folder / WORLD_FILE, {"provider": {"aws": _world(endpoint)}})

    def configuration(self, folder: Path) -> Path | None:
        """Write how Terraform finds its plugins, and return where; None where it asks the registry."""
        if not self.mirror:
            return None
        path = folder / CLI_FILE
        mirror = json.dumps(str(Path(self.mirror).resolve()))
        path.write_text(
            f"provider_installation {{\n  filesystem_mirror {{\n    path = {mirror}\n  }}\n}}\n", encoding="utf-8"
        )
        return path


def chosen(said: str, variables: Mapping[str, str], mirror: str, *, rehearsal: bool) -> Module:
    """Return the module that the settings mean; nothing said is the built-in one in a rehearsal, else the shipped one.

    Raises:
        ValueError: it is no module, or lacks what it needs.
    """
    name = said or (BUILTIN if rehearsal else SHIPPED)
    if taken := sorted(GIVEN & {*variables}):
        msg = f"recovery.provisioner.variables: expected none of {', '.join(taken)}, which other settings give"
        raise ValueError(msg)
    if name == BUILTIN:
        if variables or mirror:
            msg = "recovery.provisioner.variables and provider_mirror: expected none, the built-in module takes none"
            raise ValueError(msg)
        return Module(name=name)
    folder = Path(str(files("drproof.deploy") / "terraform" / "recovery")) if name == SHIPPED else Path(name)
    if not any(folder.glob("*.tf")) and not any(folder.glob("*.tf.json")):
        msg = (
            f"recovery.provisioner.module: expected {BUILTIN}, {SHIPPED} or a folder with a module, got {name}"
            f"\n  next: name a folder with *.tf files"
        )
        raise ValueError(msg)
    missing = [" or ".join(names) for names in NEEDED if not any(map(variables.get, names))]
    if name == SHIPPED and missing:
        msg = (
            f"recovery.provisioner.variables: expected {' and '.join(missing)}, which the shipped module pins, got none"
            f"\n  next: set them in drproof.toml, as docs/terraform.md says"
        )
        raise ValueError(msg)
    if mirror and not Path(mirror).is_dir():
        msg = f"recovery.provisioner.provider_mirror: expected a folder with Terraform's plugins, got {mirror}"
        raise ValueError(msg)
    return Module(name=name, folder=folder, variables=dict(variables), mirror=mirror)


def _world(endpoint: str) -> Mapping[str, Any]:
    return {
        "endpoints": [dict.fromkeys(SERVICES, endpoint)],
        "skip_credentials_validation": True,
        "skip_metadata_api_check": True,
        "skip_region_validation": True,
    }


def _ignored(folder: str, names: list[str]) -> set[str]:
    """Leave out what Terraform itself writes, and a state that should not be there."""
    del folder
    return {name for name in names if name == ".terraform" or ".tfstate" in name or name.endswith((".pyc", ".tfplan"))}


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, sort_keys=True), encoding="utf-8")
