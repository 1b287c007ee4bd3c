"""State that a person put into the isolated prefix is looked at as if the phase had put it there, and nothing is put."""

import hashlib
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drproof.model.capabilities import ObjectInfo
from drproof.model.context import Context
from drproof.model.errors import PhaseError
from drproof.phases.recovery.place import isolated_prefix
from drproof.phases.recovery.restore_state import restore_state
from tests.contracts.observed import POINT
from tests.formats.archives import chunks, compressed, tar
from tests.phases.site import SETTINGS

NAME = "state.tar.zst"
FILES = {"state/one.json": b"1" * 700, "state/two": b""}
ARCHIVE = compressed(tar(FILES))
SEEN = replace(POINT.objects[0], name=NAME, key="k", version="v1", sha256=hashlib.sha256(ARCHIVE).hexdigest())


@dataclass
class Store:
    """Objects that can be read and listed; there is no way to write any."""

    held: dict[str, bytes]

    def stream(self, bucket: str, key: str, *, version: str = "") -> Any:
        del bucket
        info = SimpleNamespace(version=version)
        return info, iter(chunks(self.held[key], 1 << 20))

    def list(self, bucket: str, prefix: str) -> Any:
        keys = [key for key in self.held if key.startswith(prefix)]
        return iter([ObjectInfo(bucket=bucket, key=key, size=0, etag="", modified_at="") for key in keys])


@dataclass
class Looking:
    """A context in which nothing can be intended."""

    placed: dict[str, bytes]
    archive: bytes = ARCHIVE
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        ctx = SimpleNamespace(
            origin="drill-1",
            drill_id="drill-1",
            settings=SETTINGS,
            plan=SimpleNamespace(criteria=SimpleNamespace(backup=SimpleNamespace(archives=(NAME,)))),
            observed=lambda _: replace(POINT, objects=(SEEN,)),
            evidence=self.kept.__setitem__,
        )
        prefix = isolated_prefix(cast("Context", ctx))
        there = {f"{prefix}/{path}": data for path, data in self.placed.items()}
        primary = SimpleNamespace(objects=Store({"k": self.archive}))
        ctx.target = SimpleNamespace(primary=primary, recovery=SimpleNamespace(objects=Store(there)))
        return cast("Context", ctx)

    def look(self) -> Any:
        assert restore_state.look is not None
        return restore_state.look(self.context)


PLACED = {f"{NAME}/{path}": data for path, data in FILES.items()}


def test_what_lies_there_is_read_back_beside_the_archive():
    looking = Looking(PLACED)
    seen = looking.look()

    assert (seen.files, seen.size, seen.read_back, seen.unexpected) == (2, 700, 2, 0)
    assert (seen.sources[0].version, seen.sources[0].sha256) == ("v1", SEEN.sha256)
    rows = {row.path: (row.size, row.sha256) for row in looking.kept["read_back"][NAME]}
    assert rows == {path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in FILES.items()}


def test_what_is_missing_or_more_is_counted_and_left_to_the_contracts():
    seen = Looking({f"{NAME}/state/one.json": b"other", f"{NAME}/state/three": b""}).look()

    assert (seen.files, seen.read_back, seen.unexpected) == (2, 2, 1)


def test_an_empty_prefix_is_no_end_state():
    with pytest.raises(PhaseError, match="holds none of the 2 files"):
        Looking({}).look()


def test_an_archive_that_changed_meanwhile_is_no_measure():
    with pytest.raises(PhaseError, match=r"state\.tar\.zst changed between verification and restore"):
        Looking(PLACED, archive=compressed(tar({"state/one.json": b"2"}))).look()
