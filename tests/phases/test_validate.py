"""A Job that a person has created is looked at as if validation had, and nothing is started or removed for that."""

from types import SimpleNamespace
from typing import Any

import pytest

from drproof.model.cluster import DRILL_LABEL, JOB
from drproof.model.errors import PhaseError
from drproof.phases.recovery import validate as module
from drproof.phases.recovery.job import PURPOSE, PURPOSE_LABEL
from drproof.phases.recovery.marks import label_of
from drproof.phases.recovery.validate import validate
from tests.contracts.observed import CRITERIA


class Cluster:
    """Jobs that can be listed; there is no way to make or remove any."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[Any] = []

    def list(self, kind: Any, *, namespace: str, labels: Any) -> tuple[Any, ...]:
        self.asked.append((kind, namespace, labels))
        return tuple({"kind": "Job", "metadata": {"name": name}} for name in self.names)


def context() -> Any:
    return SimpleNamespace(origin="drill-1", plan=SimpleNamespace(criteria=CRITERIA))


@pytest.mark.parametrize("names", [(), ("one", "two")], ids=["none", "two"])
def test_anything_but_one_job_is_no_validation_and_how_to_make_it_is_told(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    cluster = Cluster(*names)
    monkeypatch.setattr(module, "pinned", lambda _: cluster)

    with pytest.raises(PhaseError, match=r"expected exactly 1(.|\n)*DRPROOF_MANIFEST") as raised:
        module.seen_to_have_run(context())

    assert f"{len(names)} Jobs with the labels" in str(raised.value)
    labels = {DRILL_LABEL: label_of(context()), PURPOSE_LABEL: PURPOSE}
    assert cluster.asked == [(JOB, CRITERIA.workload.namespace, labels)]


def test_what_is_handed_to_a_person_is_what_validation_would_have_created() -> None:
    assert validate.hand is module.job_to_be_run
    assert validate.look is module.seen_to_have_run
