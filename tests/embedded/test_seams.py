"""Each shim names the places of the emulator that it stands on, and a place that moved is named."""

import importlib
from importlib.metadata import version

import pytest

from drproof.embedded import shims
from drproof.embedded.shims import seams

EVERY = [(shim.__name__.rpartition(".")[2], name) for shim in shims.ALL for name in shim.SEAMS]


def test_every_shim_names_its_seams() -> None:
    assert {shim for shim, _ in EVERY} == {
        "s3_owner",
        "s3_conditions",
        "s3_locks",
        "sts",
        "cloudwatch",
        "ec2",
        "ssm",
        "quotas",
        "ecr",
        "iam",
        "iam_policies",
        "kms",
        "stepfunctions",
        "stepfunctions_errors",
        "stepfunctions_ends",
        "stepfunctions_builds",
        "lambda_",
        "codebuild",
        "deployments",
    }


def test_the_installed_emulator_is_the_tested_one() -> None:
    assert version("moto") == seams.TESTED


@pytest.mark.parametrize(("shim", "name"), EVERY, ids=[f"{shim}-{name}" for shim, name in EVERY])
def test_a_seam_that_moved_is_named_with_the_next_command(
    shim: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seams.check(shim, [name])
    module, _, path = name.partition(":")
    owner: object = importlib.import_module(module)
    *outer, last = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    monkeypatch.delattr(owner, last)
    with pytest.raises(seams.SeamMovedError, match=f"{shim} needs {name}") as moved:
        seams.check(shim, [name])
    assert f"pip install 'moto[server]=={seams.TESTED}'" in str(moved.value)


def test_a_module_that_is_gone_is_named() -> None:
    with pytest.raises(seams.SeamMovedError, match=r"needs moto\.nothing:Thing"):
        seams.check("some shim", ["moto.nothing:Thing"])


def test_nothing_is_put_where_nothing_was_and_nothing_is_covered_up() -> None:
    class Owner:
        present = 1

    seams.put(Owner, "present", 2)
    assert Owner.present == 2
    with pytest.raises(seams.SeamMovedError):
        seams.put(Owner, "absent", 2)
    with pytest.raises(seams.SeamMovedError):
        seams.add(Owner, "present", 3)
    seams.add(Owner, "absent", 3)
    assert Owner.absent == 3  # type: ignore[attr-defined]
