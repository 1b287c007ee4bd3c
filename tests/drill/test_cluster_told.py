"""What a drill tells holds no secret, and what it refuses it refuses in time: each case once was otherwise."""

from pathlib import Path

import pytest

from tests.drill.given import UNTIL_RESTORE, baseline, runs

# What is told.


def test_no_value_of_a_restored_secret_is_in_the_bundle_of_a_job_that_failed(operator, given):
    given.cluster.mutators.append(runs("echo cannot reach https://user:$WEBHOOK_TOKEN@host; exit 3"))

    drill = operator.drill("--stop-after", "validate", *given.words)

    assert drill.outcomes["validate"] == "failed"
    assert _holding(drill.bundle, b"generated-for-the-embedded-world") == []


@pytest.mark.exhaustive
def test_no_annotation_of_a_secret_repeats_it_in_the_bundle(operator):
    metadata = {"name": "s", "namespace": "atlas", "annotations": {"objectset.rio.cattle.io/applied": "H4sI-the-value"}}
    baseline(operator, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"a": "the-value"}})

    drill = operator.drill("--stop-after", "validate")

    assert drill.outcomes["inspect_cluster"] == "passed", drill.output
    assert _holding(drill.bundle, b"the-value") == []


@pytest.mark.parametrize(
    "value",
    [
        "0755123456",
        *(pytest.param(one, marks=pytest.mark.exhaustive) for one in ("12345678901234567890", "1_234_567_890")),
    ],
)
def test_a_secret_that_cannot_be_read_is_not_repeated(operator, value):
    baseline(operator)
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  password: {value}\n"
    (operator.folder / "base/s.yaml").write_text(text)

    drill = operator.drill(*UNTIL_RESTORE)

    assert "line 5" in drill.receipts["restore"]["reason"], "what is wrong is said, and where"
    assert _holding(drill.bundle, value.encode()) == []
    assert value not in drill.output


def _holding(bundle: Path, value: bytes) -> list[str]:
    return [
        str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file() and value in path.read_bytes()
    ]


# What is refused too late, and what never ends.


@pytest.mark.parametrize(
    "words",
    [
        ("--namespace", "Bad_Name"),
        ("--namespace", "../../kube-system"),
        ("--namespace", "x" * 64),
    ],
)
def test_a_name_that_no_cluster_takes_is_refused_before_a_machine_is_paid_for(operator, words):
    drill = operator.drill(*UNTIL_RESTORE, *words)

    assert drill.status == 4, drill.output
    assert drill.directory is None
    assert f"cluster.{words[0].removeprefix('--')} is no name" in drill.output


def test_a_backup_can_be_restored_into_another_namespace(operator):
    drill = operator.drill(*UNTIL_RESTORE, "--namespace", "atlas-drill")

    assert drill.status == 0, drill.output
