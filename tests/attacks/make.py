"""Make the conformance tree: `python -m tests.attacks.make`."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.attacks import by_hand, envelopes, honest, own, runners, stored, strangers
from tests.attacks.bundles import Files, put
from tests.attacks.case import TRUST, Case

TREE = Path(__file__).resolve().parent.parent / "conformance"
README = "README.md"
"""The one file of the tree that is written by hand."""


def cases() -> Mapping[str, Case]:
    """Return every case by the name of its folder."""
    whole = {**honest.cases(), **stored.honest(), **own.honest(), **by_hand.honest()}
    ok = {f"{name}_ok": case for name, case in whole.items()}
    groups = [strangers.cases(), envelopes.cases(), runners.cases(), stored.cases(), own.cases(), by_hand.cases()]
    fail = {f"{name}_fail": case for group in groups for name, case in group.items()}
    assert len(ok) + len(fail) == len(whole) + sum(map(len, groups)), "no name comes twice"
    return ok | fail


def files() -> Files:
    """Return every file of the tree but the links and the page."""
    made = {f"trust/{name}.json": data for name, data in TRUST.items()}
    kept: list[tuple[Case, str]] = []
    for name, case in cases().items():
        own = f"{name}/bundle"
        folder = next((at for one, at in kept if (one.files, one.links) == (case.files, case.links)), own)
        made[f"{name}/case.json"] = case.described(folder)
        if folder == own:
            kept.append((case, own))
            made |= {f"{own}/{path}": data for path, data in case.files.items()}
    return made


def links() -> Mapping[str, str]:
    """Return every link of the tree with its target."""
    found = ((f"{name}/bundle/{path}", to) for name, case in cases().items() for path, to in case.links.items())
    return dict(found)


def present(tree: Path) -> Iterator[str]:
    """Yield every file and link below a folder."""
    for folder, inside, names in os.walk(tree):
        there = [*names, *(name for name in inside if (Path(folder) / name).is_symlink())]
        yield from (str((Path(folder) / name).relative_to(tree)) for name in there)


def main() -> None:
    """Write the tree anew."""
    for child in TREE.iterdir():
        if child.is_dir():
            shutil.rmtree(child)
    put(files(), TREE)
    for path, to in links().items():
        (TREE / path).parent.mkdir(parents=True, exist_ok=True)
        (TREE / path).symlink_to(to)


if __name__ == "__main__":
    main()
