"""No honest bundle is refused: both verifiers say of each what the drill came to, and find nothing else."""

import base64
import json
from pathlib import Path

import pytest

from drproof import catalog
from tests.attacks.bundles import CLOSING, put
from tests.attacks.case import NOW, TRUST
from tests.attacks.generated import bundle
from tests.attacks.verifiers import first, second

SAMPLE, ALL = range(40), range(40, 500)
STATUS = {"proven": 0, "refuted": 3, "incomplete": 4}


@pytest.mark.parametrize("number", [*SAMPLE, *(pytest.param(number, marks=pytest.mark.exhaustive) for number in ALL)])
def test_an_honest_bundle_is_accepted_as_what_it_came_to(number, tmp_path):
    _, files = bundle(number)
    (tmp_path / "trust.json").write_bytes(TRUST["usual"])
    folder = put(files, tmp_path / "bundle")
    said, also = (one(folder, tmp_path / "trust.json", NOW, ["--accept-rehearsal"]) for one in (first, second))

    assert (said.exit, also.exit, said.level, also.level) == (status(files), status(files), "L1", "L1"), said
    assert said.codes == also.codes


def status(files: dict[str, bytes]) -> int:
    """Return what verifying an honest bundle has to come to."""
    if CLOSING not in files:
        return 4
    statement = json.loads(base64.b64decode(json.loads(files[CLOSING])["payload"]))
    return STATUS[statement["predicate"]["outcome"]]


def test_the_sample_has_every_kind_of_end():
    made = [bundle(number) for number in SAMPLE]

    assert {status(files) for _, files in made} == {0, 3, 4}
    assert {drill.plan for drill, _ in made} == set(catalog.plans())
    assert {drill.mode for drill, _ in made} == {"live", "rehearsal"}
    assert len({len(drill.phases) for drill, _ in made}) > 5
    assert any(CLOSING not in files for _, files in made)
    assert any(path.startswith("after/") for _, files in made for path in files)
    assert all(isinstance(Path(path), Path) for _, files in made for path in files)
