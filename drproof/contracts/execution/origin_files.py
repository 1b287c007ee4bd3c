"""The handed files: each is known and could be read, and they are those of their manifest and of their store."""

from dataclasses import replace

from drproof.contracts.execution.changed import Reading, changed
from drproof.contracts.handed_files import known_and_read, with_problem, with_stranger
from drproof.formats.receipts_v1 import PHASES
from drproof.model.contract import NotApplicableError, contract
from drproof.model.verdict import Finding, compare, undecided
from drproof.phases.execution.observed import ManifestSeen

CONTROLS = ["NIST AU-10", "SOC 2 CC4.1"]


@contract(needs=["read_execution"], topic="origin", controls=CONTROLS)
def every_file_is_known_and_read(read_execution: Reading) -> Finding:
    """Every handed file is of a kind that belongs to an execution, could be read whole, and comes once."""
    return known_and_read(read_execution.facts.files)


@every_file_is_known_and_read.sabotage("a file is no JSON")
def no_json(read_execution: Reading) -> Reading:
    """Damage a file."""
    return changed(read_execution, files=with_problem(read_execution.facts.files, "json-syntax"))


@every_file_is_known_and_read.sabotage("a stranger lies among the files")
def stranger(read_execution: Reading) -> Reading:
    """Add a file."""
    return changed(read_execution, files=with_stranger(read_execution.facts.files, "notes.txt"))


@contract(
    needs=["read_execution"],
    topic="origin",
    applies=lambda criteria: criteria.execution.manifest,
    controls=CONTROLS,
)
def manifest_lists_what_is_there(read_execution: Reading) -> Finding:
    """The manifest lists every file beside it, and nothing else, with its size and SHA-256."""
    seen = read_execution.facts.manifest
    if seen is None:
        return undecided("there is no manifest that could be read")
    observed = {"missing": list(seen.missing), "extra": list(seen.extra), "different": list(seen.different)}
    told = "; ".join(f"{name}: {', '.join(paths)}" for name, paths in observed.items() if paths)
    return compare(
        observed=observed,
        expected={"missing": [], "extra": [], "different": []},
        reason=f"the manifest is not that of the files: {told}",
    )


@manifest_lists_what_is_there.sabotage("a file was changed after the manifest")
def different(read_execution: Reading) -> Reading:
    """Change a file."""
    return changed(read_execution, manifest=replace(_manifest(read_execution), different=("restore.json",)))


@manifest_lists_what_is_there.sabotage("a listed file is gone")
def gone(read_execution: Reading) -> Reading:
    """Remove a file."""
    return changed(read_execution, manifest=replace(_manifest(read_execution), missing=("restore.json",)))


@manifest_lists_what_is_there.sabotage("a file was added after the manifest")
def added_later(read_execution: Reading) -> Reading:
    """Add a file."""
    return changed(read_execution, manifest=replace(_manifest(read_execution), extra=("promote.json",)))


def _manifest(read_execution: Reading) -> ManifestSeen:
    if read_execution.facts.manifest is None:
        msg = "there is no manifest"
        raise NotApplicableError(msg)
    return read_execution.facts.manifest


@contract(
    needs=["read_execution"],
    topic="collection",
    applies=lambda criteria: criteria.execution.listing,
    controls=CONTROLS,
)
def nothing_stored_was_left_out(read_execution: Reading) -> Finding:
    """Every receipt that the store has of the execution is among the handed files."""
    facts = read_execution.facts
    if not facts.stored:
        return undecided("the listing has no object of this execution")
    handed = {row.phase for row in facts.receipts}
    files = {row.file for row in facts.receipts}
    names = [row.key.rpartition("/")[2] for row in facts.stored]
    left_out = sorted(
        name for name in names if name not in files and PHASES.get(name.removesuffix(".json"), name) not in handed
    )
    return compare(observed=left_out, expected=[], reason=f"the collection leaves out {', '.join(left_out)}")


@nothing_stored_was_left_out.sabotage("the store has a decision that was not handed in")
def withheld(read_execution: Reading) -> Reading:
    """Keep a receipt back."""
    first = read_execution.facts.stored[0]
    key = f"{first.key.rpartition('/')[0]}/promotion_rejected.json"
    return changed(read_execution, stored=(*read_execution.facts.stored, replace(first, key=key)))
