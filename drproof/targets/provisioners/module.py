"""The Terraform module of a drill: one built-in resource whose provisioners make and end the machine."""

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drproof.model.capabilities import RunnerSpec
from drproof.targets.provisioners.machines import plain
from drproof.targets.provisioners.place import Place

BACKEND_FILE = "backend.config.json"


def write(folder: Path, spec: RunnerSpec) -> None:
    """Write the module into a folder."""
    runner = shlex.join([sys.executable, "-m", "drproof.targets.provisioners.runner"])
    # Without `exec`, Terraform would interrupt a shell and leave its child to go on.
    create, destroy = (_literal(f"exec {runner} {verb}") for verb in ("create", "destroy"))
    given = {"DRPROOF_SPEC": "${self.input}"}
    document = {
        "terraform": {"required_version": ">= 1.10.0", "backend": {"s3": {}}},
        "resource": {
            "terraform_data": {
                "runner": {
                    "input": _literal(json.dumps(plain(spec), sort_keys=True)),
                    # A later window names a later expiry; the machine that is up stays as it is.
                    "lifecycle": {"ignore_changes": ["input"]},
                    "provisioner": [
                        {"local-exec": {"command": create, "environment": given}},
                        {
                            "local-exec": {
                                "when": "destroy",
                                "command": destroy,
                                "environment": given,
                            }
                        },
                    ],
                }
            }
        },
    }
    (folder / "main.tf.json").write_text(json.dumps(document, indent=2, sort_keys=True), encoding="utf-8")


def write_backend(  # noqa: PLR0913 — what a backend is told
    folder: Path, place: Place, *, region: str, endpoint: str, account: str, lock_table: str, beside: bool = True
) -> None:
    """Write where the state lies, and that it is locked: `beside` it, and in the table; no credential is among it."""
    document: dict[str, Any] = {
        "bucket": place.bucket,
        "key": place.key,
        "region": region,
        "use_lockfile": beside,
        "max_retries": 1,
    }
    if lock_table:
        document["dynamodb_table"] = lock_table
    document.update(_of_the_world(endpoint) if endpoint else {"encrypt": True, "allowed_account_ids": [account]})
    (folder / BACKEND_FILE).write_text(json.dumps(document, indent=2, sort_keys=True), encoding="utf-8")


def _of_the_world(endpoint: str) -> Mapping[str, Any]:
    skipped = ("credentials_validation", "metadata_api_check", "region_validation", "requesting_account_id")
    return {
        "endpoints": dict.fromkeys(("dynamodb", "iam", "s3", "sts"), endpoint),
        "use_path_style": True,
        **{f"skip_{name}": True for name in skipped},
    }


def _literal(text: str) -> str:
    """Return a text in which Terraform finds nothing to fill in."""
    return text.replace("${", "$${").replace("%{", "%%{")
