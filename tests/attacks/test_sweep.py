"""Nothing that is done to a sealed bundle passes, and both verifiers refuse it alike, with a code of the page."""

import random
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from drproof.evidence.verification import class_of
from tests.attacks.bundles import Files, build, put, sign_off
from tests.attacks.case import NOW, TRUST
from tests.attacks.honest import CHAIN
from tests.attacks.keys import APPROVER
from tests.attacks.mutations import Mutation, done, flips, leaves, some_flips, whole_files
from tests.attacks.verifiers import CODES, Answer, first, second

SEED = 20260131
FLIPS, OTHERS = 250, 300
"""How many CI does: of each kind as many in each file."""
ASKED = ("--require-level", "L2")
LEFT_OPEN = "judged-otherwise"


@pytest.fixture(scope="module")
def files() -> Files:
    made = build(CHAIN)
    made["after/approval.dsse.json"] = sign_off(made, APPROVER)
    assert sum(map(len, made.values())) <= 64 * 1024
    return made


@pytest.fixture
def folder(files, tmp_path) -> Path:
    (tmp_path / "trust.json").write_bytes(TRUST["held"])
    put(files, tmp_path / "elsewhere")
    return put(files, tmp_path / "bundle")


def status(answer: Answer) -> int:
    """Return the exit status without what only a verifier with contracts can say."""
    found = {class_of(code) for code in answer.codes - {LEFT_OPEN}}
    return next((number for number in (2, 1, 4, 3, 5) if number in found), 0)


def renamed_sign_off(mutation: Mutation) -> bool:
    """Say whether a sign-off got another name, or a copy: what it is called says nothing."""
    texts = {data for data in mutation.changes.values() if data is not None}
    names = all(re.fullmatch(r"after/[^/]+\.dsse\.json", path) for path in mutation.changes)
    return names and texts == {mutation.original} if mutation.original else False


def sweep(files: Files, folder: Path, mutations: Iterable[Mutation]) -> int:
    """Do every one of them; return how many there were."""
    trust, number = folder.parent / "trust.json", 0
    for mutation in mutations:
        if all(files.get(path) == data for path, data in mutation.changes.items()) or renamed_sign_off(mutation):
            continue
        number += 1
        with done(mutation, files, folder):
            said, also = first(folder, trust, NOW, ASKED), second(folder, trust, NOW, ASKED)
        assert said.exit != 0, mutation.name
        assert also.exit != 0, mutation.name
        assert status(said) == also.exit, f"{mutation.name}: {said} and {also}"
        assert said.codes | also.codes <= CODES, mutation.name
    return number


def test_the_bundle_of_the_sweep_is_accepted_before_and_after_it(files, folder):
    trust = folder.parent / "trust.json"
    assert sweep(files, folder, some_flips(files, 1, random.Random(SEED))) == len(files)

    assert first(folder, trust, NOW, ASKED) == second(folder, trust, NOW, ASKED) == Answer(0, "L2", ())


def test_a_changed_byte_is_refused(files, folder):
    assert sweep(files, folder, some_flips(files, FLIPS, random.Random(SEED))) >= FLIPS


@pytest.mark.parametrize("kind", ["leaves", "files"])
def test_a_changed_leaf_or_file_is_refused(files, folder, kind):
    mutations = list(leaves(files) if kind == "leaves" else whole_files(files, folder.parent / "elsewhere"))
    chosen = random.Random(SEED).sample(mutations, OTHERS)

    assert sweep(files, folder, chosen) > OTHERS * 0.9


@pytest.mark.exhaustive
@pytest.mark.timeout(7200)
def test_every_changed_byte_is_refused(files, folder):
    assert sweep(files, folder, flips(files)) == 3 * sum(map(len, files.values()))


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_every_changed_leaf_is_refused(files, folder):
    assert sweep(files, folder, leaves(files)) > 1500


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_every_file_dropped_swapped_renamed_linked_or_cut_is_refused(files, folder):
    assert sweep(files, folder, whole_files(files, folder.parent / "elsewhere")) > 900
