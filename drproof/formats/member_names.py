"""Which members of an archive may be written somewhere: safe paths, known kinds, and no path twice."""

import re
import unicodedata

DEEPEST = 64
LONGEST_NAME = 255
"""Bytes; no file system holds longer names."""
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\\\\\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Controls, the other separator, and characters that turn the direction of a text around."""
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(\..*)?|.*[ .]|.*[<>:\"|?*].*", re.IGNORECASE)
"""Names that are something else, or cannot be, on one of the usual systems."""
UNICODE = unicodedata.ucd_3_2_0
"""The one table of characters that every Python has: what later ones add stands for itself."""


def problem_of_name(path: str, kind: str, seen: set[str], *, portable: bool = False) -> str:
    """Return why a member must not be materialised, or ""; `seen` collects what names the paths so far.

    `portable` also refuses what only some systems can hold: reserved names, and paths that differ by case or by the
    composition of their characters alone.
    """
    # What the rest finds of nearly every member, in less time.
    if kind == "file" and not portable and _is_ordinary(path) and path not in seen and path + "/" not in seen:
        seen.add(path)
        return ""
    path = path.rstrip("/") if kind == "directory" else path
    parts = path.removeprefix("./").split("/")
    if path.startswith("/"):
        return "absolute path"
    if ".." in parts:
        return "path leaves the archive"
    if "" in parts or UNSEEN.search(path):
        return "path is not plain"
    if len(parts) > DEEPEST or any(len(part.encode("utf-8", "replace")) > LONGEST_NAME for part in parts):
        return "path is too deep, or a name of it too long"
    if kind not in {"file", "directory"}:
        return f"member is a {kind}"
    names = [part for part in parts if part != "."]
    if not names and kind == "file":
        return "path is not plain"
    if portable and any(RESERVED.fullmatch(name) for name in names):
        return "name is reserved on some systems"
    name = "/".join(names)
    return _twice(_folded(name) if portable else name, kind, seen) if name else ""


def _is_ordinary(path: str) -> bool:
    """Whether a file's path is surely harmless: it is of a kind that nearly all are, which is cheap to see."""
    return (
        # Of so few characters, none of the parts empty, there cannot be too many.
        0 < len(path) < 2 * DEEPEST
        and path.isascii()
        and path.isprintable()
        and path[0] not in "./"
        and path[-1] != "/"
        and "/." not in path
        and "//" not in path
        and "\\" not in path
    )


def _twice(path: str, kind: str, seen: set[str]) -> str:
    """Return whether a path was there before; a directory may be listed again.

    A file is remembered by its path itself, which its member holds anyway, and a directory with a slash behind it.
    """
    folder = path + "/"
    if path in seen or (kind == "file" and folder in seen):
        return "path comes twice"
    seen.add(path if kind == "file" else folder)
    return ""


def _folded(path: str) -> str:
    text = UNICODE.normalize("NFD", path)
    folded = "".join(char.casefold() if UNICODE.category(char) != "Cn" else char for char in text)
    return UNICODE.normalize("NFC", folded)
