"""The comparison of a failback, made anew from the two copies that lie beside its log."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from drproof.analysis.run_comparison import compare_runs
from drproof.formats.run_files import REQUIRED, SUMMARY, RunFiles
from drproof.model.errors import EvidenceError
from drproof.phases.execution.projection import WORD
from drproof.phases.failback.observed import ComparedAgain, Differing
from drproof.phases.published.reading import Side, load

SIDES = ("recovered", "original")


def compare_again(copied: Mapping[str, Mapping[str, bytes]]) -> ComparedAgain | None:
    """Return what the copies of both sides come to; None where there is none at all.

    A failback is between two runs, so that their ids differ.
    """
    if not copied:
        return None
    try:
        recovered, original = (_loaded(side, copied.get(side, {})) for side in SIDES)
    except EvidenceError as exc:
        # Any other message may repeat what stands in a file.
        return ComparedAgain(problem=str(exc) if exc.code == "copy" else f"one copy: {exc.code}")
    found = compare_runs(recovered, original, allow_run_id_drift=True)
    differing = dict.fromkeys((_word(one.file), one.kind) for one in found.differences)
    return ComparedAgain(
        rules_version=found.rules_version,
        recovered=_word(found.left_run_id),
        original=_word(found.right_run_id),
        compared=len(found.compared),
        count=found.count,
        differing=tuple(Differing(file=file, kind=kind) for file, kind in differing),
    )


def _loaded(side: str, files: Mapping[str, bytes]) -> RunFiles:
    tops = [path.parent for path in map(PurePosixPath, files) if path.name == SUMMARY]
    if len(tops) != 1:
        found = "no summary of a run" if not tops else f"{len(tops)} runs"
        raise EvidenceError("copy", f"the copy of the {side} run has {found}")
    top = tops[0]
    below = {str(path.relative_to(top)): data for path, data in _paths(files) if path.is_relative_to(top)}
    if missing := [name for name in REQUIRED if name not in below]:
        raise EvidenceError("copy", f"the copy of the {side} run has no {', '.join(missing)}")
    return load(Side(f"the copy of the {side} run", below, below.__getitem__))


def _paths(files: Mapping[str, bytes]) -> list[tuple[PurePosixPath, bytes]]:
    return [(PurePosixPath(name), data) for name, data in files.items()]


def _word(value: str) -> str:
    """Return a short name; whatever may be more than that is not taken over."""
    return value if WORD.fullmatch(value) else "(a name that is not taken over)"
