"""Bundles written by the specification: receipts and verdicts are drproof's own, everything that binds them is not.

`edits` changes any document before it is written, so that digests, chain and signatures are made over the change: that
is what the holder of a trusted key can do. What anybody else can do is done to the files afterwards.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rfc8785 import dumps

from drproof import catalog
from drproof.evidence.schemas import problem_of_receipt
from drproof.formats.strict_json import parse
from drproof.model.codec import encode
from drproof.model.criteria import ExpectedContract, PlanDocument, Window
from drproof.model.judging import judge, subjects_of
from drproof.model.receipt import EvidenceRef, Outcome, Receipt, Tool
from drproof.model.verdict import Status
from tests.attacks.keys import RUNNER, Key, envelope
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed import DRILL, at, sha256

STATEMENT, KIND = "https://in-toto.io/Statement/v1", "https://drproof.dev/attestation/"
PLAN, OPENING, VERDICTS, CLOSING = "plan.json", "opening.dsse.json", "verdicts.json", "closing.dsse.json"
CLOSED_AT, SIGNED_AT = at(50), at(55)
UNSTORED = PASSING.asking(storing=None)
Files = dict[str, bytes]
Edit = Callable[[Any], Any]


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Drill:
    """Everything that a bundle is made of."""

    plan: str = "health"
    phases: Sequence[str] = ("check_health",)
    evidence: Evidence = UNSTORED
    mode: Any = "live"
    full: bool = True
    drill_id: str = DRILL
    nonce: str = sha256("nonce")
    previous: str | None = None
    inherited: Sequence[str] = ()
    manual_phase: str = ""
    missing: Sequence[str] = ()
    """Phases of the plan that have no receipt."""
    more: Mapping[str, bytes] = field(default_factory=dict)
    keys: Sequence[Key] = (RUNNER,)
    by: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    """Who signs a statement, where it is not `keys`."""
    edits: Mapping[str, Edit] = field(default_factory=dict)
    closed: bool = True
    withheld: Sequence[Mapping[str, str]] = ()

    def document(self) -> PlanDocument:
        """Return the plan, asking each contract that its phases can decide."""
        criteria = self.evidence.criteria
        rows = catalog.plan(self.plan).asked(criteria, self.phases)
        window = Window(full=self.full, start_at="bringup", stop_after="promote", inherited=tuple(self.inherited))
        return PlanDocument(
            drill_id=self.drill_id,
            mode=self.mode,
            plan=self.plan,
            created_at=at(0),
            nonce=self.nonce,
            previous_bundle=self.previous,
            window=window,
            manual_phase=self.manual_phase,
            phases=tuple(self.phases),
            contracts=tuple(
                ExpectedContract(
                    name=row.name,
                    version=row.version,
                    subjects=()
                    if row.subjects.discovered
                    else tuple(one for one in subjects_of(row, criteria, {}) if one),
                    discovers=row.subjects.label if row.subjects.discovered else "",
                )
                for row in rows
            ),
            criteria=criteria,
            max_attempts=3,
            tool=Tool(version="1"),
        )


class Writer:
    """Writes a drill's files one after the other, each over the digests of those before it."""

    def __init__(self, drill: Drill) -> None:
        """Begin with nothing."""
        self.drill, self.plan, self.files = drill, drill.document(), dict[str, bytes]()
        self.typed: dict[str, Receipt[Any]] = {}

    def write(self, path: str, content: Any) -> None:
        """Write a document, changed as the drill wants it."""
        edited = self.drill.edits.get(path, lambda unchanged: unchanged)(deepcopy(content))
        self.files[path] = edited if isinstance(edited, bytes) else dumps(edited)

    def sign(self, path: str, kind: str, subjects: Mapping[str, bytes], predicate: Mapping[str, Any]) -> None:
        """Write a statement in its envelope."""
        content = {
            "_type": STATEMENT,
            "predicateType": KIND + kind,
            "subject": [{"name": name, "digest": {"sha256": digest(data)}} for name, data in sorted(subjects.items())],
            "predicate": {"schema_version": 1, "drill_id": self.plan.drill_id, **predicate},
        }
        edited = self.drill.edits.get(path, lambda unchanged: unchanged)(content)
        payload = edited if isinstance(edited, bytes) else dumps(edited)
        self.files[path] = envelope(payload, self.drill.by.get(path, self.drill.keys))

    def opening(self) -> None:
        """Fix the plan."""
        plan = encode(self.plan)
        self.write(PLAN, plan)
        said = {name: plan[name] for name in ("mode", "plan", "nonce", "previous_bundle")}
        self.sign(
            OPENING,
            "opening/v1",
            {PLAN: self.files[PLAN]},
            {**said, "opened_at": plan["created_at"], "sites": plan["criteria"]["sites"]},
        )

    def receipts(self) -> dict[str, bytes]:
        """Write receipts, checkpoints and evidence; return the receipts' bytes by phase."""
        opening, written = digest(self.files[OPENING]), dict[str, bytes]()
        previous, number = opening, 0
        for phase in self.drill.phases:
            if phase in self.drill.missing:
                continue
            number += 1
            receipt = self.typed[phase] = self.receipt(phase, number=number, previous=previous, opening=opening)
            path = f"receipts/{number:02}-{phase}.json"
            self.write(path, encode(receipt))
            written[phase] = self.files[path]
            previous = digest(self.files[path])
            self.sign(
                f"checkpoints/{number:02}-{phase}.dsse.json",
                "checkpoint/v1",
                {path: self.files[path]},
                {"opening": opening, "sequence": number},
            )
        return written

    def receipt(self, phase: str, *, number: int, previous: str, opening: str) -> Receipt[Any]:
        """Return a receipt of this drill, and write the evidence that it refers to."""
        base = self.drill.evidence.receipts[phase]
        refs = []
        for path, content in self.drill.evidence.files.items():
            if path.startswith(f"evidence/{phase}/"):
                data = self.files[path] = dumps(content)
                name = path.rpartition("/")[2].removesuffix(".json")
                refs.append(EvidenceRef(name=name, path=path, sha256=digest(data), size=len(data)))
        return replace(
            base,
            drill_id=self.plan.drill_id,
            mode=self.plan.mode,
            plan=self.plan.plan,
            sequence=number,
            previous=previous,
            opening=opening,
            evidence=tuple(refs),
            inherited_from=sha256("the window before") if phase in self.drill.inherited else None,
        )

    def verdicts(self, receipts: Mapping[str, bytes]) -> bool:
        """Judge the receipts, as they are unedited, with drproof's contracts; return whether everything is proven."""
        found = [
            verdict
            for contract in catalog.plan(self.plan.plan).asked(self.plan.criteria, self.plan.phases)
            for verdict in judge(
                contract,
                self.typed,
                self.plan.criteria,
                digests={phase: digest(data) for phase, data in receipts.items()},
                read=lambda ref: parse(self.files[ref.path]),
                check=problem_of_receipt,
            )
        ]
        self.write(VERDICTS, {"schema_version": 1, "verdicts": encode(found)})
        return all(verdict.status is Status.PROVEN for verdict in found)

    def close(self, outcome: str, receipts: Mapping[str, bytes]) -> None:
        """Seal everything that is there."""
        last = [*receipts.values()][-1] if receipts else self.files[OPENING]
        self.sign(
            CLOSING,
            "closing/v1",
            dict(self.files),
            {
                "mode": self.plan.mode,
                "plan": self.plan.plan,
                "opening": digest(self.files[OPENING]),
                "outcome": outcome,
                "window": encode(self.plan.window),
                "receipts": len(receipts),
                "chain_head": digest(last),
                "file_count": len(self.files),
                "closed_at": CLOSED_AT,
                "withheld": list(self.drill.withheld),
            },
        )


def build(drill: Drill) -> Files:
    """Return the files of a drill, sealed if it was."""
    writer = Writer(drill)
    writer.opening()
    receipts = writer.receipts()
    writer.files["journal.log"] = b'{"kind":"opened"}\n'
    if not drill.closed:
        return writer.files
    proven = writer.verdicts(receipts)
    writer.files["proof.html"] = b"<!doctype html><title>proof</title>\n"
    writer.files.update(drill.more)
    outcomes = {drill.evidence.receipts[phase].outcome for phase in receipts}
    whole = not drill.missing and not drill.withheld
    if proven and whole and outcomes <= {Outcome.PASSED, Outcome.NOT_RUN}:
        outcome = "proven"
    else:
        refuted = b'"status":"refuted"' in writer.files[VERDICTS] or Outcome.FAILED in outcomes
        outcome = "refuted" if refuted else "incomplete"
    writer.close(outcome, receipts)
    return writer.files


def sign_off(files: Mapping[str, bytes], *keys: Key, **changes: Any) -> bytes:
    """Return a person's decision over a closing."""
    subject: dict[str, Any] = {"name": CLOSING, "digest": {"sha256": digest(files[CLOSING])}}
    return envelope(
        dumps(
            {
                "_type": STATEMENT,
                "predicateType": f"{KIND}sign-off/v1",
                "subject": [subject],
                "predicate": {
                    "schema_version": 1,
                    "drill_id": DRILL,
                    "decision": "approved",
                    "person": "Ada",
                    "ticket": "DR-7",
                    "reason": "the quarterly drill",
                    "signed_at": SIGNED_AT,
                    **changes,
                },
            }
        ),
        keys,
    )


def put(files: Mapping[str, bytes], folder: Path) -> Path:
    """Write files below a folder."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder
