"""An execution is fetched out of its store only when nobody writes there any more, and then as its last act left it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.engine.at_rest import fetched_at_rest
from drproof.engine.fetching import Fetched
from drproof.engine.lease import SUFFIX, Lease
from drproof.engine.refusal import Refusal
from drproof.engine.resume_stored import refuse_to_finish
from drproof.engine.stored_run import StoredRun
from drproof.evidence.trust import Trust, of_signer
from drproof.targets.signers import make_key
from tests.engine.small import again, begin
from tests.engine.test_fetching import URI, Bucket
from tests.engine.test_lease import INTENT, Clock, Store

ARN = "arn:aws:states:us-west-2:444455556666:execution:machine:drill-1"


@dataclass
class Ended:
    """An execution whose last act stored more than there was when its store was listed first."""

    bucket: Bucket
    later: dict[str, bytes]
    trust: Trust
    target: Any
    where: Any
    store: Store = field(default_factory=Store)
    status: str = "ABORTED"
    asked: Callable[[], None] = lambda: None

    def execution(self, arn: str) -> Any:
        assert arn == ARN
        self.asked()
        return SimpleNamespace(status=self.status)

    def hold(self, drill_id: str, *, parked: bool, execution: str = ARN) -> None:
        """Hold the lease as an act does, or leave it parked as one does that is over."""
        objects: Any = self.store
        lease = Lease(
            objects, self.where.state_bucket, self.where.state_key, drill_id=drill_id, length_ms=600_000,
            clock=Clock(), execution=execution,
        )  # fmt: skip
        lease.take(INTENT)
        lease.park(INTENT) if parked else lease.stop()

    def fetched(self, directory: Path) -> set[str]:
        """Return the phases whose receipts were fetched."""
        return {receipt.phase for receipt in self.fetch(directory).bundle.receipts}

    def fetch(self, directory: Path) -> Fetched:
        recovery = SimpleNamespace(**vars(self.target.recovery), objects=self.store, workflows=self)
        target: Any = SimpleNamespace(**{**vars(self.target), "recovery": recovery})
        stored = StoredRun.at(URI, self.bucket, self.trust)
        return fetched_at_rest(stored, directory, target)

    def finish(self) -> None:
        """Store what the last act had left to store."""
        self.bucket.held = dict(self.later)


@pytest.fixture
def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ended:
    signer = make_key(tmp_path / "runner.key")
    bucket = Bucket()
    small = begin(tmp_path / "lost", store=bucket, signer=signer, execution=ARN)
    again(small, monkeypatch, bucket)
    assert small.run.mirror is not None
    small.run.mirror.sync()
    small.run.advance("restore_state")
    before = dict(bucket.held)
    small.run.advance("restore")
    later, bucket.held = bucket.held, before
    small.run.leave()
    where = small.run.prepared.settings.recovery.provisioner
    return Ended(bucket, later, Trust(keys=(of_signer(signer),)), small.run.opened.target, where)


def test_an_execution_whose_act_is_at_work_is_refused_and_no_folder_is_left(ended, tmp_path):
    ended.hold("drill-1", parked=False)

    with pytest.raises(Refusal, match="an act of it is at work") as told:
        ended.fetched(tmp_path / "new" / "drill-1")

    assert "wait for it to end" in str(told.value)
    assert [path for path in (tmp_path / "new").iterdir() if path.exists()] == []


def test_an_execution_that_runs_is_refused_between_its_acts_as_well(ended, tmp_path):
    ended.hold("drill-1", parked=True)
    ended.status = "RUNNING"

    with pytest.raises(Refusal, match="it is RUNNING") as told:
        ended.fetched(tmp_path / "new" / "drill-1")

    assert f"drproof status --execution-arn {ARN}" in str(told.value)
    assert list((tmp_path / "new").iterdir()) == []


def test_what_an_act_stored_while_it_was_fetched_is_fetched_as_well(ended, tmp_path):
    ended.hold("drill-1", parked=True)
    ended.asked = ended.finish

    assert "restore" in ended.fetched(tmp_path / "new" / "drill-1")


def test_an_act_that_died_holds_nobody_up_once_its_lease_has_run_out(ended, tmp_path):
    ended.hold("drill-1", parked=False)
    ended.store.now_ms += 700_000

    assert "restore_state" in ended.fetched(tmp_path / "new" / "drill-1")


@pytest.mark.parametrize(("drill_id", "execution"), [("another", ARN), ("drill-1", "")])
def test_a_lease_of_another_drill_or_of_no_execution_is_for_whoever_takes_it(ended, tmp_path, drill_id, execution):
    ended.hold(drill_id, parked=False, execution=execution)
    ended.status = "RUNNING"

    assert "restore_state" in ended.fetched(tmp_path / "new" / "drill-1")
    assert any(key.endswith(SUFFIX) for _, key in ended.store.held)


def test_an_execution_is_undone_and_never_finished_by_hand(ended, tmp_path):
    ended.hold("drill-1", parked=True)
    fetched = ended.fetch(tmp_path / "new" / "drill-1")

    with pytest.raises(Refusal, match="counts only where its machine waits") as told:
        refuse_to_finish(fetched)

    assert "the same command without --finish" in str(told.value)
    assert list((tmp_path / "new").iterdir()) == []
