"""`drproof verify --corroborate` asks the platform again, and what it contradicts is invalid."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from drproof import catalog
from drproof.engine.corroborate import Auditor, corroborate
from drproof.engine.orchestrated import Asked, check
from drproof.engine.refusal import Refusal
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.documents import StoredFile, StoredReceipts
from drproof.evidence.integrity import Inspection, ReceiptFile, inspect
from drproof.evidence.stored import STORED
from drproof.model.codec import encode
from drproof.model.context import DRILL_TAG
from drproof.model.receipt import Outcome
from drproof.targets import embedded, open_operator
from tests.contracts.evidence import PASSING
from tests.orchestrator.stand_in import ACTS, BUCKET, PREFIX, Orchestrated, clients
from tests.shares import FEW

pytestmark = pytest.mark.costly(days=FEW)


@dataclass(frozen=True)
class Kept:
    """A bundle of an execution whose world still runs."""

    site: Orchestrated
    arn: str
    bundle: Path

    def ask(self, tmp_path: Path, **changes: Any) -> dict[str, tuple[str, str]]:
        given = {"endpoint": self.site.world.endpoint, "execution_arn": self.arn} | changes
        rows = corroborate(inspect(self.bundle, catalog.types()), Auditor(**given), tmp_path)
        return {row.what: (row.status, row.reason) for row in rows}

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from drproof.cli import main; main()", "verify", str(self.bundle), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={**os.environ, "COLUMNS": "300"},
        )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("corroborated")
    world = embedded.start(folder, scenario="none", linger=3600)
    site = Orchestrated.at(world)
    arn = site.begin("atlas-kept")
    site.answer(arn)
    site.ended(arn)
    check(Asked(arn=arn, endpoint=world.endpoint), {"target": "embedded"}, folder, folder / "bundle")
    yield Kept(site, arn, folder / "bundle")
    world.stop()


def test_a_history_that_is_still_the_same_is_confirmed(kept, tmp_path):
    told = kept.ask(tmp_path)

    assert {status for status, _ in told.values()} == {"confirmed"}
    assert told.keys() == {"identity", f"the history of {kept.arn}"}


def test_another_execution_is_not_the_one_that_the_bundle_tells_of(kept, tmp_path):
    other = kept.site.begin("atlas-other", fail="restore")
    kept.site.ended(other)

    status, reason = kept.ask(tmp_path, execution_arn=other)[f"the history of {other}"]

    assert status == "differs"
    assert "the bundle tells of SUCCEEDED" in reason


def test_what_is_gone_differs_and_what_nobody_names_is_unanswered(kept, tmp_path):
    gone = f"{kept.arn}-not"

    assert kept.ask(tmp_path, execution_arn=gone)[f"the history of {gone}"][0] == "differs"
    status, reason = kept.ask(tmp_path, execution_arn="")["the history of the execution"]
    assert (status, reason) == ("unanswered", "nobody says which; name it with --execution-arn")


def test_stored_objects_are_asked_for_by_version_and_compared_byte_for_byte(kept, tmp_path):
    s3 = clients(kept.site.world)("s3")
    first = s3.put_object(Bucket=BUCKET, Key="kept/a.json", Body=b"a")["VersionId"]
    over = s3.put_object(Bucket=BUCKET, Key="kept/a.json", Body=b"written over")["VersionId"]
    rows = (("a", first, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"), ("b", first, "0" * 64))
    files = tuple(
        StoredFile(
            path=f"receipts/{name}.json",
            sha256=sha256,
            uri=f"s3://{BUCKET}/kept/a.json",
            version=version if name == "a" else None,
            etag="e",
            was_there=False,
            retention_mode=None,
            retained_until=None,
            problem="",
        )
        for name, version, sha256 in rows
    )
    stored = StoredReceipts(
        place=f"s3://{BUCKET}/kept",
        owner="444455556666",
        object_lock=False,
        retain_until=None,
        files=files,
        intents=0,
        intents_missing=(),
    )
    (kept.bundle / STORED).write_bytes(canonical(encode(stored)))
    try:
        told = kept.ask(tmp_path)
        s3.delete_object(Bucket=BUCKET, Key="kept/a.json")
        deleted = kept.ask(tmp_path)
        s3.delete_object(Bucket=BUCKET, Key="kept/a.json", VersionId=over)
    finally:
        (kept.bundle / STORED).unlink()

    of_first = f"s3://{BUCKET}/kept/a.json version {first}"
    assert told[of_first] == ("confirmed", f"its key was written over since, by version {over}")
    assert deleted[of_first] == ("confirmed", "its key was deleted since")
    assert told[f"s3://{BUCKET}/kept/a.json version none"] == (
        "differs",
        "the store has other bytes than receipts/b.json",
    )


def test_the_command_says_what_was_asked_and_a_contradiction_is_invalid(kept):
    words = ("--corroborate", "--embedded", kept.site.world.endpoint, "--accept-rehearsal", "--json")
    confirmed = kept.cli(*words, "--execution-arn", kept.arn)
    contradicted = kept.cli(*words, "--execution-arn", f"{kept.arn}-not")
    offline = kept.cli("--accept-rehearsal", "--json")

    assert contradicted.returncode == 1, contradicted.stderr
    told = json.loads(confirmed.stdout)
    assert [row["status"] for row in told["corroboration"]] == ["confirmed", "confirmed"]
    assert confirmed.returncode == offline.returncode == told["exit"]
    assert "corroboration" not in json.loads(offline.stdout)


def test_a_world_that_does_not_answer_leaves_the_demand_unmet(kept, tmp_path):
    told = kept.ask(tmp_path, endpoint="http://127.0.0.1:9")

    assert told["identity"][0] == "unanswered"


def test_what_still_carries_the_drills_tag_after_its_teardown_differs(kept, tmp_path):
    found = inspect(kept.bundle, catalog.types())
    assert found.plan is not None
    found.outcomes["teardown"] = Outcome.PASSED
    auditor = Auditor(endpoint=kept.site.world.endpoint, execution_arn=kept.arn)
    what = f"nothing carries {DRILL_TAG}={found.plan.drill_id}"

    def asked() -> tuple[str, str]:
        return next((row.status, row.reason) for row in corroborate(found, auditor, tmp_path) if row.what == what)

    assert asked() == ("confirmed", "")
    ec2 = clients(kept.site.world)("ec2")
    made = ec2.create_security_group(
        GroupName="left",
        Description="left",
        TagSpecifications=[
            {"ResourceType": "security-group", "Tags": [{"Key": DRILL_TAG, "Value": found.plan.drill_id}]}
        ],
    )
    status, reason = asked()
    assert status == "differs"
    assert made["GroupId"] in reason
    ec2.delete_security_group(GroupId=made["GroupId"])


def test_nobody_confirms_his_own_drill(kept, tmp_path):
    found = inspect(kept.bundle, catalog.types())
    # Whoever asks at the world is its approver.
    caller = open_operator(region="us-west-2", endpoint=kept.site.world.endpoint, side="approver").identity.caller()
    found.receipts[0] = replace(found.receipts[0], receipt=replace(found.receipts[0].receipt, caller=caller))

    rows = corroborate(found, Auditor(endpoint=kept.site.world.endpoint, execution_arn=kept.arn), tmp_path)

    assert (rows[0].what, rows[0].status) == ("identity", "unanswered")
    assert "asks about its own drill" in rows[0].reason


def test_a_bundle_that_names_nothing_to_ask_is_not_corroborated(kept, tmp_path):
    found = inspect(kept.bundle, catalog.types())
    found.receipts.clear()

    rows = corroborate(found, Auditor(endpoint=kept.site.world.endpoint), tmp_path)

    assert [(row.what, row.status) for row in rows] == [("identity", "confirmed"), ("anything", "unanswered")]


def test_that_nothing_is_left_of_what_never_was_corroborates_nothing(kept, tmp_path):
    found = inspect(kept.bundle, catalog.types())
    found.receipts.clear()
    found.outcomes["teardown"] = Outcome.PASSED

    rows = corroborate(found, Auditor(endpoint=kept.site.world.endpoint), tmp_path)

    assert [row.status for row in rows if row.what.startswith("nothing carries")] == ["confirmed"]
    assert [row.status for row in rows if row.what == "anything"] == ["unanswered"]


def _sealed_by_its_execution(kept: Kept, name: str, acts: tuple[str, ...] = ACTS) -> Inspection:
    """Return a bundle as an execution seals it: its receipts are those in the store, and it reads no execution."""
    found = inspect(kept.bundle, catalog.types())
    s3 = clients(kept.site.world)("s3")
    bodies = {act: s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}/{act}.json")["Body"].read() for act in acts}
    found.receipts[:] = [
        ReceiptFile(path=f"receipts/{act}.json", receipt=PASSING.receipts[act], digest=digest(body))
        for act, body in bodies.items()
    ]
    return found


def test_an_execution_corroborates_the_bundle_whose_receipts_it_answered_and_no_other(kept, tmp_path):
    another = kept.site.begin("atlas-another")
    kept.site.answer(another)
    kept.site.ended(another)
    found = _sealed_by_its_execution(kept, "atlas-kept")
    without = replace(found, receipts=found.receipts[:0])

    def asked(arn: str, bundle: Inspection) -> tuple[str, str]:
        auditor = Auditor(endpoint=kept.site.world.endpoint, execution_arn=arn)
        rows = corroborate(bundle, auditor, tmp_path)
        return next((row.status, row.reason) for row in rows if row.what == f"the history of {arn}")

    assert asked(kept.arn, found) == ("confirmed", f"it is SUCCEEDED, and refers to {len(ACTS)} receipts")
    status, reason = asked(another, found)
    assert (status, reason.partition(":")[0]) == ("differs", "it answered other receipts than the bundle's")
    assert asked(another, without) == ("unanswered", "it is SUCCEEDED, and refers to no receipt of the bundle")


def test_a_bundle_of_an_execution_that_failed_is_confirmed_as_what_it_says(kept, tmp_path):
    arn = kept.site.begin("atlas-refuted", fail="restore")
    kept.site.ended(arn)
    found = _sealed_by_its_execution(kept, "atlas-refuted", ACTS[: ACTS.index("restore")])

    rows = corroborate(found, Auditor(endpoint=kept.site.world.endpoint, execution_arn=arn), tmp_path)

    assert [(row.status, row.reason) for row in rows if row.what == f"the history of {arn}"] == [
        ("confirmed", "it is FAILED, and refers to 4 receipts")
    ]


def test_a_history_that_the_platform_keeps_no_longer_is_unanswered(kept, tmp_path):
    found = inspect(kept.bundle, catalog.types())
    (number,) = [n for n, file in enumerate(found.receipts) if file.receipt.phase == "read_execution"]
    file = found.receipts[number]
    facts: Any = file.receipt.observed
    old = replace(facts, run=replace(facts.run, stopped_at="2026-01-01T00:00:00.000Z"))
    found.receipts[number] = replace(file, receipt=replace(file.receipt, observed=old))
    gone = f"{kept.arn}-not"

    rows = corroborate(found, Auditor(endpoint=kept.site.world.endpoint, execution_arn=gone), tmp_path)

    (row,) = [row for row in rows if row.what == f"the history of {gone}"]
    assert row.status == "unanswered"
    assert "a history is kept for 90 days" in row.reason


def test_an_execution_of_another_account_is_asked_for_nowhere(kept, tmp_path):
    elsewhere = kept.arn.replace("444455556666", "111122223333")

    status, reason = kept.ask(tmp_path, execution_arn=elsewhere)[f"the history of {elsewhere}"]

    assert (status, reason.partition(";")[0]) == (
        "unanswered",
        "--execution-arn is of another place than the settings",
    )


def test_a_world_in_a_box_is_asked_about_no_other_drill_than_its_own(kept, tmp_path):
    found = inspect(kept.bundle, catalog.types())
    assert found.plan is not None
    live = replace(found, plan=replace(found.plan, mode="live"))

    with pytest.raises(Refusal, match="got mode live, --embedded http"):
        corroborate(live, Auditor(endpoint=kept.site.world.endpoint, execution_arn=kept.arn), tmp_path)
    with pytest.raises(Refusal, match="got mode rehearsal, --embedded not said"):
        corroborate(found, Auditor(execution_arn=kept.arn), tmp_path)


def test_what_was_never_stored_is_no_object_that_is_confirmed(kept, tmp_path):
    problem = StoredFile(
        path="receipts/a.json", sha256="0" * 64, uri="", version=None, etag="", was_there=False,
        retention_mode=None, retained_until=None, problem="s3:PutObject: AccessDenied",
    )  # fmt: skip
    stored = StoredReceipts(
        place=f"s3://{BUCKET}/kept", owner="444455556666", object_lock=False, retain_until=None, files=(problem,),
        intents=0, intents_missing=(),
    )  # fmt: skip
    (kept.bundle / STORED).write_bytes(canonical(encode(stored)))
    try:
        told = kept.ask(tmp_path)
    finally:
        (kept.bundle / STORED).unlink()

    assert told["receipts/a.json"] == ("unanswered", "it was never stored: s3:PutObject: AccessDenied")
