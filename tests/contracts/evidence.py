"""Passing receipts for every contract of every plan, built from the phases' own types; the one place of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drproof.evidence import approvals
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.schemas import problem_of_receipt
from drproof.formats.strict_json import parse
from drproof.model.approval import Decision
from drproof.model.codec import encode
from drproof.model.contract import Contract
from drproof.model.criteria import Approval, Approver, Criteria
from drproof.model.errors import EvidenceError
from drproof.model.judging import judge
from drproof.model.receipt import Caller, EvidenceRef, Outcome, Receipt, Tool
from drproof.model.verdict import Verdict
from tests.contracts.observed import (
    ALARMS,
    ASKED,
    BROUGHT_UP,
    CRITERIA,
    DECIDED,
    DRILL,
    FILES,
    HEALTH,
    HOUR,
    IMAGE,
    INSPECTED,
    LOOKED_AT,
    MATERIALISED,
    NOTIFIED,
    POINT,
    PREFLIGHT,
    PRIMARY,
    REACHED,
    RECOVERY,
    RESTORED,
    RULES,
    RUNNER,
    TORN_DOWN,
    VALIDATED,
    at,
    sha256,
)
from tests.contracts.observed_backup import NEEDED_OF_ONPREM, ONPREM, ONPREM_BACKUP, in_region, owned_by, with_lock
from tests.contracts.observed_execution import ASKED_FOR, BY_PEOPLE, EXECUTION_FILES, OWN, OWN_ASKED
from tests.contracts.observed_execution import OBSERVED as HANDED_IN
from tests.contracts.observed_failback import FAILED_BACK
from tests.contracts.observed_fleet import FLEET, FLEET_FILES, FOUND, NAMED, READ
from tests.contracts.observed_machine import MACHINE_FILES, MACHINE_READ, REPLAYED
from tests.contracts.observed_preflight import (
    DOMAINS,
    IDENTITIES,
    PEOPLE,
    PERMISSIONS,
    PULL,
    QUOTAS,
    ROLES,
    STATE,
    TOOLS,
    TRIGGERS,
)
from tests.contracts.observed_published import PUBLISHED_RUN
from tests.contracts.observed_terraform import DRILLS, NO_DRILL, SOURCES
from tests.evidence.keys import APPROVER, Key

EVERY_FILE: Mapping[str, Any] = {**FILES, **FLEET_FILES, **MACHINE_FILES, **EXECUTION_FILES}


def _receipts() -> Iterator[Receipt[Any]]:
    observed: dict[str, tuple[Any, Caller, str]] = {
        "check_preflight": (PREFLIGHT, RECOVERY, ""),
        "check_health": (HEALTH, PRIMARY, ""),
        "read_alarms": (RULES, PRIMARY, ""),
        "read_restore_point": (POINT, PRIMARY, ""),
        "bringup": (BROUGHT_UP, RECOVERY, ""),
        "resolve_runner": (RUNNER, RECOVERY, ""),
        "reach_cluster": (REACHED, RECOVERY, ""),
        "restore_state": (MATERIALISED, RECOVERY, ""),
        "restore": (RESTORED, RECOVERY, ""),
        "inspect_cluster": (INSPECTED, RECOVERY, ""),
        "inspect_runner": (LOOKED_AT, RECOVERY, ""),
        "validate": (VALIDATED, RECOVERY, ""),
        "notify": (NOTIFIED, RECOVERY, ""),
        "request_manual_approval": (ASKED, RECOVERY, ""),
        "promote": (None, RECOVERY, "auto promote disabled; stopped at manual promotion gate"),
        "capture_alarms": (ALARMS, PRIMARY, ""),
        "teardown": (TORN_DOWN, RECOVERY, ""),
        "read_execution": (HANDED_IN, RECOVERY, ""),
        "read_state_machine": (MACHINE_READ, RECOVERY, ""),
        "replay_execution": (REPLAYED, RECOVERY, ""),
        "read_terraform": (SOURCES, RECOVERY, ""),
        "read_verified_drill": (NO_DRILL, RECOVERY, ""),
        "read_published_run": (PUBLISHED_RUN, PRIMARY, ""),
        "find_restore_points": (FOUND, PRIMARY, ""),
        "read_restore_points": (READ, PRIMARY, ""),
        "read_domains": (DOMAINS, RECOVERY, ""),
        "read_identities": (IDENTITIES, RECOVERY, ""),
        "read_people": (PEOPLE, RECOVERY, ""),
        "read_permissions": (PERMISSIONS, RECOVERY, ""),
        "read_roles": (ROLES, RECOVERY, ""),
        "read_quotas": (QUOTAS, RECOVERY, ""),
        "read_state": (STATE, RECOVERY, ""),
        "read_tools": (TOOLS, RECOVERY, ""),
        "read_triggers": (TRIGGERS, RECOVERY, ""),
        "try_pull_secret": (PULL, RECOVERY, ""),
        "read_failback": (FAILED_BACK, RECOVERY, ""),
    }
    for number, (phase, (facts, caller, reason)) in enumerate(observed.items()):
        yield Receipt(
            drill_id=DRILL,
            mode="rehearsal",
            plan="recovery",
            phase=phase,
            sequence=number + 1,
            previous=sha256(f"before {phase}"),
            opening=sha256("opening"),
            outcome=Outcome.NOT_RUN if facts is None else Outcome.PASSED,
            started_at=at(3 * number),
            ended_at=at(3 * number + 2),
            duration_ms=120_000,
            observed=facts,
            reason=reason,
            caller=caller,
            tool=Tool(version="1"),
            image_ref=IMAGE,
            evidence=tuple(_ref(path) for path in EVERY_FILE if path.startswith(f"evidence/{phase}/")),
        )


def _ref(path: str) -> EvidenceRef:
    data = canonical(EVERY_FILE[path])
    name = path.rpartition("/")[2].removesuffix(".json")
    return EvidenceRef(name=name, path=path, sha256=digest(data), size=len(data))


class _Digests(Mapping[str, str]):
    """The digest of each receipt, made when it is asked for: a contract needs few, and is judged thousands of times."""

    def __init__(self, receipts: Mapping[str, Receipt[Any]]) -> None:
        self._receipts = receipts

    def __getitem__(self, phase: str) -> str:
        return digest(canonical(encode(self._receipts[phase])))

    def __contains__(self, phase: object) -> bool:
        return phase in self._receipts

    def __iter__(self) -> Iterator[str]:
        return iter(self._receipts)

    def __len__(self) -> int:
        return len(self._receipts)


@dataclass(frozen=True)
class Evidence:
    """All that a contract can be judged on; each change makes another one."""

    receipts: Mapping[str, Receipt[Any]]
    files: Mapping[str, Any]
    criteria: Criteria

    def asking(self, **changes: Any) -> "Evidence":
        """Return this evidence under other criteria."""
        return replace(self, criteria=replace(self.criteria, **changes))

    def receipt(self, phase: str, **changes: Any) -> "Evidence":
        """Return this evidence with another receipt."""
        return replace(self, receipts={**self.receipts, phase: replace(self.receipts[phase], **changes)})

    def facts(self, phase: str, **changes: Any) -> "Evidence":
        """Return this evidence with other observed facts."""
        return self.receipt(phase, observed=replace(self.receipts[phase].facts, **changes))

    def file(self, name: str, content: Any) -> "Evidence":
        """Return this evidence with another evidence file."""
        (path,) = (path for path in self.files if path.endswith(f"/{name}.json"))
        return replace(self, files={**self.files, path: content})

    def without(self, phase: str) -> "Evidence":
        """Return this evidence without a receipt."""
        return replace(self, receipts={name: one for name, one in self.receipts.items() if name != phase})

    def read(self, ref: EvidenceRef) -> Any:
        """Return an evidence file, parsed anew, so that nobody changes another's copy."""
        if ref.path not in self.files:
            raise EvidenceError("missing", f"{ref.path} is not there")
        return parse(canonical(self.files[ref.path]))

    def verdicts(self, contract: Contract) -> tuple[Verdict, ...]:
        """Return the verdicts of a contract on this evidence."""
        return judge(
            contract,
            self.receipts,
            self.criteria,
            digests=_Digests(self.receipts),
            read=self.read,
            check=problem_of_receipt,
        )


PASSING = Evidence({receipt.phase: receipt for receipt in _receipts()}, EVERY_FILE, replace(CRITERIA, fleet=FLEET))
"""A forced drill against a healthy site that stopped at the gate."""

STALE = PASSING.facts(
    "check_health",
    age_ms=50 * HOUR,
    forced=False,
    reasons=("stale_pipeline: the last good run is 2 d 2 h old, the limit is 1 d 2 h",),
).asking(force_recovery=False)
PROMOTED = PASSING.receipt("promote", outcome=Outcome.PASSED, observed=DECIDED, reason="").asking(
    promotion_expected=True
)


def decided(approved: bool, *, by: Key = APPROVER, of: Evidence | None = None, **changes: Any) -> Evidence:
    """Return a drill whose people decided, in a decision that is changed before it is signed."""
    asked = (of or PASSING).asking(approval=AWAITED)
    validated = digest(canonical(encode(asked.receipts["validate"])))
    said = replace(
        Decision(
            approved=approved,
            approver="arn:aws:sts::444455556666:assumed-role/approver/ada",
            account_id="444455556666",
            ticket="CHG-7",
            reason="seen",
            decided_at=at(42),
            expires_at=at(102),
            drill_id=DRILL,
            plan_sha256=sha256("plan"),
            validation_sha256=validated,
        ),
        **changes,
    )
    record = replace(
        DECIDED,
        mode="approved" if approved else "rejected",
        **{
            name: getattr(said, name)
            for name in ("approved", "approver", "account_id", "ticket", "reason", "decided_at")
        },
    )
    signed = approvals.sign(said, sha256("opening"), (by,))
    return asked.receipt("promote", outcome=Outcome.PASSED, observed=record, reason="").file(
        "decision", {"signed": encode(signed), "refused": []}
    )


AWAITED = Approval(within_ms=HOUR, approvers=(Approver(keyid=APPROVER.keyid, public_key=APPROVER.public_key),))
UNDECIDED = PASSING.asking(approval=AWAITED)
NOTHING_CREATED = PASSING.facts(
    "teardown",
    intended=0,
    created=0,
    before=(),
    removed=(),
    destroyed=0,
    made=(),
    held_before=(),
    residue=(),
    foreign_before=(),
    foreign=(),
)

HISTORY_ALONE = PASSING.facts("read_execution", stored=()).asking(execution=replace(ASKED_FOR, listing=False))
LISTING_ALONE = PASSING.facts("read_execution", run=None).asking(execution=replace(ASKED_FOR, history=False))
assert OWN.run is not None
OURS = PASSING.receipt("read_execution", observed=OWN).asking(execution=OWN_ASKED, approval=BY_PEOPLE)
TURNED_DOWN = OURS.facts(
    "read_execution",
    decisions=tuple(replace(row, approved="no") for row in OWN.decisions),
    run=replace(OWN.run, last_state="PromotionRejected"),
)

SWITCHED_ON = (
    PASSING.receipt("read_verified_drill", observed=DRILLS)
    .facts("read_triggers", triggers=(replace(TRIGGERS.triggers[0], state="enabled"), *TRIGGERS.triggers[1:]))
    .facts("read_execution", triggers=(replace(HANDED_IN.triggers[0], state="ENABLED"), *HANDED_IN.triggers[1:]))
)
"""A trigger that is on, one that is off, and a verified drill."""

OF_THE_REFERENCE = PASSING.facts("read_restore_point", schema_version=None, members=(), canary=None).asking(
    backup=replace(CRITERIA.backup, member_manifests="promised", failure_domain="none")
)
"""A restore point whose metadata promises sizes and digests and nothing else."""
ELSEWHERE = PASSING.facts("read_restore_point", buckets=in_region("us-west-2")).asking(
    backup=replace(CRITERIA.backup, failure_domain="region", protection="versions", checksums="required")
)
LOCKED = PASSING.facts("read_restore_point", buckets=with_lock()).asking(
    backup=replace(CRITERIA.backup, protection="lock")
)
OF_ANOTHER = PASSING.facts("read_restore_point", buckets=owned_by("444455556666")).asking(
    backup=replace(CRITERIA.backup, failure_domain="account", published=None)
)
ENCRYPTED = (
    PASSING.receipt("read_restore_point", observed=ONPREM)
    .facts("check_preflight", restore_point=NEEDED_OF_ONPREM)
    .file("members", {})
    .file("promised_members", {})
    .asking(backup=ONPREM_BACKUP)
)

VARIANTS: dict[str, tuple[Evidence, frozenset[str]]] = {
    "forced, stopped at the gate": (PASSING, frozenset()),
    "stale": (STALE, frozenset({"primary_is_fresh"})),
    "promoted": (PROMOTED, frozenset()),
    "approved by people": (decided(True), frozenset()),
    "rejected by people": (decided(False), frozenset()),
    "people decided nothing": (UNDECIDED, frozenset()),
    "nothing created": (NOTHING_CREATED, frozenset()),
    "a restore point without promises": (OF_THE_REFERENCE, frozenset()),
    "a restore point in another region": (ELSEWHERE, frozenset()),
    "a restore point of another account": (OF_ANOTHER, frozenset()),
    "a restore point under a lock": (LOCKED, frozenset()),
    "an encrypted on-prem backup": (
        ENCRYPTED,
        frozenset(
            {
                # What is restored is never asked: a drill of such a backup is refused.
                "every_manifest_was_restored",
                "control_plane_in_the_cluster_is_the_bundle",
                "control_plane_image_is_pinned",
                "materialised_state_is_what_was_backed_up",
                "restore_read_the_point_that_was_verified",
                "restored_state_is_what_was_backed_up",
                "recovery_is_shown_as_strongly_as_demanded",
                "canary_was_read_in_the_cluster",
            }
        ),
    ),
    "a fleet that was named": (
        PASSING.facts("find_restore_points", under="", recounted=(), strays=()).asking(fleet=NAMED),
        frozenset(),
    ),
    "handed in with a history alone": (HISTORY_ALONE, frozenset()),
    "handed in with a listing alone": (
        LISTING_ALONE,
        frozenset(
            {
                "an_alarm_noticed_the_outage",
                "execution_lies_in_the_past",
                "execution_succeeded",
                "receipt_was_written_during_the_execution",
            }
        ),
    ),
    "triggers that follow a verified drill": (SWITCHED_ON, frozenset()),
    "an execution of our own orchestrator": (OURS, frozenset()),
    "an execution of ours that was refused": (TURNED_DOWN, frozenset({"approval_was_given"})),
}
"""Each evidence with the contracts that it does not prove."""
