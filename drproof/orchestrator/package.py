"""The package of the Lambda functions: drproof, what it needs there, pinned, and the settings; nothing else.

What a package holds is decided by the environment that builds it: the versions that are installed here are the versions
that are deployed, and a package that is built twice has the same bytes.
"""

import json
import platform
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from drproof.model.errors import DrproofError

LARGEST = 262_144_000
"""Bytes of an unzipped package, layers included: the platform's limit."""
ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}
LEFT_OUT = frozenset({"kubernetes", "packaging", "pytest", "python-hcl2", "rich", "typer"})
"""What drproof needs elsewhere: a function has no terminal, builds and reads no sources, is no run of pytest, and has
its cluster asked on the recovery machine."""
ROOMS_LEFT_OUT = frozenset({"checks", "cli", "embedded", "plugin"})
SETTINGS = "drproof.toml"
CONTENTS = "drproof-package.json"
"""Says inside the package what it was built from."""
OLDEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file: the first that a zip can hold, so that the same content has the same bytes."""


class PackageError(DrproofError):
    """A package cannot be built here, or would not run there; the message has the next command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that was written."""

    path: Path
    sha256: str
    size: int
    """Bytes of the zip."""
    unzipped: int
    python: str
    """The release of Python that it is for, such as 3.13."""
    architecture: str
    pins: Mapping[str, str]
    """Each distribution in it, and its version."""

    @property
    def runtime(self) -> str:
        """The runtime by the platform's name."""
        return f"python{self.python}"


def pins(architecture: str) -> dict[str, str]:
    """Return what drproof needs in a function, and the versions that are installed here.

    Raises:
        PackageError: something that it needs is not installed.
    """
    found: dict[str, str] = {}
    environment = {name: str(value) for name, value in default_environment().items()}
    environment |= {"platform_machine": ARCHITECTURES[architecture], "extra": ""}
    waiting = list(distribution("drproof").requires or ())
    while waiting:
        asked = Requirement(waiting.pop())
        name = canonicalize_name(asked.name)
        if name in LEFT_OUT or name in found or (asked.marker and not asked.marker.evaluate(environment)):
            continue
        try:
            there = distribution(name)
        except PackageNotFoundError as exc:
            msg = f"{name} is not installed here, and the functions need it\n  next: pip install drproof"
            raise PackageError(msg) from exc
        found[name] = there.version
        waiting += there.requires or ()
    return dict(sorted(found.items()))


def build(path: Path, settings: Path, *, architecture: str, installed: bool = False) -> Package:
    """Write the package to `path`, and return what it is.

    With `installed` the files of this very environment are taken, which runs where platform and architecture are the
    same; without it the same versions are fetched for the platform that functions run on.

    Raises:
        PackageError: something cannot be had, or the package would be larger than a function may be.
    """
    pinned = pins(architecture)
    if installed and platform.machine() != ARCHITECTURES[architecture]:
        mine = next((name for name, machine in ARCHITECTURES.items() if machine == platform.machine()), "")
        msg = (
            f"this machine is {platform.machine()}, and its files do not run on {architecture}\n"
            f"  next: the same command {f'with --architecture {mine}, or ' if mine else ''}without --installed"
        )
        raise PackageError(msg)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    with tempfile.TemporaryDirectory(prefix="drproof-package-") as folder:
        if not installed:
            _fetch(pinned, Path(folder), architecture, python)
        theirs = _installed(pinned) if installed else _below(Path(folder))
        files = dict((*theirs, *_ours(), *told(settings)))
    files[CONTENTS] = _contents(pinned, python, architecture)
    if strays := sorted({name.split("/")[0] for name in files} & LEFT_OUT):
        msg = f"the package would hold {', '.join(strays)}, which functions do without"
        raise PackageError(msg)
    unzipped = sum(map(len, files.values()))
    if unzipped >= LARGEST:
        largest = ", ".join(f"{name} {size:,}" for name, size in _largest(files))
        msg = f"the package has {unzipped:,} bytes unzipped; a function may have {LARGEST:,}; the largest: {largest}"
        raise PackageError(msg)
    _write(path, files)
    data = path.read_bytes()
    return Package(
        path=path,
        sha256=sha256(data).hexdigest(),
        size=len(data),
        unzipped=unzipped,
        python=python,
        architecture=architecture,
        pins={"drproof": distribution("drproof").version, **pinned},
    )


def _contents(pinned: Mapping[str, str], python: str, architecture: str) -> bytes:
    found = {
        "architecture": architecture,
        "distributions": {"drproof": distribution("drproof").version, **pinned},
        "python": python,
    }
    return json.dumps(found, indent=2, sort_keys=True).encode() + b"\n"


def _fetch(pinned: Mapping[str, str], folder: Path, architecture: str, python: str) -> None:
    """Have pip lay the pinned versions down as the platform of functions needs them."""
    machine = ARCHITECTURES[architecture]
    # Each manylinux tag names the C library that it needs; functions have 2.34, and pip takes only what is named.
    kinds = [f"manylinux_2_{minor}_{machine}" for minor in range(34, 16, -1)] + [f"manylinux2014_{machine}"]
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--only-binary=:all:"]
    words += ["--target", str(folder), "--implementation", "cp", "--python-version", python]
    for kind in kinds:
        words += ["--platform", kind]
    words += [f"{name}=={version}" for name, version in pinned.items()]
    done = subprocess.run(  # noqa: S603 — pip, asked for names that this environment has itself
        words, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        msg = (
            f"pip could not fetch what a function needs for {architecture}: {' '.join(last)}\n"
            "  next: drproof package again where the registry is reached, or with --installed on a machine of that kind"
        )
        raise PackageError(msg)


def _installed(pinned: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for name in pinned:
        there = distribution(name)
        for file in there.files or ():
            if _wanted(file) and ".." not in file.parts:
                yield file.as_posix(), Path(str(there.locate_file(file))).read_bytes()


def _below(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_file() and _wanted(inside) and inside.parts[0] != "bin":
            yield inside.as_posix(), path.read_bytes()


def _ours() -> Iterator[tuple[str, bytes]]:
    """Return drproof's own files: the rooms below the drivers, the schemas, and what names the distribution."""
    for package in ("drproof", "drproof.schemas", "drproof.deploy"):
        (root,) = import_module(package).__path__
        for path in Path(root).rglob("*"):
            inside = path.relative_to(root)
            # What the embedded world is called is data that a rehearsal reads; its code stays at home.
            left_out = inside.parts[0] in ROOMS_LEFT_OUT and inside.suffix != ".toml"
            if path.is_file() and _wanted(inside) and not left_out:
                yield f"{package.replace('.', '/')}/{inside.as_posix()}", path.read_bytes()
    ours: Distribution = distribution("drproof")
    for name in ("METADATA", "entry_points.txt"):
        # An editable installation calls it otherwise.
        text = ours.read_text(name) or ours.read_text("PKG-INFO") or ""
        yield f"drproof-{ours.version}.dist-info/{name}", text.encode()


def told(settings: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the settings and the files that they name, as a package holds them.

    Without the trust file nobody could ever decide, and without the baseline nothing of it would be restored.

    Raises:
        PackageError: one of them would not be found there.
    """
    data = settings.read_bytes()
    yield SETTINGS, data
    document = tomllib.loads(data.decode())
    if named := document.get("signing", {}).get("trust", ""):
        path = _below_the_settings(settings, "signing.trust", named)
        if not path.is_file():
            raise _lost(settings, "signing.trust", named, "file")
        yield PurePosixPath(named).as_posix(), path.read_bytes()
    if named := document.get("cluster", {}).get("baseline", ""):
        folder = _below_the_settings(settings, "cluster.baseline", named)
        if not folder.is_dir():
            raise _lost(settings, "cluster.baseline", named, "folder")
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            yield path.relative_to(settings.parent).as_posix(), path.read_bytes()


def _below_the_settings(settings: Path, name: str, named: str) -> Path:
    inside = PurePosixPath(named)
    if inside.is_absolute() or ".." in inside.parts:
        raise _lost(settings, name, named, "file" if name == "signing.trust" else "folder")
    return settings.parent / inside


def _lost(settings: Path, name: str, named: str, kind: str) -> PackageError:
    return PackageError(
        f"{name} of {settings} is {named}; expected a {kind} below the folder of the settings\n"
        f"  next: lay the {kind} beside the settings, and name it without a folder above"
    )


def _wanted(path: PurePosixPath | Path) -> bool:
    return "__pycache__" not in path.parts and path.suffix != ".pyc"


def _largest(files: Mapping[str, bytes], count: int = 5) -> list[tuple[str, int]]:
    sizes: dict[str, int] = {}
    for name, data in files.items():
        top = name.split("/")[0]
        sizes[top] = sizes.get(top, 0) + len(data)
    return sorted(sizes.items(), key=lambda item: -item[1])[:count]


def _write(path: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, OLDEST)
            # A library is loaded, and that wants no more than to be read.
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name])
