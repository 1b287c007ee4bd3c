"""What is published: files of one folder, or the workload's own files from where they lie in its repository."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drproof.engine.refusal import refuse
from drproof.formats import archive
from drproof.formats.control_plane import REGISTRY
from drproof.formats.strict_json import parse as parse_json

CANDIDATES = "candidates"
REGISTRY_FILE = "state/candidates/registry.json"
PROFILE = "candidate_profile.json"
LOCAL, LOCAL_PROFILE = "local", "data/candidate_profile.json"
"""The one candidate whose profile may lie elsewhere."""

OTHERS = {
    "providers/providers.json": "config/providers.json",
    "scoring/scoring.v1.json": "config/scoring.v1.json",
    "alerts/alerts.json": "config/alerts.json",
}
"""Where the reference keeps its other sections."""

CANDIDATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Files to publish, by path in the bundle, and where each was read."""

    root: Path
    files: dict[str, bytes]
    read: tuple[Path, ...]


def of_folder(folder: Path) -> Source:
    """Return every file of a folder that is laid out by sections.

    Raises:
        Refusal: it is no folder, or holds what is no regular file.
    """
    root = folder.resolve()
    if not root.is_dir():
        raise refuse(f"--source-dir {folder} is no folder", next_step="name a folder with one folder a section in it")
    paths = list(_walked(root))
    return Source(
        root=root,
        files={path.relative_to(root).as_posix(): _read(root, path) for path in paths},
        read=tuple(paths),
    )


def of_workload(root: Path) -> Source:
    """Return the files of the reference's layout, each candidate's profile where the registry says.

    Raises:
        Refusal: a file is missing, the registry is malformed, or a profile lies outside.
    """
    root = root.resolve()
    places = {f"{CANDIDATES}/{REGISTRY}": REGISTRY_FILE, **OTHERS}
    files = {path: _read(root, root / place) for path, place in places.items()}
    read = [root / place for place in places.values()]
    for candidate, place in _profiles(files[f"{CANDIDATES}/{REGISTRY}"]):
        path = root / place
        if candidate == LOCAL and not path.is_file():
            path = root / LOCAL_PROFILE
        files[f"{CANDIDATES}/{candidate}/{PROFILE}"] = _read(root, path)
        read.append(path)
    return Source(root=root, files=files, read=tuple(read))


def _profiles(registry: bytes) -> Iterator[tuple[str, str]]:
    document: Any = parse_json(registry, fractions=True)
    rows = document.get("candidates") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows:
        raise _of_the_registry("candidates is no list with an entry in it")
    seen: set[str] = set()
    for row in rows:
        candidate, place = (row.get("candidate_id"), row.get("profile_path")) if isinstance(row, dict) else (None, None)
        if not isinstance(candidate, str) or not CANDIDATE.fullmatch(candidate) or candidate in seen:
            raise _of_the_registry(f"candidate_id is {candidate!r}: missing, twice, or no name of a folder")
        if not isinstance(place, str) or not place or Path(place).is_absolute():
            raise _of_the_registry(f"profile_path of {candidate} is {place!r}")
        seen.add(candidate)
        yield candidate, place


def _of_the_registry(said: str) -> ValueError:
    return refuse(
        f"{REGISTRY_FILE}: {said}",
        expected="objects with candidate_id and profile_path, a path inside this folder",
        next_step=f"mend {REGISTRY_FILE}, or name a folder with --source-dir",
    )


def _walked(root: Path) -> Iterator[Path]:
    for path in sorted(root.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _walked(path)
        else:
            yield path


def _read(root: Path, path: Path) -> bytes:
    """Return a regular file of the folder; what leads out of it, or is no file, is refused."""
    if path.resolve() != path or not path.is_relative_to(root) or not path.is_file():
        raise refuse(
            f"{path} is no regular file of {root}",
            expected="a file that is there, and no link to another",
            next_step="put the file there, or name a folder with --source-dir",
        )
    if path.stat().st_size > archive.SMALL.member_bytes:
        raise refuse(f"{path} has {path.stat().st_size} bytes", expected=f"at most {archive.SMALL.member_bytes}")
    return path.read_bytes()
