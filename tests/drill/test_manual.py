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


def by_hand(operator, drill, *words, phase="restore", run_id="hand"):
    """Record a manual act, and return the process and the drill that it left."""
    done = operator.cli(
        "record-manual",
        "--person",
        "ben",
        "--phase",
        phase,
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


RUN_IT = """
import json, os
from kubernetes import client, config
config.load_kube_config(os.environ["KUBECONFIG"])
job = json.load(open(os.environ["DRPROOF_MANIFEST"]))
client.BatchV1Api().create_namespaced_job(job["metadata"]["namespace"], job)
"""


def test_a_job_that_a_person_created_is_looked_at_as_validation_looks(operator):
    up = operator.drill("--run-id", "up", "--stop-after", "restore", "--teardown", "false")
    assert up.status == 0, up.output

    told, wished = by_hand(operator, up, "--witness", "it has run", phase="validate", run_id="wished")
    assert told.returncode == 1
    assert wished.outcomes["validate"] == "failed"
    assert "0 Jobs with the labels" in wished.receipts["validate"]["reason"]

    done, hand = by_hand(operator, wished, "--", sys.executable, "-c", RUN_IT, phase="validate")

    assert done.returncode == 0, hand.output
    seen = hand.receipts["validate"]
    assert (seen["outcome"], seen["by_hand"], seen["manual"]["exit_status"]) == ("passed", ["validate"], 0)
    judged = {"validation_ran_what_was_backed_up", "validation_container_succeeded[workload]", "validation_could_not_publish",
              "restored_state_is_what_was_backed_up[state.tar.zst]", "validation_ran_the_pinned_image[workload]"}  # fmt: skip
    assert judged <= hand.named("proven")
    assert all(hand.verdicts[name]["by_hand"] == ["validate"] for name in judged)
    assert hand.verified().status == 0

    (line,) = [line for line in done.stdout.splitlines() if line.startswith("to go on: ")]
    _, *rest = shlex.split(line.removeprefix("to go on: "))
    last = operator.run(*rest, "--run-id", "last")

    assert last.status == 0, last.output
    made = [call for call in last.calls if call["action"] == "create jobs" and call["status"] == 201]
    assert len(made) == 1, "drproof has made none beside it"
    assert last.inventory["clusters"] == []


START_IT = """
import os, boto3
tags = {"Name": "atlas-dr-runner", "Purpose": "atlas-dr", "ManagedBy": "terraform", "drproof:drill": os.environ["DRPROOF_DRILL"]}
said = [{"Key": name, "Value": value} for name, value in tags.items()]
boto3.client("ec2").run_instances(
    ImageId="resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    InstanceType="t4g.medium", SubnetId="embedded", MinCount=1, MaxCount=1,
    TagSpecifications=[{"ResourceType": kind, "Tags": said} for kind in ("instance", "volume", "network-interface")],
)
"""


@pytest.mark.exhaustive
def test_a_machine_that_a_person_started_carries_the_drill_and_is_left_to_them(operator):
    words = ("--scenario", "terraform-lock-held", "--stop-after", "bringup", "--teardown", "false")
    begun = operator.drill("--run-id", "begun", *words)
    assert begun.outcomes["bringup"] == "blocked", begun.output

    told, wished = by_hand(operator, begun, "--witness", "it runs", phase="bringup", run_id="wished")
    assert (told.returncode, wished.outcomes["bringup"]) == (1, "failed")
    assert "no machine is this drill's" in wished.receipts["bringup"]["reason"]

    _, hand = by_hand(operator, wished, "--", sys.executable, "-c", START_IT, phase="bringup")

    assert hand.outcomes["bringup"] == "passed", hand.output
    seen = hand.receipts["bringup"]["observed"]
    assert (seen["start"], seen["created"], seen["changed"], seen["planned"]) == ("cold", 1, None, None)
    again = ("--start-at", "restore", "--stop-after", "restore", "--receipt-dir", "reports/hand")
    last = operator.drill("--run-id", "last", *again)

    assert last.outcomes["restore"] == "passed", last.output
    started = last.verdicts["runner_was_started_by_this_drill"]
    assert (started["status"], started["by_hand"]) == ("proven", ["bringup"])
    assert last.verdicts["applied_is_what_was_planned"]["status"] == "unproven"
    assert (last.status, last.closing["outcome"]) == (1, "refuted")
    (left,) = [row for row in last.receipts["teardown"]["observed"]["residue"] if row["kind"] == "instance"]
    assert left["identity"] in seen["instance_ids"]
    assert left["remove_command"].startswith("look whose it is, no journal of this drill made it")
    ended = [
        call for call in last.calls if call["action"] == "TerminateInstances" and left["identity"] in call["named"]
    ]
    assert ended == []
    assert [machine["id"] for machine in last.inventory["instances"]] == [left["identity"]]
