"""The JSON Schemas of everything that is written to disk, made from the types."""

import json
from importlib.resources import files
from typing import Any

from drproof import catalog
from drproof.evidence.schemas import BASE, receipt_schema
from drproof.model.codec import schema_of
from drproof.model.criteria import PlanDocument
from drproof.model.verdict import Verdict


def documents() -> dict[str, bytes]:
    """Return every schema as the bytes of a file, by its name."""
    found: dict[str, dict[str, Any]] = {
        "plan.v1.json": schema_of(PlanDocument, uri=f"{BASE}/plan.v1.json", title="The plan of a drill"),
        "verdict.v1.json": schema_of(Verdict, uri=f"{BASE}/verdict.v1.json", title="The verdict of a contract"),
    }
    for phase in catalog.phases():
        found[f"receipt.{phase.name}.v1.json"] = receipt_schema(phase.name, phase.observes)
    return {
        name: (json.dumps(schema, indent=2, sort_keys=True) + "\n").encode() for name, schema in sorted(found.items())
    }


def differences() -> list[str]:
    """Return how the published schemas differ from those of the types."""
    published = {
        entry.name: entry.read_bytes() for entry in files("drproof.schemas").iterdir() if entry.name.endswith(".json")
    }
    wanted = documents()
    return [
        *(f"{name} is not published" for name in sorted(wanted.keys() - published.keys())),
        *(f"{name} is published and no type writes it" for name in sorted(published.keys() - wanted.keys())),
        *(
            f"{name} differs from its type"
            for name in sorted(wanted)
            if name in published and published[name] != wanted[name]
        ),
    ]
