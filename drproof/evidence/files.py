"""The files of a folder that may come from anybody: what lies there, and its bytes, without following any link."""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from drproof.model.errors import EvidenceError

LARGEST_FILE = 256 * 2**20
"""As much as the strict reader of JSON takes: the listing of an archive of a million and a half members."""
LARGEST_DOCUMENT = 16 * 2**20
MOST_FILES = 200_000
LONGEST_PART = 200
CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Problem:
    """One way in which a bundle is not what it must be; `code` is stable (`docs/bundle-format.md`, section 6)."""

    code: str
    path: str
    message: str


@dataclass(slots=True)
class Folder:
    """A folder as it lies on the disk: the regular files below it, and what is none."""

    directory: Path
    paths: dict[str, None] = field(default_factory=dict)
    """Of the regular files, in order."""
    problems: list[Problem] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    """Of the files that were read so far."""
    sizes: dict[str, int] = field(default_factory=dict)
    """As above."""

    @classmethod
    def walk(cls, directory: Path) -> "Folder":
        """Return what lies below a folder.

        Raises:
            EvidenceError: `unreadable`, when there is no such folder; `too-large`, when it holds too much.
        """
        folder = cls(directory)
        inside = [""]
        try:
            while inside:
                inside += folder._enter(inside.pop())
        except OSError as exc:
            raise EvidenceError("unreadable", f"{directory} cannot be read: {exc.strerror}") from exc
        return folder

    def _enter(self, prefix: str) -> list[str]:
        """Look at one folder, and return those in it: nested ever so deep, they are no deeper a call."""
        inside, seen = [], dict[str, str]()
        with os.scandir(self.directory / prefix) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = prefix + entry.name
                other = seen.setdefault(_folded(entry.name), path)
                if problem := _bad_name(entry.name):
                    shown = path.encode("utf-8", "backslashreplace").decode()
                    self.problems.append(Problem("name", shown, f"{shown!r} is no name of a file: {problem}"))
                elif other != path:
                    self.problems.append(Problem("name-collision", path, f"{path} and {other} are one name elsewhere"))
                elif entry.is_symlink():
                    self.problems.append(Problem("link", path, f"{path} is a link, not a file"))
                elif entry.is_dir(follow_symlinks=False):
                    inside.append(f"{path}/")
                elif entry.is_file(follow_symlinks=False):
                    self._add(path)
                else:
                    self.problems.append(Problem("special-file", path, f"{path} is neither a file nor a folder"))
        return inside

    def _add(self, path: str) -> None:
        self.paths[path] = None
        if len(self.paths) > MOST_FILES:
            raise EvidenceError("too-large", f"{self.directory} holds more than {MOST_FILES} files")

    def read(self, path: str) -> bytes:
        """Return the bytes of a document, and remember their digest.

        Raises:
            EvidenceError: `file-missing`, `unreadable` or `too-large`.
        """
        if path not in self.paths:
            raise EvidenceError("file-missing", f"{path} is not there")
        data = b"".join(self._chunks(path, LARGEST_DOCUMENT))
        self.digests[path] = hashlib.sha256(data).hexdigest()
        return data

    def digest(self, path: str) -> str:
        """Return the SHA-256 of a file, which is read once."""
        if path not in self.digests:
            found = hashlib.sha256()
            for chunk in self._chunks(path, LARGEST_FILE):
                found.update(chunk)
            self.digests[path] = found.hexdigest()
        return self.digests[path]

    def below(self, prefix: str) -> list[str]:
        """Return the files below a folder."""
        return [path for path in self.paths if path.startswith(prefix)]

    def _chunks(self, path: str, largest: int) -> Iterator[bytes]:
        try:
            descriptor = os.open(f"{self.directory}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                now = os.fstat(descriptor)
                if not stat.S_ISREG(now.st_mode):
                    raise EvidenceError("special-file", f"{path} is no file any more")
                if now.st_size > largest:
                    raise EvidenceError("too-large", f"{path} has {now.st_size} bytes, more than {largest}")
                self.sizes[path] = now.st_size
                # One byte more than there should be: a short answer is the end, and a file that grew is no surprise.
                want, total = min(now.st_size + 1, CHUNK), 0
                while chunk := os.read(descriptor, want):
                    total += len(chunk)
                    if total > largest:
                        raise EvidenceError("too-large", f"{path} grows beyond {largest} bytes")
                    yield chunk
                    if len(chunk) < want:
                        break
            finally:
                os.close(descriptor)
        except OSError as exc:
            raise EvidenceError("unreadable", f"{path} cannot be read: {exc.strerror}") from exc


def _bad_name(name: str) -> str:
    """Return why a name must not be one of a bundle, or ""."""
    if name.isascii() and name.isprintable() and "\\" not in name and len(name) <= LONGEST_PART:
        return ""
    try:
        data = name.encode("utf-8")
    except UnicodeEncodeError:
        return "not UTF-8"
    if len(data) > LONGEST_PART:
        return f"longer than {LONGEST_PART} bytes"
    if "\\" in name or any(unicodedata.category(char) == "Cc" for char in name):
        return "it holds a backslash or a control character"
    return "" if unicodedata.is_normalized("NFC", name) else "not in Unicode NFC"


def _folded(name: str) -> str:
    """Return a name as systems see it that keep no case."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()
