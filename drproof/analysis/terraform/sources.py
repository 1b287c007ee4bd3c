"""A module as it was handed in, and which of the others it calls."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from drproof.analysis.terraform.facts import SourceFile
from drproof.formats.hcl import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One module as it was handed in: its place among the others, and each of its files, parsed."""

    name: str
    place: str
    """Where it lies: a path that others of its sources lead to."""
    files: tuple[SourceFile, ...] = ()
    parsed: Mapping[str, Block] = field(default_factory=dict)
    """What each file that could be read holds, by its name."""

    def blocks(self, kind: str) -> Iterator[Block]:
        """Yield the blocks of a kind in every source; values and locks are no sources."""
        for name, file in self.parsed.items():
            if name.endswith(".tf"):
                yield from file.inside(kind)


def called(sources: Sequence[Source], source: Source, call: Block) -> Source | None:
    """Return the module that a call leads to, where it was handed in."""
    told = call.attributes.get("source")
    if not isinstance(told, str) or not told.startswith(("./", "../")):
        return None
    place = posixpath.normpath(posixpath.join(source.place, told))
    return next((one for one in sources if one.place == place), None)


def callers(sources: Sequence[Source], source: Source) -> list[tuple[Source, Block]]:
    """Return each call that leads to a module, with the module that makes it."""
    return [
        (other, call) for other in sources for call in other.blocks("module") if called(sources, other, call) is source
    ]
