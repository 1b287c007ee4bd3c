"""The project of the recovery account that brings the machine up, and the Terraform module that it fetches."""

import io
import zipfile
from datetime import datetime
from importlib.resources import files

from moto.codebuild.models import codebuild_backends

from drproof.embedded.site.store import Buckets, pretty
from drproof.embedded.world import World

BUILDSPEC = files("drproof.deploy") / "codebuild" / "buildspec.yml"
RUNNER = "exec python3 -m drproof.targets.provisioners.runner"
TEXTS = ("name", "purpose", "instance_type", "vpc_id", "subnet_id", "allowed_cidr")
FIXED = (2026, 1, 1, 0, 0, 0)


def generate(world: World, buckets: Buckets, now: datetime) -> dict[str, str]:
    """Make the project and put its module into the bucket of the state."""
    bucket, _, key = world.names.module_uri.removeprefix("s3://").partition("/")
    buckets.put(bucket, key, module(), now)
    site = world.recovery
    codebuild_backends[site.account_id][site.region].create_project(
        world.names.project,
        "Brings the recovery machine up",
        {"type": "NO_SOURCE", "location": "none", "buildspec": BUILDSPEC.read_text(encoding="utf-8")},
        {"type": "NO_ARTIFACTS"},
        {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_MEDIUM",
            "environmentVariables": [],
        },
        f"arn:aws:iam::{site.account_id}:role/{world.names.project}",
        None,
        None,
        30,
        60,
        None,
        None,
        None,
    )
    return {"project": world.names.project}


def module() -> bytes:
    """Return the zip of the module; the same bytes in every world."""
    given = {"DRPROOF_SPEC": "${self.input}"}
    spec = ", ".join([*(f"{name} = var.{name}" for name in TEXTS), "tags = var.tags"])
    document = {
        "terraform": {"required_version": ">= 1.10.0", "backend": {"s3": _backend()}},
        "variable": {**{name: {"type": "string"} for name in TEXTS}, "tags": {"type": "map(string)"}},
        "resource": {
            "terraform_data": {
                "runner": {
                    "input": f"${{jsonencode({{{spec}}})}}",
                    "lifecycle": {"ignore_changes": ["input"]},
                    "provisioner": [
                        {"local-exec": {"command": f"{RUNNER} create", "environment": given}},
                        {"local-exec": {"when": "destroy", "command": f"{RUNNER} destroy", "environment": given}},
                    ],
                }
            }
        },
        "output": {
            "name": {"value": "${var.name}"},
            "secret": {"value": "${sha256(terraform_data.runner.id)}", "sensitive": True},
        },
    }
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("main.tf.json", FIXED), pretty(document))
    return whole.getvalue()


def _backend() -> dict[str, object]:
    """Return what the state's backend must be told where nobody but the embedded world answers."""
    skipped = ("credentials_validation", "metadata_api_check", "region_validation", "requesting_account_id")
    return {"use_path_style": True, **{f"skip_{name}": True for name in skipped}}
