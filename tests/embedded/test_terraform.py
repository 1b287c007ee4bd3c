"""The real `terraform` binary keeps state and lock in the world, and a stranger's lock holds it off."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE

from .conftest import RunningWorld, Start

pytestmark = pytest.mark.skipif(not shutil.which("terraform"), reason="no terraform binary on this machine")

MODULE = 'terraform {\n  backend "s3" {}\n}\nresource "terraform_data" "thing" {\n  input = "x"\n}\n'


def terraform(
    world: RunningWorld, folder: Path, names: dict[str, Any], *arguments: str
) -> subprocess.CompletedProcess[str]:
    held = world.document["credentials"]["recovery"]
    provisioner = names["recovery"]["provisioner"]
    folder.mkdir(exist_ok=True)
    (folder / "main.tf").write_text(MODULE)
    (folder / "empty.tfrc").write_text("")
    (folder / "b.hcl").write_text(
        f'bucket = "{provisioner["state_bucket"]}"\nkey = "{provisioner["state_key"]}"\nregion = "{held["region"]}"\n'
        f'endpoints = {{ s3 = "{world.document["endpoint"]}" }}\nuse_path_style = true\nuse_lockfile = true\n'
        "skip_credentials_validation = true\nskip_requesting_account_id = true\nskip_metadata_api_check = true\n"
        "skip_region_validation = true\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AWS_ACCESS_KEY_ID": held["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": held["secret_access_key"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
        "TF_CLI_CONFIG_FILE": str(folder / "empty.tfrc"),
    }
    return subprocess.run(
        ["terraform", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


def test_state_is_kept_in_the_world_and_the_lock_is_let_go(
    world: RunningWorld, tmp_path: Path, names: dict[str, Any]
) -> None:
    provisioner = names["recovery"]["provisioner"]
    for arguments in (("init", "-backend-config=b.hcl"), ("apply", "-auto-approve", "-lock-timeout=0s")):
        done = terraform(world, tmp_path / "m", names, *arguments, "-input=false", "-no-color")
        assert done.returncode == 0, done.stdout + done.stderr
    s3 = world.client("s3")
    state = json.loads(s3.get_object(Bucket=provisioner["state_bucket"], Key=provisioner["state_key"])["Body"].read())
    assert [resource["type"] for resource in state["resources"]] == ["terraform_data"]
    listed = s3.list_objects_v2(Bucket=provisioner["state_bucket"])["Contents"]
    beside = [item["Key"] for item in listed if not item["Key"].startswith("modules/")]
    assert beside == [provisioner["state_key"]]


def test_a_strangers_lock_is_believed(start: Start, tmp_path: Path, names: dict[str, Any]) -> None:
    world = start("terraform-lock-held")
    assert terraform(world, tmp_path / "m", names, "init", "-backend-config=b.hcl", "-no-color").returncode == 0
    applied = terraform(world, tmp_path / "m", names, "apply", "-auto-approve", "-input=false", "-no-color")
    assert applied.returncode == 1
    assert "operator@another-machine" in applied.stderr
    provisioner = names["recovery"]["provisioner"]
    held = world.client("s3").get_object(Bucket=provisioner["state_bucket"], Key=f"{provisioner['state_key']}.tflock")
    assert set(json.loads(held["Body"].read())) == {"ID", "Operation", "Info", "Who", "Version", "Created", "Path"}
