"""One run, loaded for a comparison: what is required, and what its summary names; whence, the caller says."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from drproof.formats import published_runs, run_files
from drproof.formats.run_files import Named, RankedFile, RunFiles
from drproof.formats.s3_uri import S3Uri
from drproof.model.capabilities import ObjectStore
from drproof.model.errors import EvidenceError

LARGEST = 256 << 20
"""Bytes of one file; ranked outputs are parsed whole."""


@dataclass(frozen=True, slots=True)
class Side:
    """Where one run lies: its files by their paths below it, and what reads one of them."""

    where: str
    names: Collection[str]
    read: Callable[[str], bytes]


def in_store(objects: ObjectStore, uri: S3Uri) -> Side:
    """Return a run in a bucket.

    Raises:
        TargetError: the site does not answer, or refuses.
    """
    below = f"{uri.key}/"
    names = tuple(info.key.removeprefix(below) for info in objects.list(uri.bucket, below))
    return Side(str(uri), names, lambda name: objects.read(uri.bucket, below + name, limit=LARGEST)[1])


def load(side: Side) -> RunFiles:
    """Return a run with everything that a comparison reads.

    Raises:
        EvidenceError: a required document is not there, or a file is not what its kind says.
        TargetError: the site does not answer, or refuses.
    """
    if missing := [name for name in run_files.REQUIRED if name not in side.names]:
        raise EvidenceError("run-files", f"{side.where} has no {', '.join(missing)}")
    try:
        documents = {name: run_files.parse_document(name, side.read(name)) for name in run_files.REQUIRED}
        named = run_files.ranked_outputs(documents[run_files.SUMMARY])
        ranked = {one.key: _ranked(side, one) for one in named}
    except EvidenceError as exc:
        raise EvidenceError(exc.code, f"{side.where}: {exc}") from exc
    read = {*run_files.REQUIRED, *(one.name for one in ranked.values())}
    return RunFiles(
        where=side.where,
        documents=documents,
        ranked=ranked,
        others=tuple(sorted(name for name in side.names if name not in read)),
    )


def _ranked(side: Side, named: Named) -> RankedFile:
    name = published_runs.found_among(named.path, side.names)
    if name is None:
        return RankedFile(named=named)
    return run_files.parse_ranked(named, name, side.read(name))
