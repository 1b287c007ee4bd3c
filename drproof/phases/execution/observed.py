"""What is observed of an execution that was handed in: an allow-list, field by field; no free text of others enters."""

from dataclasses import dataclass

from drproof.formats.alarm_evidence import Change
from drproof.formats.s3_listing import Stored
from drproof.model.receipt import Count, Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSeen:
    """One file as it was handed in; `problem` is empty when it is known and could be read."""

    name: str
    kind: str
    """`receipt`, `alarms`, `history`, `description`, `definition`, `listing`, `builds`, `logs`, `triggers`, `export`,
    `manifest`, or `unknown`."""
    phase: str = ""
    size: Count
    sha256: Digest
    md5: str
    problem: str = ""
    masked: bool = False
    """Whether the export says that it masked a secret in it: its bytes are not those that are stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptSeen:
    """What a receipt says about itself."""

    phase: str
    file: str
    form: str
    says_phase: str
    status: str
    at: str
    execution: str
    account_id: str
    region: str
    given_sha256: str
    result_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How many resources a bring-up added, changed and destroyed."""

    added: Count
    changed: Count
    destroyed: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How old a node was when it was looked at."""

    node: str
    at_least_ms: Count
    less_than_ms: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the receipts say about the machine; empty where they do not say."""

    brought_up: str = ""
    resolved: str = ""
    validated: str = ""
    launched_at: str = ""
    changes: Changes | None = None
    node_ages: tuple[Age, ...] = ()
    looked_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """One object that restore speaks of: a size is existence, a digest is integrity, a place is materialisation."""

    key: str
    size: Count
    sha256: str = ""
    restored_to: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What validation did: its command's end, and the verbs that it printed."""

    status: str
    lines: Count
    whole: bool
    """Whether its output was kept from the beginning."""
    made: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What people were told, or asked."""

    published: bool
    message_id: str
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An answer to the question whether to promote, from a receipt or from the history."""

    source: str
    approved: str
    """`yes`, `no`, or `unclear` for anything that is no boolean."""
    approver: str
    at: str
    tied: bool = True
    """Whether it says of which execution it is; one that does not could be of any."""
    ticket: str = ""
    decided_at: str = ""
    expires_at: str = ""
    """Until when the decision may be acted on; these are empty for a decision that is no signed one of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSeen:
    """What the history says about one phase; of several tries the last."""

    phase: str
    state: str
    outcome: str
    """`succeeded`, `failed`, `timed_out`, or `open` while nothing came back."""
    scheduled_at: str
    ended_at: str
    execution: str
    account_id: str
    region: str
    given_sha256: str
    result_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActSeen:
    """How often a function of ours was asked for an act, and what it answered."""

    name: str
    asked: Count
    answered: Count
    answers: tuple[str, ...]
    """The digests of the receipts that it answered with, each once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseSeen:
    """The deepest cause of an end that is no success."""

    kind: str
    """`aborted`, `timed_out`, `runtime`, `denied`, `build`, `task`, or `unknown`."""
    phase: str = ""
    state: str = ""
    error: str = ""
    denied: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """The execution as its history has it."""

    status: str
    started_at: str
    stopped_at: str
    events: Count
    problem: str
    """Why the history is not whole; empty when it is."""
    steps: tuple[StepSeen, ...]
    answer: Decision | None
    cause: CauseSeen | None
    last_state: str = ""
    """The state that was entered last."""
    requested_by: str = ""
    """Who asked for the execution, by its input; empty where nobody is named."""
    described_as: str = ""
    """The status that the execution's description gives; empty without a description."""
    described_execution: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSeen:
    """Where a secret lies, and a tag under which equal ones are equal; never the secret."""

    file: str
    kind: str
    where: str
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildHanded:
    """A build that was started by the execution, or for it."""

    build_id: str
    action: str
    status: str
    execution: str
    started_at: str
    ended_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What an execution really used: a `function`, `machine`, `project`, `role` or `topic`."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerHanded:
    """What may start executions by itself, and whether it did as the export was made."""

    name: str
    state: str
    """`ENABLED`, `DISABLED` or `ABSENT`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSeen:
    """How a manifest differs from the files beside it."""

    listed: Count
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    different: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionObserved:
    """Everything that the handed files say, and nothing else."""

    files: tuple[FileSeen, ...]
    receipts: tuple[ReceiptSeen, ...]
    machine: Machine
    restored: tuple[Restored, ...]
    validated: Validated | None
    told: Told | None
    asked: Told | None
    decisions: tuple[Decision, ...]
    alarms: tuple[Change, ...]
    run: RunSeen | None
    stored: tuple[Stored, ...]
    manifest: ManifestSeen | None
    secrets: tuple[SecretSeen, ...]
    read_at: str = ""
    """When the files were read; nothing in them can be later."""
    builds: tuple[BuildHanded, ...] = ()
    wires: tuple[Wire, ...] = ()
    triggers: tuple[TriggerHanded, ...] = ()
    acts: tuple[ActSeen, ...] = ()
    """Of an execution of ours, by the name of the act."""
