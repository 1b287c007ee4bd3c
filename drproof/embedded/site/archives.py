"""Archives as a backup writes them: a tar of many members, compressed."""

import hashlib
import io
import random
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import zstandard

MTIME = 1_790_000_000
KIB = 1024


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive; `body` is None for a folder, `target` is set for a symbolic link."""

    name: str
    body: bytes | None
    target: str = ""


def packed(members: Iterator[Member], *, checksum: bool = True) -> bytes:
    """Return members as a compressed tar; the same members give the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            entry = tarfile.TarInfo(member.name)
            entry.mtime = MTIME
            if member.target:
                entry.type, entry.linkname = tarfile.SYMTYPE, member.target
            elif member.body is None:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            else:
                entry.size = len(member.body)
            archive.addfile(entry, io.BytesIO(member.body) if member.body else None)
    return zstandard.ZstdCompressor(level=1, write_checksum=checksum).compress(plain.getbuffer())


def state(seed: int, count: int, *, canary: bytes) -> Iterator[Member]:
    """Yield the members of the state archive: folders, and `count` files of very different sizes."""
    chance = random.Random(f"{seed} state")  # noqa: S311 — generated data, no secret
    # One draw of noise is cut into pieces: drawing for each member would take seconds.
    noise = memoryview(chance.randbytes(2048 * KIB))
    yield Member("state", None)
    for folder in range(16):
        yield Member(f"state/part-{folder:02d}", None)
    yield Member("state/canary.json", canary)
    yield Member("state/empty.json", b"")
    yield Member("state/notes für später.md", "Ein Name außerhalb von ASCII.\n".encode())
    yield Member("state/" + "a-long-name-" * 20 + "/" + "a-long-name-" * 4 + ".json", b'{"long": true}\n')
    for number in range(max(0, count - 4)):
        name = f"state/part-{number % 16:02d}/item-{number:05d}"
        yield _file(chance, noise, name, number)


def large(seed: int, members: int, size: int) -> tuple[bytes, list[dict[str, str | int]]]:
    """Return a compressed tar of `members` files of `size` bytes, and what it holds by path, bytes and SHA-256.

    It is long to read, short to store, and no bomb.
    """
    chance = random.Random(f"{seed} large")  # noqa: S311 — generated data, no secret
    line = b'{"item": 1, "score": 1, "state": "seen"}\n'
    # One byte in 64 is noise.
    repeated = (line * (size // len(line) + 1))[: size - size // 64]
    stored, rows = io.BytesIO(), list[dict[str, str | int]]()
    with (
        zstandard.ZstdCompressor(level=1, write_checksum=True).stream_writer(stored, closefd=False) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for number in range(members):
            entry = tarfile.TarInfo(f"state/item-{number:05d}.jsonl")
            entry.mtime, entry.size = MTIME, size
            content = repeated + chance.randbytes(size // 64)
            rows.append({"path": entry.name, "bytes": size, "sha256": hashlib.sha256(content).hexdigest()})
            archive.addfile(entry, io.BytesIO(content))
    return stored.getvalue(), rows


def hostile() -> Iterator[Member]:
    """Yield members that would leave the folder in which an archive is unpacked."""
    yield Member("../../etc/cron.d/x", b"* * * * * root true\n")
    yield Member("state/link", None, target="/etc/passwd")


def _file(chance: random.Random, noise: memoryview, name: str, number: int) -> Member:
    if number % 200 == 0:
        size = 1024 * KIB
    elif number % 20 == 0:
        size = 64 * KIB
    else:
        size = chance.randrange(200, 4 * KIB)
    if number % 20 and number % 2:
        line = f'{{"item": {number}, "score": {chance.randrange(1000)}, "state": "seen"}}\n'
        return Member(f"{name}.jsonl", (line * (size // len(line) + 1)).encode())
    # A piece of its own offset: no two files are equal, and the compressor's short window sees no repetition.
    start = chance.randrange(len(noise) - size)
    mask = chance.randrange(1, 256)
    return Member(f"{name}.bin", bytes(noise[start : start + size]).translate(_ROTATIONS[mask]))


_ROTATIONS: Mapping[int, bytes] = {mask: bytes((value + mask) % 256 for value in range(256)) for mask in range(256)}
