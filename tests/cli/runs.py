"""Runs as they are written to disk and published, for the commands that check and compare them."""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

from drproof.formats.run_files import SUMMARY
from tests.contracts.reasoning_of_runs import CONTENTS, DOCUMENTS, RUN

FILES = {
    "ranked_json": "openai_ranked_jobs.cs.json",
    "ranked_csv": "openai_ranked_jobs.cs.csv",
    "ranked_families_json": "openai_ranked_families.cs.json",
    "shortlist_md": "openai_shortlist.cs.md",
}


def bodies(contents: dict[str, Any] | None = None) -> dict[str, bytes]:
    """Return the ranked outputs by kind, as bytes."""
    return {
        kind: content.encode() if isinstance(content, str) else json.dumps(content).encode()
        for kind, content in (contents or CONTENTS).items()
    }


def run_of(documents: dict[str, Any] | None = None, contents: dict[str, Any] | None = None) -> dict[str, bytes]:
    """Return every file of a run by its path below it."""
    ranked = bodies(contents)
    whole = copy.deepcopy({**DOCUMENTS, **(documents or {})})
    whole[SUMMARY]["ranked_outputs"] = {
        kind: [
            {
                "provider": "openai",
                "profile": "cs",
                "path": f"/elsewhere/state/{FILES[kind]}",
                "sha256": hashlib.sha256(body).hexdigest(),
                "bytes": len(body),
            }
        ]
        for kind, body in ranked.items()
    }
    files = {name: json.dumps(document).encode() for name, document in whole.items()}
    return files | {f"openai/cs/{FILES[kind]}": body for kind, body in ranked.items()}


def report_of(run_id: str = RUN, contents: dict[str, Any] | None = None) -> bytes:
    """Return the report that promises the ranked outputs."""
    artifacts = {
        f"openai:cs:{kind}": {
            "path": f"openai/cs/{FILES[kind]}",
            "sha256": hashlib.sha256(body).hexdigest(),
            "bytes": len(body),
        }
        for kind, body in bodies(contents).items()
    }
    return json.dumps({"run_id": run_id, "verifiable_artifacts": artifacts}).encode()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files below a folder, and return it."""
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder
