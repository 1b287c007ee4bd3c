"""The checked-in buildspec: well-formed, sound bash, strict about every variable, and with a receipt in any case."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from drproof.embedded import buildspecs
from tests.targets.conftest import NAMES, make_intent, settings, spec

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "codebuild" / "buildspec.yml"
SPEC = yaml.safe_load(FILE.read_text(encoding="utf-8"))
(BUILD,) = SPEC["phases"]["build"]["commands"]
(LAST,) = SPEC["phases"]["build"]["finally"]
SEEMING = "SC2089,SC2090,SC2329"
"""A JSON text in a variable, and functions that a trap calls."""
BASH = shutil.which("bash") or "bash"


def told(**changes: str) -> dict[str, str]:
    """Return the variables of a build without Terraform, as far as they can be wrong."""
    whole = {
        "ACTION": "bringup",
        "TOOL": "terraform",
        "EXECUTION_ID": "drill-1",
        "EXPECTED_ACCOUNT_ID": "444455556666",
        "EXPECTED_BUCKET_OWNER": "444455556666",
        "AWS_REGION": "us-west-2",
        "RECEIPT_BUCKET": "receipts",
        "RECEIPT_PREFIX": "builds",
        "CODEBUILD_BUILD_ID": "project:1",
        "TF_VERSION": "1.11.4",
        "TF_BUNDLE_BUCKET": "modules",
        "TF_BUNDLE_KEY": "m.zip",
        "TF_BUNDLE_VERSION": "v",
        "TF_BUNDLE_SHA256": "0" * 64,
        "TF_STATE_BUCKET": "states",
        "TF_STATE_KEY": "a/b.tfstate",
        "TF_VAR_region": "us-west-2",
        "TF_VAR_name": "n",
        "TF_VAR_purpose": "p",
        "TF_VAR_instance_type": "t4g.small",
        "TF_VAR_tags": "{}",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value != "absent"}


def run(tmp_path: Path, variables: dict[str, str], *, account: str = "444455556666") -> tuple[int, str, Path]:
    """Run the build with an `aws` that knows one account and keeps what is put; return status, output and receipt."""
    tools, receipt = tmp_path / "tools", tmp_path / "kept.json"
    tools.mkdir()
    aws = (
        "#!/bin/bash\n"
        f'if [ "$1" = sts ]; then echo {account}; exit 0; fi\n'
        'while [ "$#" -gt 0 ]; do [ "$1" = --body ] && cp "$2" ' + f"{receipt}; shift; done\n"
    )
    for name, text in (("aws", aws), ("python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')):
        (tools / name).write_text(text, encoding="utf-8")
        (tools / name).chmod(0o755)
    source = tmp_path / "src"
    source.mkdir()
    done = subprocess.run(
        [BASH, "-c", BUILD],
        env={"PATH": f"{tools}:/usr/bin:/bin", "CODEBUILD_SRC_DIR": str(source), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr, receipt


def test_the_embedded_world_can_carry_the_whole_of_it_out() -> None:
    parsed = buildspecs.parse(FILE.read_text(encoding="utf-8"))
    assert parsed.exported == ("RECEIPT_SHA256",)
    assert parsed.commands["build"] == (BUILD,)


@pytest.mark.parametrize("text", [BUILD, LAST], ids=["build", "finally"])
def test_it_is_bash_and_nothing_in_it_is_doubtful(text: str) -> None:
    checker = Path(sys.executable).with_name("shellcheck")
    for command in ([BASH, "-n"], [str(checker), "-s", "bash", "-e", SEEMING, "-"]):
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(set(told()) - {"TF_STATE_DYNAMODB_TABLE"}))
def test_a_variable_that_is_missing_fails_the_build_by_its_name(name: str, tmp_path: Path) -> None:
    status, said, receipt = run(tmp_path, told(**{name: "absent"}))
    assert status == 1
    assert f"drproof-problem: variables: {name} is not set" in said
    nowhere = {"ACTION", "EXECUTION_ID", "EXPECTED_BUCKET_OWNER", "RECEIPT_BUCKET", "RECEIPT_PREFIX"}
    assert receipt.exists() is (name not in nowhere)
    assert ("drproof-receipt: none" in said) is (name in nowhere)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXPECTED_ACCOUNT_ID", "44445555666"),
        ("EXECUTION_ID", "../x"),
        ("TF_BUNDLE_SHA256", "A" * 64),
        ("TF_VERSION", "latest"),
        ("TF_STATE_KEY", 'a"b'),
        ("RECEIPT_BUCKET", "b c"),
        ("TOOL", "pulumi"),
    ],
)
def test_a_variable_that_is_none_of_its_kind_fails_the_build(name: str, value: str, tmp_path: Path) -> None:
    status, said, _ = run(tmp_path, told(**{name: value}))
    assert status == 1
    assert f"{name} is not like" in said


def test_another_account_fails_the_build_before_anything_is_fetched(tmp_path: Path) -> None:
    status, _, receipt = run(tmp_path, told(), account="111122223333")
    kept = json.loads(receipt.read_text(encoding="utf-8"))
    assert status == 1
    assert (kept["status"], kept["failed_command"], kept["account_id"]) == ("failed", "account", "111122223333")
    assert kept["reason"] == "the build runs in 111122223333, expected 444455556666"
    assert (kept["phase"], kept["execution_id"], kept["build_id"]) == ("bringup", "drill-1", "project:1")


def test_the_direct_tool_works_nowhere_but_in_the_embedded_world(tmp_path: Path) -> None:
    status, said, _ = run(
        tmp_path, told(TOOL="direct", DRPROOF_ENDPOINT="https://aws", DRPROOF_SPEC="{}", DRPROOF_INTENT="{}")
    )
    assert status == 1
    assert "DRPROOF_ENDPOINT is not like" in said


def test_a_terraform_of_another_version_is_not_used(tmp_path: Path) -> None:
    status, _, receipt = run(tmp_path, told(TF_VERSION="9.9.9"))
    assert status == 1
    assert json.loads(receipt.read_text(encoding="utf-8"))["failed_command"] == "terraform version"


def test_every_variable_of_a_build_is_one_that_the_buildspec_reads() -> None:
    """And none that it needs is left out."""
    from drproof.targets.provisioners.build_order import orders

    class Place:
        bucket, key, origin, ending_ms = "states", "key", "drill-1", 1

    made = orders(
        settings().recovery.provisioner.codebuild,
        account="444455556666",
        owner="444455556666",
        region="us-west-2",
        endpoint="http://127.0.0.1:1",
        lock_table="",
    )
    given = made.variables("bringup", make_intent(), spec("drill-1"), Place(), "v")  # type: ignore[arg-type] # what is read of it
    needed = set(re.findall(r"[A-Z][A-Za-z_0-9]+", " ".join(re.findall(r"need ((?:[^\n]|\\\n)*)", BUILD))))
    needed -= {"CODEBUILD_BUILD_ID", "CODEBUILD_SRC_DIR", "DRPROOF_ENDPOINT"}
    assert needed <= set(given)
    assert NAMES["recovery"]["provisioner"]["codebuild"]["module_sha256"] == given["TF_BUNDLE_SHA256"]
