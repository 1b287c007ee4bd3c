"""The JSON Schemas of everything that is written to disk, made from the types."""

import json
import re
from importlib.resources import files
from typing import Any

from drproof import catalog
from drproof.analysis.leases import Holder
from drproof.engine.leaf import Leaf
from drproof.engine.leaves import LEAVES
from drproof.engine.private import Handover
from drproof.engine.sweep_documents import SweepRecord
from drproof.engine.world import Call
from drproof.evidence.documents import RECORDS, ManualOutput, StoredReceipts, Verdicts
from drproof.evidence.envelope import Written
from drproof.evidence.own_tests import OwnTests
from drproof.evidence.redaction import REDACTIONS, Redacted
from drproof.evidence.schemas import BASE, receipt_schema
from drproof.evidence.statements import Checkpoint, Closing, Corroboration, Opening, Progress, SignOff
from drproof.evidence.trust import Trust
from drproof.evidence.withheld import FOLDER, WithheldFile
from drproof.model.codec import schema_of
from drproof.model.criteria import PlanDocument
from drproof.report import derived_documents as derived
from drproof.report.test_result import TestResult

PLAIN: dict[str, tuple[Any, str]] = {
    "plan": (PlanDocument, "The plan of a drill, fixed before the first effect"),
    "envelope": (Written, "An envelope: a payload with its signatures"),
    "statement.opening": (Opening, "The predicate of an opening"),
    "statement.checkpoint": (Checkpoint, "The predicate of a checkpoint"),
    "statement.progress": (Progress, "The predicate of what says in a receipt store how far a drill is"),
    "statement.closing": (Closing, "The predicate of a closing"),
    "statement.sign-off": (SignOff, "The predicate of a sign-off"),
    "statement.corroboration": (Corroboration, "The predicate of what an auditor heard from the platform"),
    "test-result": (TestResult, "A drill as an in-toto test result"),
    "redactions": (tuple[Redacted, ...], "What is left of texts that were redacted, with digests of their originals"),
    "trust": (Trust, "A trust file: whose signatures count"),
    "verdicts": (Verdicts, "The verdicts of a drill"),
    "manual-output": (ManualOutput, "The end of what a command printed that was run by hand"),
    "own-tests": (OwnTests, "What the operator's own tests found while a plan ran"),
    "receipts-store": (StoredReceipts, "Where the receipts of a drill lie besides"),
    "withheld": (WithheldFile, "What lies in the stead of a file that seemed to hold a secret"),
    "sweep": (SweepRecord, "What a sweep found, what it removed, and why it left the rest"),
    "lease": (Holder, "Who holds a target"),
    "handover": (Handover, "What another process needs to go on with a run"),
    "evidence.world.calls": (tuple[Call, ...], "The calls that the embedded world answered"),
    "evidence.world.inventory": (
        dict[str, tuple[dict[str, Any], ...]],
        "What existed in the embedded world at the end",
    ),
    "derived.phase": (derived.PhaseDocument, "One phase, as the reference drill writes it"),
    "derived.drill.summary": (derived.SummaryDocument, "A drill, as the reference drill writes it"),
    "derived.drill.context": (derived.ContextDocument, "What a drill was asked to do"),
    "derived.drill.phase_timestamps": (derived.PhaseTimesDocument, "When each phase ran"),
    "derived.drill.cost.inputs": (derived.CostInputsDocument, "What a drill was expected to take"),
    "derived.drill.cost.actual": (derived.CostActualDocument, "What a drill took"),
    "derived.promote.decision": (derived.DecisionDocument, "A recorded decision"),
    "derived.dr_restore.control_plane.summary": (derived.ControlPlaneDocument, "The control plane of a restore point"),
    "derived.control-plane.apply.apply.summary": (derived.AppliedDocument, "The control plane in the recovery cluster"),
    "derived.dr_validate.job_submission": (derived.JobDocument, "The validation Job of a drill"),
}


def documents() -> dict[str, bytes]:
    """Return every schema as the bytes of a file, by its name."""
    found = {name: schema_of(kind, uri=_uri(name), title=title) for name, (kind, title) in PLAIN.items()}
    for kind, record in RECORDS.items():
        found[f"journal.{kind}"] = schema_of(record, uri=_uri(f"journal.{kind}"), title=f"A journal's record: {kind}")
    for phase in catalog.phases():
        found[f"receipt.{phase.name}"] = receipt_schema(phase.name, phase.observes)
        for name, content in phase.keeps.items():
            title = f"Evidence of {phase.name}: {name}"
            found[f"evidence.{phase.name}.{name}"] = schema_of(
                content, uri=_uri(f"evidence.{phase.name}.{name}"), title=title
            )
    found["settings"] = settings_schema()
    return {
        f"{name}.v1.json": (json.dumps(schema, indent=2, sort_keys=True) + "\n").encode()
        for name, schema in sorted(found.items())
    }


def schema_for(path: str) -> str:
    """Return the name of the schema of a bundle's file, such as `receipts/03-bringup.json`; "" for what is no JSON."""
    if not path.endswith(".json"):
        return ""
    if path.endswith(".dsse.json"):
        return "envelope.v1.json"
    if match := re.fullmatch(r"receipts/\d+-(.+)\.json", path):
        return f"receipt.{match[1]}.v1.json"
    if path.startswith(f"{FOLDER}/"):
        return "withheld.v1.json"
    if path.startswith("evidence/") and path.endswith(f".{REDACTIONS}.json"):
        return "redactions.v1.json"
    if path.startswith("evidence/") and path.endswith(".manual.json"):
        return "manual-output.v1.json"
    if match := re.fullmatch(r"evidence/(.+)\.\d{4,}\.json", path):
        return f"evidence.{match[1]}.v1.json"
    if path.startswith("derived/phases/"):
        return "derived.phase.v1.json"
    return f"{path.removesuffix('.json').replace('/', '.')}.v1.json"


def differences() -> list[str]:
    """Return how the published schemas differ from those of the types."""
    published = {
        entry.name: entry.read_bytes() for entry in files("drproof.schemas").iterdir() if entry.name.endswith(".json")
    }
    wanted = documents()
    both = wanted.keys() & published.keys()
    return [
        *(f"{name} is not published" for name in sorted(wanted.keys() - published.keys())),
        *(f"{name} is published and no type writes it" for name in sorted(published.keys() - wanted.keys())),
        *(f"{name} differs from its type" for name in sorted(both) if published[name] != wanted[name]),
    ]


def settings_schema() -> dict[str, Any]:
    """Return the schema of `drproof.toml`, made from the table of settings."""
    root: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": _uri("settings"),
        "title": "drproof.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {},
    }
    for leaf in LEAVES:
        node = root
        *folders, name = leaf.path.split(".")
        for folder in folders:
            empty: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}
            node = node["properties"].setdefault(folder, empty)
        node["properties"][name] = _leaf(leaf)
    return root


def _leaf(leaf: Leaf) -> dict[str, Any]:
    text = {"type": "string"}
    shapes: dict[str, dict[str, Any]] = {
        "text": text,
        "account": {"type": "string", "pattern": "^([0-9]{12})?$"},
        "duration": {"type": "string", "pattern": "^([0-9]{1,9}(ms|[dhms]))+$|^[0-9]+$"},
        "count": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+$"}]},
        "flag": {"anyOf": [{"type": "boolean"}, text]},
        "names": {"type": "array", "items": {"type": "string", "minLength": 1}},
        "words": {"type": "array", "items": text},
        "table": {"type": "object", "additionalProperties": text},
        "commands": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "run"],
                "properties": {"name": {"type": "string", "minLength": 1}, "run": {"type": "string", "minLength": 1}},
            },
        },
    }
    return {**shapes[leaf.kind], "description": leaf.says, **({"enum": list(leaf.choices)} if leaf.choices else {})}


def _uri(name: str) -> str:
    return f"{BASE}/{name}.v1.json"
