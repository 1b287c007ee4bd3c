"""What of Terraform this machine has: the binary, and a mirror with the AWS provider; one place for all tests."""

import os
import shutil
from pathlib import Path

import pytest

PROVIDER = "registry.terraform.io/hashicorp/aws"
NAMED_BY = "DRPROOF_PROVIDER_MIRROR"
USUAL = ("~/.terraform.d/plugins", "/usr/share/terraform/plugins", "/usr/local/share/terraform/plugins", "/opt/*")


def provider_mirror() -> str:
    """Return a folder with the AWS provider as Terraform's mirrors are laid out; empty where this machine has none."""
    if named := os.environ.get(NAMED_BY):
        return named
    for pattern in USUAL:
        place = Path(pattern).expanduser()
        for folder in place.parent.glob(place.name):
            if (folder / PROVIDER).is_dir():
                return str(folder)
    return ""


def configuration(folder: Path) -> Path:
    """Write Terraform's own settings, by which it asks no registry, into a folder, and return their file."""
    path = folder / "rc"
    path.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{MIRROR}"\n  }}\n}}\n')
    return path


MIRROR = provider_mirror()
needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None, reason="NO TERRAFORM on this machine: what is shipped is NOT tested with it here"
)
needs_provider = pytest.mark.skipif(
    not MIRROR or shutil.which("terraform") is None,
    reason=f"NO AWS PROVIDER on this machine: the shipped modules are NOT applied here; {NAMED_BY} names one",
)
