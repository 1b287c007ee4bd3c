"""What is observed of a failback that was handed in: an allow-list, field by field; no free text of others enters."""

from dataclasses import dataclass

from drproof.model.receipt import Count, Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class FailbackFile:
    """One file as it was handed in; `problem` is empty when it is known and could be read."""

    name: str
    kind: str
    """`receipt`, `pointer`, `comparison`, `copy` of a run, `schedules`, `listing`, `beside` for what stays unread, or
    `unknown`."""
    size: Count
    sha256: Digest
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which runs and which place one receipt names; empty where it does not."""

    source: str
    from_run: str = ""
    to_run: str = ""
    bucket: str = ""
    prefix: str = ""
    account_id: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPointer:
    """A pointer that the plan names; `pointer` is its label, empty for a key that is no pointer's."""

    pointer: str
    key: str
    run_id: str
    run_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerKept:
    """A pointer as a script read it, `before` or `after`; `run_id` is empty where it names no run."""

    side: str
    pointer: str
    file: str
    run_id: str
    run_path: str
    size: Count
    md5: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerListed:
    """A pointer as the store lists it; `md5` is empty where its ETag is none."""

    key: str
    size: Count
    md5: str
    earlier_md5: str | None = None
    """That of the version before; None where the listing tells no versions, empty where there was none, or no MD5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulesKept:
    """What one side's schedules did when somebody listed them before the switch."""

    site: str
    """`recovery` or `original`."""
    suspended: Count
    running: tuple[str, ...] = ()
    uids: tuple[str, ...] = ()
    """What the cluster calls them; a list without them may be of any cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """What the receipts say was done: `yes`, `no`, `unclear` for what is no boolean, or empty where none says."""

    asked: str = ""
    """Whether the inputs ask for an apply."""
    dry: str = ""
    """Whether the inputs speak of a dry run."""
    applied: str = ""
    updated: tuple[str, ...] = ()
    """The keys that the apply says it wrote."""
    ended_as: str = ""
    """The status of the failback's summary; empty without one."""
    ended_dry: str = ""
    """Whether the failback's summary speaks of a dry run; empty without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the log of the comparison tells, and of which runs the copies beside it are."""

    outcome: str
    """`matched`, `different`, `skipped` or `unclear`."""
    recovered: str = ""
    original: str = ""
    """The runs whose copies were compared; empty where no copy says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """In which file two copies differ, and in what way; the values themselves stay out."""

    file: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedAgain:
    """What comparing the two copies came to when it was done anew, whatever the log says."""

    problem: str = ""
    """Why that could not be done; all else is then empty."""
    rules_version: Count = 0
    recovered: str = ""
    original: str = ""
    """The runs whose copies were compared, by their own summaries."""
    compared: Count = 0
    """Files of a run that were compared: the documents that each needs, and the outputs that a summary names."""
    count: Count = 0
    """Differences in all; `differing` is of the first 200."""
    differing: tuple[Differing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailbackObserved:
    """Everything that the handed files say, and nothing else."""

    files: tuple[FailbackFile, ...]
    kinds: tuple[str, ...]
    """Which receipts are there, by kind."""
    named: tuple[Named, ...]
    planned: tuple[PlannedPointer, ...]
    kept: tuple[PointerKept, ...]
    acted: Acted
    compared: Compared | None
    again: ComparedAgain | None = None
    """None where neither side's copy was handed in."""
    listed: tuple[PointerListed, ...] | None
    """The planned pointers that a listing has; None without a listing."""
    schedules: tuple[SchedulesKept, ...] = ()
    ended_at: str = ""
    """The latest instant that a receipt names; empty where none could be read."""
