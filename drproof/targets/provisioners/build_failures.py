"""Why a build failed, in the words that the engine tells apart: from its receipt, its phases and the end of its log."""

import re
from collections.abc import Sequence

from drproof.formats.build_receipts import BuildReceipt
from drproof.model.errors import TargetError
from drproof.targets.aws import errors
from drproof.targets.aws.codebuild import BuildSeen
from drproof.targets.provisioners.command import met_a_lock, refusal
from drproof.targets.provisioners.diagnostics import OF_USERS
from drproof.targets.provisioners.place import Lock
from drproof.targets.provisioners.terraform import NEXT, NO_LOCK

HELD = "LockHeld"
TOLD = re.compile(r"\b(?P<name>ID|Who|Operation|Created):[ \t]+(?P<value>\S[^\n]*)")
"""How Terraform tells of a lock."""
ERROR = "Error: "
HEAD = re.compile(r"(?:Error|Warning): ")
"""How each of its diagnostics begins in plain text."""
SERVICE = re.compile(r"operation error (S3|DynamoDB):")
"""How it says which of the two kinds of lock is held."""
BESIDE, IN_THE_TABLE = "S3", "DynamoDB"
KNOWN = frozenset({"PlanDestroys", "PluginDiffers", "StalePlan", "StateHeld"})
"""How the reason in a receipt begins where the build knew what it was: the same words as of our own Terraform."""
ANSWERED = "Answered "
"""How it begins where the build knew the platform's own codes."""
ALLOW = "allow the call to the role of the build's project; pytest -m preflight asks IAM what that role may"
STEPS = {
    **NEXT,
    "StateHeld": "drproof gc, which says whose the state is; the build applied nothing to it",
    **dict.fromkeys(("AccessDenied", "AccessDeniedException", "Forbidden", "UnauthorizedOperation"), ALLOW),
}
"""Ahead of what is to be done about the drill's own calls: a build acts in another role."""


def found_the_lock_held(receipt: BuildReceipt | None, tail: Sequence[str]) -> bool:
    """Return whether the build could not take the lock; of one without a receipt its log says so."""
    if receipt is not None:
        return _word(receipt) == HELD
    return met_a_lock(_of_the_lock(tail))


def lock_of(receipt: BuildReceipt | None) -> Lock | None:
    """Return whose lock it was, as Terraform told the build; None where it did not say."""
    held = receipt.lock_held if receipt is not None else {}
    if not held.get("id"):
        return None
    said = {name: held.get(name, "") for name in ("id", "who", "created", "operation")}
    return Lock(**said, info="")


def is_beside(receipt: BuildReceipt | None, tail: Sequence[str]) -> bool | None:
    """Return whether the lock lies beside the state, or in the table; None where nobody said."""
    said = receipt.lock_held.get("service", "") if receipt is not None else ""
    if not said and (found := SERVICE.search(" ".join(" ".join(_of_the_lock(tail)).split()))) is not None:
        said = found[1]
    return said == BESIDE if said in {BESIDE, IN_THE_TABLE} else None


def lock_in(tail: Sequence[str]) -> Lock | None:
    """Return whose lock it was, as the end of a build's log shows Terraform's words; None where it does not say."""
    lines = _of_the_lock(tail)
    held = {found["name"].lower(): found["value"].strip() for line in lines for found in TOLD.finditer(line)}
    if not held.get("id"):
        return None
    said = {name: held.get(name, "") for name in ("id", "who", "created", "operation")}
    return Lock(**said, info="")


def _of_the_lock(tail: Sequence[str]) -> Sequence[str]:
    """Return the lines of Terraform's error of a lock, which it asks for first: whatever else fails has one."""
    heads = [number for number, line in enumerate(tail) if HEAD.match(line)]
    first = next((number for number in heads if tail[number].startswith(ERROR)), None)
    users = any(OF_USERS.match(HEAD.sub("", tail[number])) for number in heads)
    if first is None or users or not tail[first].removeprefix(ERROR).startswith(NO_LOCK):
        return ()
    return tail[first : next((number for number in heads if number > first), len(tail))]


def failed(build: BuildSeen, receipt: BuildReceipt | None, doubt: str, tail: Sequence[str]) -> TargetError:
    """Return the error of a build that did not succeed; `doubt` is why its receipt is not believed."""
    why = f"{build.failed_phase or 'no phase'}: {build.cause or 'no cause given'}"
    code, family = f"Build{build.status.title().replace('_', '')}", TargetError
    if receipt is not None:
        why = f"{receipt.failed_command}: {receipt.reason or 'it failed'}; {why}"
        if _word(receipt) in KNOWN:
            code = _word(receipt)
        elif answer := refusal(_answers(receipt)):
            code, family = answer, errors.family(answer)
    elif doubt:
        why = f"{why}; {doubt}"
    lines = "".join(f"\n    {line}" for line in tail)
    step = STEPS.get(code) or errors.NEXT.get(code) or STEPS[""]
    msg = f"build {build.build_id}: {build.status}: {why}{lines}\n  next: {step}"
    return family(msg, code=code, call="codebuild:BatchGetBuilds")


def _answers(receipt: BuildReceipt) -> Sequence[str]:
    word = _word(receipt)
    return word.removeprefix(ANSWERED).split() if word.startswith(ANSWERED) else ()


def _word(receipt: BuildReceipt) -> str:
    return receipt.reason.partition(":")[0]
