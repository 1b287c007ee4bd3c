"""What of Terraform's words the platform said: programs of a module print what they like in the same places."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from drproof.engine.attempts import REFUSED_CODES
from drproof.targets.aws import errors
from drproof.targets.provisioners.build_failures import found_the_lock_held, is_beside, lock_in
from drproof.targets.provisioners.command import Said, refusal

FILE = Path(__file__).parents[2] / "deploy" / "codebuild" / "buildspec.yml"
(BUILD,) = yaml.safe_load(FILE.read_text(encoding="utf-8"))["phases"]["build"]["commands"]
READER = BUILD.partition("read -r lock\n")[2].partition("python3 -c '\n")[2].partition('\n\' "$work/errors"')[0]
"""The part of a build that tells one failure of Terraform from another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A diagnostic, as Terraform has it in JSON; it prints the same in plain text."""

    summary: str
    detail: str = ""
    address: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        """Return it as it is printed without colours."""
        where = f"\n\n  with {self.address},\n  on main.tf line 1, in resource:\n   1: resource" if self.address else ""
        detail = f"\n\n{self.detail}" if self.detail else ""
        return f"\n{self.severity.title()}: {self.summary}{where}{detail}\n"


def answer(code: str, service: str = "EC2: RunInstances", *, status: int = 400, between: str = "") -> str:
    """Return the words of the SDK that Terraform and its plugin are built with."""
    host = " HostID: h+/=," if service.startswith("S3") else ""
    return (
        f"operation error {service}, {between}https response error StatusCode: {status}, RequestID: a-b,{host} "
        f"api error {code}: words of the platform"
    )


RUNNER = "aws_instance.runner"
LOCK = "Error acquiring the state lock"
HELD = f"Error message: {answer('PreconditionFailed', 'S3: PutObject', status=412)}\nLock Info:\n  ID:        a-b\n"
TRIES = "exceeded maximum number of attempts, 3, "
NO_ROLE = (
    f"get identity: get credentials: failed to refresh cached credentials, {answer('AccessDenied', 'STS: AssumeRole')}"
)
TRUE: dict[str, tuple[Told, str]] = {
    "summary": (
        Told(summary=f"creating EC2 Instance: {answer('VcpuLimitExceeded')}", address=RUNNER),
        "VcpuLimitExceeded",
    ),
    "detail": (
        Told(summary="creating", detail=answer("UnauthorizedOperation"), address=f'module.a["b.c"].{RUNNER}[0]'),
        "UnauthorizedOperation",
    ),
    "wrapped": (
        Told(summary="creating", detail=answer("VcpuLimitExceeded").replace(" ", "\n"), address=RUNNER),
        "VcpuLimitExceeded",
    ),
    "data": (Told(summary=f"reading: {answer('AccessDenied')}", address="data.aws_ami.newest"), "AccessDenied"),
    "tried often": (Told(summary=answer("VcpuLimitExceeded", between=TRIES), address=RUNNER), "VcpuLimitExceeded"),
    "two words": (
        Told(summary=answer("AccessDenied", "Elastic Load Balancing v2: CreateRule"), address="aws_lb.a"),
        "AccessDenied",
    ),
    "backend": (
        Told(summary=f"Error loading state: {answer('AccessDenied', 'S3: GetObject', status=403)}"),
        "AccessDenied",
    ),
    "lock": (Told(summary=LOCK, detail=answer("AccessDenied", "S3: PutObject", status=403)), "AccessDenied"),
    "table": (Told(summary=LOCK, detail=answer("AccessDeniedException", "DynamoDB: PutItem")), "AccessDeniedException"),
    "credentials": (
        Told(summary="creating", detail=f"operation error S3: PutObject, {NO_ROLE}", address="aws_s3_object.a"),
        "AccessDenied",
    ),
    "provider": (
        Told(
            summary="Retrieving AWS account details",
            detail=answer("AccessDenied", "STS: GetCallerIdentity"),
            address='provider["registry.terraform.io/hashicorp/aws"]',
        ),
        "AccessDenied",
    ),
    "quoted": (
        Told(summary=f"creating: {answer('AccessDenied')}: of {answer('VcpuLimitExceeded')}", address=RUNNER),
        "AccessDenied",
    ),
    "no room in the wait": (
        Told(summary="creating: operation error EC2: RunInstances, failed to get rate limit token", address=RUNNER),
        "",
    ),
}
OF_OTHERS: dict[str, tuple[Told, ...]] = {
    "short": (Told(summary="creating", detail="api error VcpuLimitExceeded: words", address=RUNNER),),
    "cut": (Told(summary="x", detail="operation error EC2: RunInstances, api error AccessDenied: x", address=RUNNER),),
    "local-exec": (Told(summary="local-exec provisioner error", detail=answer("AccessDenied"), address=RUNNER),),
    "remote-exec": (Told(summary="remote-exec provisioner error", detail=answer("AccessDenied"), address=RUNNER),),
    "file": (Told(summary="file provisioner error", detail=answer("AccessDenied"), address=RUNNER),),
    "external": (
        Told(
            summary="External Program Execution Failed",
            detail=f"Error Message: {answer('AccessDenied')}",
            address="data.external.a",
        ),
    ),
    "another plugin": (
        Told(summary="script failed", detail=answer("AccessDenied"), address="module.a.shell_script.b"),
    ),
    "postcondition": (Told(summary="Resource postcondition failed", detail=answer("AccessDenied")),),
    "variable": (Told(summary="Invalid value for variable", detail=answer("AccessDenied")),),
    "a Terraform within": (
        Told(
            summary="local-exec provisioner error",
            detail=f"Output: \nError: creating: {answer('VcpuLimitExceeded')}\n\n  with {RUNNER},\n",
            address="terraform_data.a",
        ),
    ),
    "beside a true one": (
        TRUE["summary"][0],
        Told(summary="local-exec provisioner error", detail=answer("AccessDenied")),
    ),
    "a warning": (
        Told(summary="of its own", detail="no answer", address=RUNNER),
        Told(summary="deprecated", detail=answer("AccessDenied"), severity="warning"),
    ),
    "stale": (Told(summary="local-exec provisioner error", detail="Output: hint: Saved plan is stale, ask ops"),),
    "stale within": (Told(summary="local-exec provisioner error", detail="Output:\nError: Saved plan is stale\n"),),
    "locked": (Told(summary="local-exec provisioner error", detail=f"Output: {LOCK} ... PreconditionFailed"),),
    "locked within": (Told(summary="local-exec provisioner error", detail=f"Output:\nError: {LOCK}\n\n{HELD}"),),
    "locked in words": (Told(summary="creating", detail=f"{LOCK} PreconditionFailed Lock Info:", address=RUNNER),),
    "plugin within": (
        Told(summary="local-exec provisioner error", detail="recorded in the dependency lock file", address=RUNNER),
    ),
}


def heard(*told: Told) -> list[str]:
    said = Said()
    for one in told:
        found = {"severity": one.severity, "summary": one.summary, "detail": one.detail, "address": one.address}
        said.hear(json.dumps({"type": "diagnostic", "diagnostic": found}))
    return said.answers


def build(tmp_path: Path, text: str) -> tuple[str, dict[str, str]]:
    """Return how the reason of a build begins whose Terraform printed this, and the lock that it names."""
    (tmp_path / "errors").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path / "errors")], capture_output=True, text=True, check=True
    )
    problem, lock = done.stdout.splitlines()
    return problem.partition(":")[0], json.loads(lock)


def printed(told: Sequence[Told]) -> str:
    return "".join(str(one) for one in told)


@pytest.mark.parametrize("name", TRUE)
def test_what_the_platform_answered_is_read_from_the_whole_words_of_its_sdk(name: str, tmp_path: Path) -> None:
    told, code = TRUE[name]

    assert heard(told) == [code]
    assert build(tmp_path, str(told)) == (f"Answered {code}" if code else "", {})


@pytest.mark.parametrize("name", OF_OTHERS)
def test_what_somebody_elses_program_printed_is_no_answer_of_the_platform(name: str, tmp_path: Path) -> None:
    told = OF_OTHERS[name]

    assert "" in heard(*told)
    assert len(heard(*told)) == sum(one.severity == "error" for one in told)
    assert build(tmp_path, printed(told)) == ("", {})
    assert not found_the_lock_held(None, printed(told).splitlines())


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (["UnauthorizedOperation"], "UnauthorizedOperation"),
        (["VcpuLimitExceeded", "AccessDenied"], "AccessDenied"),
        (["VcpuLimitExceeded", "RequestLimitExceeded"], ""),
        (["AccessDenied", ""], ""),
        ([], ""),
        *(([code], "") for code in sorted(errors.RENEWED)),
        *((["AccessDenied", code], "") for code in sorted(errors.RENEWED)),
    ],
)
def test_what_the_next_attempt_signs_anew_is_refused_to_this_one_alone(answers: list[str], code: str) -> None:
    """Terraform has the credentials of one moment, and a build its own: those of a further attempt are others."""
    assert refusal(answers) == code


def test_credentials_that_are_over_still_end_what_the_drill_asks_itself() -> None:
    assert {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "RequestTimeTooSkewed"} <= errors.RENEWED
    assert {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "RequestTimeTooSkewed"} <= REFUSED_CODES


def test_a_lock_is_told_by_the_error_that_begins_with_it(tmp_path: Path) -> None:
    warned = Told(summary="deprecated", detail="use_lockfile\n  ID: of another", severity="warning")
    for text in (str(Told(summary=LOCK, detail=HELD)), printed((warned, Told(summary=LOCK, detail=HELD), warned))):
        assert build(tmp_path, text) == ("LockHeld", {"id": "a-b", "service": "S3"})
        lines = [line for line in text.splitlines() if line.strip()]
        lock = lock_in(lines)
        assert found_the_lock_held(None, lines)
        assert is_beside(None, lines) is True
        assert lock is not None
        assert lock.id == "a-b"


def test_a_lock_that_nobody_could_ask_for_is_not_held_by_what_is_said_after_it(tmp_path: Path) -> None:
    text = printed((Told(summary=LOCK, detail="connection reset"), Told(summary="x", detail="PreconditionFailed")))

    assert build(tmp_path, text) == ("", {})
    assert not found_the_lock_held(None, text.splitlines())


def test_the_reader_of_a_build_is_found_in_it() -> None:
    assert re.match(r"import json, re, sys\n", READER)
    compile(READER, "reader", "exec")
