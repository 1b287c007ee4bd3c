"""The checked-in buildspec: well-formed, sound bash, strict about every variable, and with a receipt in any case."""

import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from drproof.embedded import buildspecs
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.targets.provisioners.place import Place
from tests.shares import FEW
from tests.targets.conftest import NAMES, make_intent, settings, spec

pytestmark = pytest.mark.costly(days=FEW)

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


def run(
    tmp_path: Path, variables: dict[str, str], *, account: str = "444455556666", module: Path | None = None
) -> tuple[int, str, Path]:
    """Run the build with an `aws` that knows one account and keeps what is put; return status, output and receipt.

    `module` is the zip that it fetches, beside which a Terraform may lie.
    """
    tools, receipt = tmp_path / "tools", tmp_path / "kept.json"
    tools.mkdir()
    aws = (
        "#!/bin/bash\n"
        f'if [ "$1" = sts ]; then echo {account}; exit 0; fi\n'
        f'if [ "$2" = get-object ]; then for last; do :; done; cp {module} "$last"; exit 0; fi\n'
        'while [ "$#" -gt 0 ]; do [ "$1" = --body ] && cp "$2" ' + f"{receipt}; shift; done\n"
    )
    for name, text in (("aws", aws), ("python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')):
        (tools / name).write_text(text, encoding="utf-8")
        (tools / name).chmod(0o755)
    source = tmp_path / "src"
    source.mkdir()
    done = subprocess.run(
        [BASH, "-c", BUILD],
        env={
            "PATH": f"{tools}:{module.parent if module else tools}:/usr/bin:/bin",
            "CODEBUILD_SRC_DIR": str(source),
            **variables,
        },
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


PLUGIN = "registry.terraform.io/hashicorp/aws"
TERRAFORM = """#!{python}
import json, sys
from pathlib import Path
with Path({log!r}).open("a") as log:
    print(*sys.argv[1:], file=log)
verb = sys.argv[1]
if verb == "version":
    print(json.dumps({{"terraform_version": "1.11.4", "provider_selections": {{{plugin!r}: "6.34.0"}}}}))
elif verb == "show":
    print(json.dumps({{"resource_changes": {changes!r}}}))
elif verb == "output":
    print("{{}}")
elif sys.argv[1:3] == ["state", "pull"]:
    sys.stdout.write({state!r})
elif verb == {fails!r}:
    sys.exit(print({says!r}, file=sys.stderr) or 1)
"""
"""A Terraform that plans what it is told, fails at one command with one text, and writes down how it was called."""

SILENT = """#!{python}
import json, os, signal, sys, time
verb = sys.argv[1]
if verb == {at!r} and (verb != "version" or os.path.exists("main.tf")):
    {does}
if verb == "version":
    print(json.dumps({{"terraform_version": "1.11.4", "provider_selections": {{{plugin!r}: "6.34.0"}}}}))
elif verb == "show":
    print(json.dumps({{"resource_changes": [{{"address": "a.b", "change": {{"actions": ["create"]}}}}]}}))
elif verb == "output":
    print(json.dumps({{"large": {{"sensitive": False, "type": "string", "value": "x" * {large}}}}}))
"""
"""A Terraform that does something else at one command, and has an output of some length."""


def holding(*attributes: dict[str, Any]) -> str:
    """Return a state of Terraform with one resource for each of these."""
    rows = [
        {"mode": "managed", "type": "thing", "name": f"n{number}", "instances": [{"attributes": one}]}
        for number, one in enumerate(attributes)
    ]
    data = {"mode": "data", "type": "d", "name": "d", "instances": [{"attributes": {"tags": {DRILL_TAG: "another"}}}]}
    gone = {"mode": "managed", "type": "thing", "name": "gone", "instances": []}
    return json.dumps({"version": 4, "serial": 1, "lineage": "l", "resources": [*rows, data, gone]})


def planned(
    tmp_path: Path,
    *changes: tuple[list[str], str],
    action: str = "bringup",
    locked: bool = False,
    fails: str = "",
    says: str = "",
    state: str | None = None,
) -> tuple[int, dict[str, Any], list[str]]:
    """Run a build whose plan has these changes, each actions and why; return status, receipt, and Terraform's calls.

    Its state holds a machine of the build's own drill, unless it is given.
    """
    place = tmp_path / "place"
    place.mkdir()
    module, log = place / "module.zip", place / "log"
    with zipfile.ZipFile(module, "w") as archive:
        archive.writestr("main.tf", "")
        if locked:
            archive.writestr(".terraform.lock.hcl", "")
    rows = [
        {"address": f"thing.{number}", "change": {"actions": verbs}, **({"action_reason": why} if why else {})}
        for number, (verbs, why) in enumerate(changes)
    ]
    binary = place / "terraform"
    binary.write_text(
        TERRAFORM.format(
            python=sys.executable,
            log=str(log),
            plugin=PLUGIN,
            changes=rows,
            fails=fails,
            says=says,
            state=holding({"tags": {DRILL_TAG: "drill-1"}}) if state is None else state,
        )
    )
    binary.chmod(0o755)
    variables = told(ACTION=action, TF_BUNDLE_SHA256=hashlib.sha256(module.read_bytes()).hexdigest())
    status, said, receipt = run(tmp_path, variables, module=module)
    assert receipt.exists(), said
    return status, json.loads(receipt.read_bytes()), log.read_text().splitlines()


def interfered(tmp_path: Path, at: str, does: str, *, large: int = 1) -> tuple[int, str, Path]:
    """Run a build whose Terraform does something else at one command; return status, what was said, and the receipt."""
    place = tmp_path / "place"
    place.mkdir()
    with zipfile.ZipFile(place / "module.zip", "w") as archive:
        archive.writestr("main.tf", "")
    text = SILENT.format(python=sys.executable, at=at, does=does, plugin=PLUGIN, large=large)
    (place / "terraform").write_text(text)
    (place / "terraform").chmod(0o755)
    digest = hashlib.sha256((place / "module.zip").read_bytes()).hexdigest()
    return run(tmp_path, told(TF_BUNDLE_SHA256=digest), module=place / "module.zip")


@pytest.mark.parametrize(
    ("at", "failed", "providers"),
    [
        ("version", "terraform init", {}),
        ("show", "terraform plan", {PLUGIN: "6.34.0"}),
        ("output", "terraform output", {PLUGIN: "6.34.0"}),
    ],
)
def test_a_terraform_that_says_nothing_of_what_it_did_leaves_a_receipt_of_that(
    tmp_path: Path, at: str, failed: str, providers: dict[str, str]
) -> None:
    """Above all where the machine is up already."""
    status, said, receipt = interfered(tmp_path, at, "sys.exit(1)")

    assert receipt.exists(), said
    kept = json.loads(receipt.read_bytes())
    assert (status, kept["status"], kept["failed_command"]) == (1, "failed", failed)
    assert (kept["terraform_providers"], kept["terraform_outputs"]) == (providers, {})


def test_outputs_longer_than_a_variable_of_a_process_can_be_are_in_the_receipt(tmp_path: Path) -> None:
    status, said, receipt = interfered(tmp_path, "none", "pass", large=200_000)

    assert receipt.exists(), said
    kept = json.loads(receipt.read_bytes())
    assert (status, kept["status"]) == (0, "ok")
    assert len(kept["terraform_outputs"]["large"]["value"]) == 200_000


@pytest.fixture
def heeding() -> Iterator[None]:
    """Ignore no signal that these tests are about: what is ignored as a shell begins, no trap of it hears."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("heeding")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_build_that_was_told_to_end_while_it_applied_says_so_and_never_that_it_did_it(
    tmp_path: Path, number: str
) -> None:
    """The shell alone is told: what Terraform was at, it ends first."""
    status, said, receipt = interfered(tmp_path, "apply", f"os.kill(os.getppid(), signal.{number}); time.sleep(0.3)")

    kept = json.loads(receipt.read_bytes())
    assert status != 0, said
    assert (kept["status"], kept["exit_status"], kept["failed_command"]) == ("failed", 143, "terraform apply")
    assert kept["reason"] == "Stopped: the build was told to end"
    assert kept["terraform_outputs"] == {}


def test_a_build_that_has_no_room_to_work_in_leaves_a_receipt_of_that(tmp_path: Path) -> None:
    full = {**told(), "TMPDIR": str(tmp_path / "nowhere")}

    status, said, receipt = run(tmp_path, full)

    assert receipt.exists(), said
    kept = json.loads(receipt.read_bytes())
    assert (status, kept["status"], kept["reason"]) == (1, "failed", "there is no room to work in")


def verbs_of(calls: list[str]) -> list[str]:
    return [call.partition(" ")[0] for call in calls]


@pytest.mark.parametrize("verbs", [["delete"], ["delete", "create"], ["create", "delete"], ["forget"]], ids=str)
def test_a_bringup_that_would_take_something_away_is_not_applied_and_says_what(
    tmp_path: Path, verbs: list[str]
) -> None:
    status, kept, calls = planned(tmp_path, (["create"], ""), (verbs, "replace_because_cannot_update"))

    assert status == 1
    assert "apply" not in verbs_of(calls)
    assert (kept["status"], kept["failed_command"]) == ("failed", "terraform plan")
    assert kept["reason"] == "PlanDestroys: a bring-up only adds, and the plan takes away thing.1"
    assert kept["plan"]["destroy"] == 1


@pytest.mark.parametrize(
    ("action", "change"),
    [
        ("bringup", (["create"], "")),
        ("bringup", (["update"], "")),
        ("bringup", (["delete", "create"], "replace_because_tainted")),
        ("teardown", (["delete"], "")),
    ],
    ids=str,
)
def test_what_adds_makes_whole_or_tears_down_is_applied(
    tmp_path: Path, action: str, change: tuple[list[str], str]
) -> None:
    status, kept, calls = planned(tmp_path, change, action=action)

    assert (status, kept["status"]) == (0, "ok")
    assert verbs_of(calls).count("apply") == 1
    assert kept["plan"]["destroy"] == (action == "teardown")


OURS, ANOTHERS, UNMARKED = {"tags": {DRILL_TAG: "drill-1"}}, {"tags": {DRILL_TAG: "drill-2"}}, {"tags": None}
WHOSE = [
    (holding(OURS), ""),
    (holding(OURS, UNMARKED, {}), ""),
    (holding({"input": {"value": {"tags": {DRILL_TAG: "drill-1"}}, "type": []}}), ""),
    (holding({"input": json.dumps({"tags": {DRILL_TAG: "drill-1", EXPIRES_TAG: "2030-01-01T00:00:00.000Z"}})}), ""),
    (holding(ANOTHERS), "thing.n0 of drill drill-2"),
    (holding({"input": json.dumps({"tags": {DRILL_TAG: "drill-2", EXPIRES_TAG: ""}})}), "thing.n0 of drill drill-2"),
    (holding({"input": {"value": {"tags": {DRILL_TAG: "drill-2"}}}}), "thing.n0 of drill drill-2"),
    (holding(OURS, ANOTHERS), "thing.n0, thing.n1 of drill drill-1, drill drill-2"),
    (holding(UNMARKED), "thing.n0 of nobody that it names"),
    (holding({"tags": {DRILL_TAG: "a b"}}), "thing.n0 of nobody that it names"),
    (holding({"tags": {DRILL_TAG: 1}, "input": "{"}), "thing.n0 of nobody that it names"),
]


@pytest.mark.parametrize("action", ["bringup", "teardown"])
@pytest.mark.parametrize(("state", "whose"), [*WHOSE, (holding(), ""), ("", "")], ids=lambda value: None)
def test_a_build_applies_nothing_to_a_state_that_is_not_its_drills_by_now(
    tmp_path: Path, action: str, state: str, whose: str
) -> None:
    """It may have waited long for its turn, and another drill took the state meanwhile."""
    change = (["create"] if action == "bringup" else ["delete"], "")

    status, kept, calls = planned(tmp_path, change, action=action, state=state)

    assert ("apply" in verbs_of(calls), kept["status"]) == ((False, "failed") if whose else (True, "ok"))
    if whose:
        assert (status, kept["failed_command"]) == (1, "terraform state")
        assert kept["reason"] == f"StateHeld: expected nothing but what drill drill-1 made, got {whose}"
        assert verbs_of(calls).index("plan") < verbs_of(calls).index("state"), "a state read earlier may be another one"


def test_a_state_that_cannot_be_read_once_it_is_planned_is_not_applied(tmp_path: Path) -> None:
    for state in ("{}", "null", "no state"):
        place = tmp_path / hashlib.sha256(state.encode()).hexdigest()
        place.mkdir()
        status, kept, calls = planned(place, (["delete"], ""), action="teardown", state=state)
        assert (status, kept["status"], kept["failed_command"]) == (1, "failed", "terraform state")
        assert "apply" not in verbs_of(calls)


@pytest.mark.parametrize(("state", "whose"), WHOSE, ids=lambda value: None)
def test_a_build_and_drproof_read_the_same_of_whose_a_state_is(state: str, whose: str) -> None:
    class Objects:
        def read(self, bucket: str, key: str) -> Any:
            return SimpleNamespace(etag="e"), state.encode()

    where = {"bucket": "b", "key": "k", "region": "r", "lock_table": ""}
    place: Any = Place(Objects(), None, **where, origin="drill-1", ending_ms=1)  # type: ignore[arg-type] # what is read of it
    assert (place.terraform().origin == "drill-1") is not bool(whose)


def test_a_receipt_names_the_plugins_and_terraform_with_their_versions(tmp_path: Path) -> None:
    _, kept, _ = planned(tmp_path, (["create"], ""))

    assert kept["terraform_providers"] == {PLUGIN: "6.34.0"}
    assert (kept["terraform_version"], kept["tool_version"]) == ("1.11.4", "1.11.4")


def test_a_receipt_of_a_build_that_failed_names_them_as_well(tmp_path: Path) -> None:
    _, kept, _ = planned(tmp_path, (["create"], ""), fails="apply", says="Error: no")

    assert (kept["failed_command"], kept["reason"]) == ("terraform apply", "")
    assert kept["terraform_providers"] == {PLUGIN: "6.34.0"}


@pytest.mark.parametrize("locked", [True, False])
def test_a_module_with_a_lock_file_is_initialized_by_it_alone(tmp_path: Path, locked: bool) -> None:
    _, _, calls = planned(tmp_path, (["create"], ""), locked=locked)

    (init,) = (call for call in calls if call.startswith("init "))
    assert ("-lockfile=readonly" in init.split()) is locked


LOCKED = """Error: Error acquiring the state lock

Error message: operation error S3: PutObject, https response error StatusCode: 412
Lock Info:
  ID:        a-b
  Path:      states/x
  Operation: OperationTypeApply
  Who:       me@there
  Created:   2026-01-01 UTC
"""
HELD = {"id": "a-b", "who": "me@there", "operation": "OperationTypeApply", "created": "2026-01-01 UTC"}


NO_ROOM = """
Error: creating EC2 Instance: operation error EC2: RunInstances, https response error StatusCode: 400, RequestID: a-b,
api
error VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 0 allows

  with aws_instance.runner,
"""
NOT_THAT_PLUGIN = """
Error: Failed to install provider

Error while installing hashicorp/aws v6.34.0: the local package for
registry.terraform.io/hashicorp/aws 6.34.0 doesn't match any of the checksums
previously recorded in the dependency lock file (this might be because the
available checksums are for packages targeting different platforms)
"""
NO_RIGHT = NO_ROOM.replace("VcpuLimitExceeded", "UnauthorizedOperation")


@pytest.mark.parametrize(
    ("verb", "says", "word", "held"),
    [
        (
            "plan",
            LOCKED,
            "LockHeld",
            HELD | {"service": "S3"},
        ),
        ("plan", LOCKED.replace("S3: PutObject", "DynamoDB:\nPutItem"), "LockHeld", HELD | {"service": "DynamoDB"}),
        ("plan", LOCKED.replace("operation error S3:", ""), "LockHeld", HELD),
        ("apply", "Error: Error acquiring the state\nlock\nStatusCode: 412\n", "LockHeld", {}),
        ("plan", "Error: Error acquiring the state lock\nS3: PutObject, StatusCode: 403, AccessDenied\n", "", {}),
        (
            "plan",
            LOCKED.partition("\nError m")[0] + NO_RIGHT.partition("\n  with")[0][8:],
            "Answered UnauthorizedOperation",
            {},
        ),
        ("plan", "Error: Error acquiring the state lock\nS3: PutObject, connection reset by peer\n", "", {}),
        ("init", "Error: Provider dependency changes detected", "PluginDiffers", {}),
        ("init", NOT_THAT_PLUGIN, "PluginDiffers", {}),
        ("apply", "Error: Saved plan is stale", "StalePlan", {}),
        ("plan", "Error: ID: x of something else", "", {}),
        ("apply", NO_ROOM, "Answered VcpuLimitExceeded", {}),
        ("apply", NO_ROOM + NO_RIGHT, "Answered VcpuLimitExceeded UnauthorizedOperation", {}),
        ("apply", NO_ROOM + "Error: of its own\n\n  with x,\n", "", {}),
    ],
)
def test_what_callers_must_tell_apart_is_the_first_word_of_the_reason(
    tmp_path: Path, verb: str, says: str, word: str, held: dict[str, str]
) -> None:
    status, kept, _ = planned(tmp_path, (["create"], ""), fails=verb, says=says)

    assert (status, kept["failed_command"]) == (1, f"terraform {verb}")
    assert kept["reason"].partition(":")[0] == word
    assert kept["terraform_lock_held"] == held


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
