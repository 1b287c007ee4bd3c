"""Everything that can be done to the files of a bundle without a key, one act at a time."""

import base64
import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rfc8785 import dumps

from tests.attacks.bundles import CLOSING, Files

WAYS = (0x01, 0x80, 0xFF)
JOURNAL, PAGE = "journal.log", "proof.html"


@dataclass(frozen=True)
class Mutation:
    """What changes: files by path, None for one that goes, a path for a link to there."""

    name: str
    changes: Mapping[str, bytes | Path | None]
    original: bytes = b""
    """The content of the file that got another name or a copy."""


@contextmanager
def done(mutation: Mutation, base: Files, folder: Path) -> Iterator[None]:
    """Do it to the bundle in a folder, and undo it."""
    for path, data in mutation.changes.items():
        _put(folder / path, data)
    try:
        yield
    finally:
        for path in mutation.changes:
            _put(folder / path, base.get(path))


def _put(path: Path, data: bytes | Path | None) -> None:
    path.unlink(missing_ok=True)
    if data is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(data, Path):
        path.symlink_to(data)
    elif data is not None:
        path.write_bytes(data)


def flips(files: Files) -> Iterator[Mutation]:
    """Yield each byte changed in three ways."""
    for path, data in files.items():
        for at, way in itertools.product(range(len(data)), WAYS):
            changed = bytes([*data[:at], data[at] ^ way, *data[at + 1 :]])
            yield Mutation(f"{path}: byte {at} ^ {way:#x}", {path: changed})


def some_flips(files: Files, number: int, chance: random.Random) -> Iterator[Mutation]:
    """Yield some of them, as many in each file."""
    for path, data in files.items():
        for _ in range(-(-number // len(files))):
            at, way = chance.randrange(len(data)), chance.choice(WAYS)
            changed = bytes([*data[:at], data[at] ^ way, *data[at + 1 :]])
            yield Mutation(f"{path}: byte {at} ^ {way:#x}", {path: changed})


def leaves(files: Files) -> Iterator[Mutation]:
    """Yield each leaf of each JSON document dropped, retyped and set; payloads keep the signatures over the old ones."""
    for path, data in files.items():
        if path.endswith(".json"):
            content = json.loads(data)
            yield from (Mutation(f"{path}: {name}", {path: dumps(one)}) for name, one in _spoiled(content))
        if path.endswith(".dsse.json"):
            payload = json.loads(base64.b64decode(content["payload"]))
            for name, one in _spoiled(payload):
                text = base64.b64encode(dumps(one)).decode()
                yield Mutation(f"{path} payload: {name}", {path: dumps({**content, "payload": text})})


def _spoiled(content: Any) -> Iterator[tuple[str, Any]]:
    for where in [*_places(content, ())]:
        name = "/".join(map(str, where))
        yield f"{name} dropped", _changed(content, where, None, drop=True)
        value = content
        for step in where:
            value = value[step]
        yield f"{name} retyped", _changed(content, where, _retyped(value))
        yield f"{name} set", _changed(content, where, _other(value))


def _places(value: Any, where: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if where:
        yield where
    steps = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for step in steps:
        yield from _places(value[step], (*where, step))


def _changed(content: Any, where: Sequence[Any], new: Any, *, drop: bool = False) -> Any:
    step, *rest = where
    made = dict(content) if isinstance(content, dict) else list(content)
    if rest:
        made[step] = _changed(content[step], rest, new, drop=drop)
    elif drop:
        del made[step]
    else:
        made[step] = new
    return made


def _retyped(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return [value]
    if isinstance(value, int):
        return bool(value) if value in {0, 1} else str(value)
    return {"": value} if isinstance(value, list) else [value] if isinstance(value, dict) else False


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return f"{value[:-1]}{'0' if value[-1:] != '0' else '1'}"
    if isinstance(value, int):
        return value + 1
    return [*value, 0] if isinstance(value, list) else {**value, "more": 0} if isinstance(value, dict) else ""


def whole_files(files: Files, elsewhere: Path) -> Iterator[Mutation]:
    """Yield drops of up to three files, swaps, renames, links, additions and cut tails."""
    for number in (1, 2, 3):
        for paths in itertools.combinations(files, number):
            yield Mutation(f"dropped {', '.join(paths)}", dict.fromkeys(paths))
    for one, other in itertools.combinations(files, 2):
        yield Mutation(f"swapped {one} and {other}", {one: files[other], other: files[one]})
        yield Mutation(f"{other} over {one}", {one: files[other]})
    for path, data in files.items():
        folder, _, name = path.rpartition("/")
        for new in (name.upper(), name.title(), f"{name}.bak", f".{name}", f"0{name}", name.replace(".", "\u0307", 1)):
            there = f"{folder}/{new}" if folder else new
            if there != path:
                yield Mutation(f"{path} renamed to {there}", {path: None, there: data}, data)
                yield Mutation(f"{path} copied to {there}", {there: data}, data)
        yield Mutation(f"{path} in another folder", {path: None, f"moved/{name}": data})
        yield Mutation(f"{path} linked to elsewhere", {path: elsewhere / path})
        yield Mutation(f"{path} linked to nowhere", {path: elsewhere / "nowhere"})
        yield Mutation(f"{path} emptied", {path: b""})
        yield Mutation(f"{path} made longer", {path: data + b"\n"})
        yield Mutation(f"{path} twice", {path: data + data})
    yield from _tails(files)


def _tails(files: Files) -> Iterator[Mutation]:
    receipts = sorted(path for path in files if path.startswith("receipts/"))
    points = sorted(path for path in files if path.startswith("checkpoints/"))
    after = [path for path in files if path.startswith("after/")]
    for number in range(len(receipts) + 1):
        gone = [*receipts[number:], *points[number:]]
        for name, more in (
            ("", []),
            (" and the closing", [CLOSING]),
            (" and all after the closing", [CLOSING, *after]),
            (" and the verdicts", [CLOSING, *after, "verdicts.json", PAGE]),
            (" and a checkpoint", [CLOSING, *after, *points[number - 1 : number]]),
        ):
            if gone or more:
                yield Mutation(f"cut from receipt {number + 1}{name}", dict.fromkeys([*gone, *more]))
