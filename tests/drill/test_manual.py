"""A phase that failed is done by hand, on record: what a person did carries no claim that drproof has not seen."""

import hashlib
import shlex
import sys

import pytest

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/atlas"
DRPROOF = (sys.executable, "-c", "from drproof.cli import main; main()")


@pytest.fixture
def broken(operator):
    """A drill whose restore failed at its last object, kept up."""
    drill = operator.drill(
        "--provisioner", "direct", "--scenario", "pull-secret-refused-once",
        "--run-id", "broken", "--stop-after", "restore", "--teardown", "false",
    )  # fmt: skip
    assert drill.outcomes["restore"] == "failed", drill.output
    yield drill
    operator.drill("--start-at", "teardown", "--receipt-dir", "reports/broken")


def by_hand(operator, drill, *words, run_id="hand"):
    """Record a manual act, and return the process and the drill that it left."""
    done = operator.cli(
        "record-manual",
        "--person",
        "ben",
        "--phase",
        "restore",
        "--drill",
        str(drill.bundle),
        "--run-id",
        run_id,
        *words,
    )
    return done, type(drill)(done.returncode, done.stdout + done.stderr, drill.bundle.with_name(run_id))


def test_a_restore_by_hand_is_looked_at_and_every_verdict_on_it_says_so(operator, broken):
    image = broken.receipts["restore"]["image_ref"]
    words = (*DRPROOF, "pull-secret", "--namespace", "atlas", "--image-ref", image, "--drill", str(broken.bundle))
    who = ("--person", "ada", "--ticket", "CHG-7")

    told, wished = by_hand(operator, broken, "--witness", "the secret is there", run_id="wished")
    assert told.returncode == 1
    assert (wished.outcomes["restore"], wished.receipts["restore"]["manual"]["kind"]) == ("failed", "witness")
    assert wished.receipts["restore"]["reason"].endswith("objects are not in atlas: Secret/ecr-pull")

    # Each attempt builds on the one before, so that the last window puts all of them away.
    done, hand = by_hand(operator, wished, *who, "--", *words)

    assert done.returncode == 0, hand.output
    receipt = hand.receipts["restore"]
    assert (receipt["outcome"], receipt["by_hand"]) == ("passed", ["restore"])
    act = receipt["manual"]
    assert (act["kind"], act["person"], act["ticket"], act["exit_status"]) == ("command", "ada", "CHG-7", 0)
    assert receipt["caller"]["account_id"] == "444455556666"
    (kept,) = [ref for ref in receipt["evidence"] if ref["name"] == "manual"]
    assert kept["sha256"] == act["output"]
    assert hashlib.sha256((hand.bundle / kept["path"]).read_bytes()).hexdigest() == act["output"]
    assert any(line.startswith("namespace=atlas") for line in hand.read(kept["path"])["lines"])
    assert hand.read("plan.json")["manual_phase"] == "restore"
    assert hand.receipts["bringup"]["by_hand"] == []
    assert hand.verified().status == 0
    assert "to go on: pytest -m drill --start-at validate --receipt-dir" in done.stdout

    (line,) = [line for line in done.stdout.splitlines() if line.startswith("to go on: ")]
    _, *rest = shlex.split(line.removeprefix("to go on: "))
    last = operator.run(*rest, "--run-id", "last")

    assert last.status == 0, last.output
    assert last.outcomes["validate"] == "passed"
    assert last.receipts["restore"]["inherited_from"] is not None
    assert last.receipts["validate"]["by_hand"] == ["restore"]
    assert last.verdicts["every_manifest_was_restored"]["by_hand"] == ["restore"]
    assert last.verdicts["canary_was_read_in_the_cluster"]["by_hand"] == ["restore"]
    assert last.verdicts["backup_object_matches_its_metadata[state.tar.zst]"]["by_hand"] == []
    checked = last.verified()
    assert checked.status == 0
    assert "that restore works without a person: it was done by hand" in checked.not_shown
    assert "done by hand: restore" in (last.bundle / "proof.html").read_text()
    assert "by hand: restore, by ada, ticket CHG-7, exit status 0" in last.output
    assert last.read("test-result.json")["predicate"]["result"] == "WARNED"
    assert list((operator.folder / "reports").glob("*.private")) == []
