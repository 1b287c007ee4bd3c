"""The members of an archive, kept in columns: a million of them take a third of what as many objects would."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from drproof.formats.member_names import problem_of_name

DIGEST = 32
NONE = bytes(DIGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of an archive; `sha256` only of files."""

    path: str
    kind: str
    size: int
    sha256: str = ""


class Listing(Sequence[Member]):
    """Members in order; each is made when it is looked at. `problem` says of the first harmful one why it is."""

    def __init__(self) -> None:
        self.problem = ""
        self._paths: list[str] = []
        self._seen: set[str] = set()
        self._kinds: list[str] = []
        self._sizes = array("Q")
        self._digests = bytearray()

    def add(self, path: str, kind: str, size: int, digest: bytes) -> None:
        """Keep one member; `digest` is empty but for files."""
        self.extend([(path, kind, size, digest)])

    def extend(self, rows: Iterable[tuple[str, str, int, bytes]]) -> None:
        """Keep members as `add` does, at less for each: of an error between them, those before it are kept."""
        seen, name = self._seen, self._paths.append
        kinds, sizes, digests = self._kinds.append, self._sizes.append, self._digests.extend
        for path, kind, size, digest in rows:
            name(path)
            kinds(kind)
            sizes(size)
            digests(digest or NONE)
            if (found := problem_of_name(path, kind, seen)) and not self.problem:
                self.problem = f"{found}: {path}"

    @property
    def files(self) -> int:
        """How many of them are files."""
        return self._kinds.count("file")

    @property
    def size(self) -> int:
        """Bytes of content of all."""
        return sum(self._sizes)

    def __len__(self) -> int:
        """How many members there are."""
        return len(self._paths)

    @overload
    def __getitem__(self, place: int) -> Member: ...
    @overload
    def __getitem__(self, place: slice) -> list[Member]: ...
    def __getitem__(self, place: int | slice) -> Member | list[Member]:
        """Return one member, or a list of some."""
        if isinstance(place, slice):
            return [self._at(number) for number in range(len(self))[place]]
        return self._at(range(len(self))[place])

    def __iter__(self) -> Iterator[Member]:
        """Yield each member."""
        return map(self._at, range(len(self)))

    def _at(self, number: int) -> Member:
        kind = self._kinds[number]
        sha256 = self._digests[number * DIGEST : (number + 1) * DIGEST].hex() if kind == "file" else ""
        return Member(path=self._paths[number], kind=kind, size=self._sizes[number], sha256=sha256)
