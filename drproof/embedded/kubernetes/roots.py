"""The root of a container: a folder in which its mounts are links, and the words that name what lies there."""

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drproof.embedded.kubernetes.environments import ConfigurationError, expanded
from drproof.embedded.kubernetes.registry import Program
from drproof.embedded.kubernetes.resources import Object
from drproof.embedded.kubernetes.volumes import below

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PYTHON = frozenset({"python", "python3"})


class NoCommandError(Exception):
    """Neither the image nor the manifest says what to run (CreateContainerError)."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is needed to start a container."""

    argv: tuple[str, ...]
    folder: Path
    environment: dict[str, str]


def prepare(  # noqa: PLR0913 — what a container is made of
    root: Path,
    container: Object,
    program: Program | None,
    volumes: Mapping[str, Path],
    variables: Mapping[str, str],
    node_environment: Mapping[str, str],
    host: str,
) -> Prepared:
    """Make a container's root folder and return what to run in it.

    Raises:
        NoCommandError: there is nothing to run.
        ConfigurationError: a mount cannot be made.
    """
    program = program or Program()
    mounted = _furnish(root, container, program, volumes)
    own = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": str(root), "TMPDIR": str(root / "tmp"), "HOSTNAME": host}
    known = {**program.environment, **variables}
    plain = {each["name"] for each in container.get("env") or [] if "valueFrom" not in each}
    # A plain value that is a path below a mount is as much a word of the manifest as an argument is.
    known = {name: _inside(value, root, mounted) if name in plain else value for name, value in known.items()}
    environment = own | dict(node_environment) | known | {"CONTAINER_ROOT": str(root)}
    words = _words(container, program, variables)
    argv = [_inside(word, root, mounted) for word in words]
    if argv[0] in _PYTHON:
        argv[0] = sys.executable
    wanted = container.get("workingDir") or program.working_directory
    folder = below(root, wanted) if wanted else root
    folder.mkdir(parents=True, exist_ok=True)
    return Prepared(tuple(argv), folder, environment)


def cannot_start(word: str, error: OSError) -> str:
    """Return runc's text for a first word that cannot be run."""
    if not isinstance(error, FileNotFoundError):
        why = (error.strerror or str(error)).lower()
    elif "/" in word:
        why = f"stat {word}: no such file or directory"
    else:
        why = "executable file not found in $PATH"
    return (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
        f'unable to start container process: exec: "{word}": {why}: unknown'
    )


def _words(container: Object, program: Program, variables: Mapping[str, str]) -> list[str]:
    """Return command and arguments: `command` replaces ENTRYPOINT and CMD, `args` replaces CMD."""
    command, arguments = container.get("command"), container.get("args")
    entrypoint: Sequence[str] = [expanded(word, variables) for word in command] if command else program.entrypoint
    default: Sequence[str] = () if command else program.arguments
    words = [*entrypoint, *([expanded(word, variables) for word in arguments] if arguments else default)]
    if not words:
        msg = "no command specified"
        raise NoCommandError(msg)
    return words


def _furnish(root: Path, container: Object, program: Program, volumes: Mapping[str, Path]) -> list[str]:
    """Fill a root with the image's files and the mounts; return the paths that lie in it."""
    for own in ("tmp", "dev"):
        (root / own).mkdir(parents=True, exist_ok=True)
    for path, text in program.files.items():
        place = below(root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(0o755)
    mounts = container.get("volumeMounts") or []
    # Outer mounts first: an inner one lies in the outer one's volume, as on a real node.
    for mount in sorted(mounts, key=lambda each: str(each["mountPath"]).count("/")):
        _link(root, below(root, mount["mountPath"]), _source(mount, volumes))
    known = [*program.files, *(mount["mountPath"] for mount in mounts), program.working_directory]
    return [path.rstrip("/") for path in known if path.rstrip("/")]


def _source(mount: Object, volumes: Mapping[str, Path]) -> Path:
    volume = volumes[mount["name"]]
    part = mount.get("subPath") or ""
    if not part:
        return volume
    if ".." in part.split("/") or part.startswith("/"):
        msg = f'failed to prepare subPath for volumeMount "{mount["name"]}"'
        raise ConfigurationError(msg)
    source = volume / part
    if not source.exists():
        source.mkdir(parents=True)
    return source


def _link(root: Path, place: Path, source: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir() and place.parent.resolve().is_relative_to(root.resolve()):
        shutil.rmtree(place)
    elif place.is_dir():
        # It lies in another volume, whose content is not ours to remove: only an empty folder makes way.
        place.rmdir()
    place.symlink_to(source)


def _inside(word: str, root: Path, paths: Iterable[str]) -> str:
    """Return a word that begins with a path of the container as the path that it has on this host."""
    if any(word == path or word.startswith(f"{path}/") for path in paths):
        return str(root) + word
    return word
