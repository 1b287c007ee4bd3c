"""What the state machine passes to the function, and what the function answers: references only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drproof.engine.preparation import DRILL_ID
from drproof.engine.refusal import Refusal, refuse
from drproof.model.codec import decode
from drproof.model.errors import EvidenceError
from drproof.model.receipt import Count, Digest

TOKEN = "task_token"  # noqa: S105 — the name of a member
SCHEDULE = "schedule"
"""Who asks for an execution that nobody started: the rule of the Terraform module says so in its input."""
ARN = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:execution:[^:]+:[^:]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """The execution that asks, as the context object has it."""

    arn: str
    name: str
    started_at: str = ""
    machine: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The input of the execution: everything else is settings."""

    backup_uri: str = ""
    image_ref: str = ""
    force_run: bool = False
    requested_by: str = ""
    reason: str = ""

    @property
    def is_unattended(self) -> bool:
        """Whether the schedule looks, and nobody waits for what comes of it."""
        return self.requested_by == SCHEDULE and not self.force_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One act that the machine asks for."""

    act: str
    execution: Execution
    attempt: Count = 0
    input: Given = field(default_factory=Given)
    build_id: str = ""
    """Of the build that the machine ran; of the act `bringup` alone."""
    decision: Any = None
    """What came back to the machine from whoever decides, of whatever form; of the act `promote` alone."""
    failures: Mapping[str, Any] = field(default_factory=dict)
    """What a state caught, by its phase; of the act `tell_of_failure` alone."""
    token: str = ""
    """The task token; it is hidden from everything that is written, and is in no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back to the machine of a phase that passed."""

    phase: str
    outcome: str
    receipt: str
    """Where the receipt lies; empty where there is none."""
    sha256: Digest | str


def asked_of(event: Mapping[str, Any]) -> Asked:
    """Return what an event asks for.

    Raises:
        Refusal: it is of another form, or the name of the execution is no drill's id; no value of it is repeated.
    """
    given = {name: value for name, value in event.items() if name != TOKEN}
    token = event.get(TOKEN, "")
    wrong = sorted(set(given) - (set(Asked.__dataclass_fields__) - {"token"}))
    if wrong or not isinstance(token, str):
        raise _no_act(f"it has the members {', '.join(wrong) or TOKEN}, or in another form")
    try:
        asked = decode(Asked, {name: value for name, value in given.items() if value is not None} | {"token": token})
    except EvidenceError as exc:
        raise _no_act(str(exc)) from exc
    if DRILL_ID.fullmatch(asked.execution.name) is None:
        raise refuse(
            "the name of the execution is no id of a drill",
            expected=DRILL_ID.pattern,
            got=asked.execution.name,
            next_step="start it under a name of letters, digits, dots, dashes and underscores",
        )
    if ARN.fullmatch(asked.execution.arn) is None:
        raise refuse(
            "the ARN of the execution is none",
            expected=ARN.pattern,
            got=asked.execution.arn,
            next_step="have the machine pass $$.Execution.Id",
        )
    return asked


def _no_act(why: str) -> Refusal:
    return refuse(
        f"the event asks for no act: {why}",
        expected="what deploy/orchestrator.asl.json passes on",
        next_step="deploy the machine and the function of one version",
    )
