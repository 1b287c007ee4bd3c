"""Published runs in buckets: read whole, told from what nobody answers for, and compared where they lie."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from typer.testing import CliRunner, Result

from drproof.cli.app import app
from drproof.targets import embedded
from drproof.targets.sites import AwsTarget
from tests.cli.runs import FILES, bodies, report_of, run_of, write
from tests.contracts.reasoning_of_runs import CONTENTS, RUN
from tests.targets.conftest import NAMES, make_intent

BUCKET = NAMES["primary"]["bucket"]
COPIED = tuple(FILES)


class Site:
    """A published run below a prefix of its own, and the command that verifies it."""

    def __init__(self, world: embedded.World) -> None:
        issued = embedded.credentials(world.endpoint)["primary"]
        make: Any = boto3.client
        self.endpoint = world.endpoint
        self.prefix = f"test-{secrets.token_hex(4)}"
        self.s3 = make(
            "s3",
            region_name=issued["region"],
            endpoint_url=world.endpoint,
            aws_access_key_id=issued["access_key_id"],
            aws_secret_access_key=issued["secret_access_key"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def put(self, key: str, body: bytes, **more: Any) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{key}", Body=body, **more)

    def publish(self, contents: dict[str, Any] | None = None, *, run: str = RUN) -> None:
        for kind, body in bodies(contents).items():
            self.put(f"runs/{run}/openai/cs/{FILES[kind]}", body)
            self.put(f"latest/openai/cs/{FILES[kind]}", body)
        self.put(f"runs/{run}/run_report.json", report_of(run, contents))

    def verify(self, *options: str) -> Result:
        words = ["verify-published", "--bucket", BUCKET, "--run-id", RUN, "--prefix", self.prefix]
        return CliRunner().invoke(app, [*words, "--embedded", self.endpoint, *options])

    def found(self, *options: str) -> dict[str, Any]:
        said = self.verify("--json", *options)
        document: dict[str, Any] = json.loads(said.stdout)
        assert document["ok"] is (said.exit_code == 0)
        assert said.exit_code == (
            2 if document["missing"] or document["mismatched"] else 3 if document["unanswered"] else 0
        )
        return document


@pytest.fixture
def site(world: embedded.World) -> Site:
    return Site(world)


def test_a_run_as_promised_is_ok_and_its_colons_and_plus_stand_in_keys(site: Site) -> None:
    site.publish()

    found = site.found("--verify-latest")

    assert set(found) == {"ok", "missing", "mismatched", "unanswered", "checked", "elapsed_ms", "mode"}
    assert (found["ok"], found["mode"]) == (True, "rehearsal")
    keys = [entry["s3_key"] for entry in found["checked"]]
    assert keys == sorted(f"{site.prefix}/runs/{RUN}/openai/cs/{file}" for file in FILES.values()) + sorted(
        f"{site.prefix}/latest/openai/cs/{FILES[kind]}" for kind in COPIED
    )
    assert site.verify().output.startswith("ok: 4 objects checked in ")


def test_one_flipped_bit_of_the_right_size_is_found(site: Site) -> None:
    site.publish()
    body = bodies()["ranked_csv"]
    key = f"runs/{RUN}/openai/cs/{FILES['ranked_csv']}"
    site.put(key, body[:-2] + bytes([body[-2] ^ 1]) + body[-1:])

    found = site.found()

    (mismatch,) = found["mismatched"]
    assert mismatch.startswith(f"{site.prefix}/{key}: sha256_mismatch expected={hashlib.sha256(body).hexdigest()}")
    assert found["missing"] == []
    said = site.verify()
    assert said.output.splitlines()[0] == f"mismatched: {mismatch}"
    assert said.output.splitlines()[-1].startswith("not ok: 4 objects checked")


def test_a_stale_latest_copy_is_found_when_it_is_asked_for(site: Site) -> None:
    site.publish()
    site.put(f"latest/openai/cs/{FILES['ranked_json']}", b"[]")

    words = {text.partition(": ")[2].partition(" ")[0] for text in site.found("--verify-latest")["mismatched"]}

    assert words == {"bytes_mismatch", "sha256_mismatch", "latest_differs_from_its_run"}
    assert site.found()["ok"], "an earlier run is none the worse for what lies there"


def test_an_object_that_is_not_there_is_missing_and_one_that_nobody_answers_for_is_not(site: Site) -> None:
    site.publish()
    key = f"{site.prefix}/runs/{RUN}/openai/cs/{FILES['shortlist_md']}"
    site.s3.delete_object(Bucket=BUCKET, Key=key)

    assert (site.found()["missing"], site.found()["unanswered"]) == ([key], [])


def test_a_bucket_of_another_owner_answers_for_nothing(site: Site, tmp_path: Path) -> None:
    site.publish()
    write(tmp_path, {"run_report.json": report_of()})

    found = site.found("--run-dir", str(tmp_path), "--bucket-owner", "999999999999")

    assert (found["missing"], found["mismatched"]) == ([], [])
    assert len(found["unanswered"]) == 4
    assert all("AccessDenied" in text for text in found["unanswered"])
    assert site.verify("--bucket-owner", "999999999999").exit_code == 3, "not even the report was answered for"


def test_an_unpublished_report_and_no_bucket_are_misuse_with_the_next_step(site: Site, tmp_path: Path) -> None:
    said = site.verify()
    assert said.exit_code == 2
    assert "next: name --plan-json, or the --prefix below which the run is published" in said.stderr
    write(tmp_path, {"run_report.json": report_of()})
    assert site.verify("--bucket", "nobody-has-this", "--run-dir", str(tmp_path)).exit_code == 2
    nowhere = site.verify("--bucket", "nobody-has-this")
    assert nowhere.exit_code == 2
    assert "NoSuchBucket" in nowhere.stderr, "a bucket that is not there is not a report that is not published"
    assert "next: aws s3 ls" in nowhere.stderr


def test_a_plan_file_decides_what_is_checked_and_a_latest_copy_of_another_plan_is_refuted(
    site: Site, tmp_path: Path
) -> None:
    site.publish()
    found = site.found("--verify-latest")
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"plan": [entry for entry in found["checked"] if "ranked_csv" in entry["logical_key"]]}))
    assert [entry["kind"] for entry in site.found("--plan-json", str(plan), "--verify-latest")["checked"]] == [
        "runs",
        "latest",
    ]
    stale = [
        {**entry, "sha256": "0" * 64} if entry["kind"] == "latest" else entry
        for entry in json.loads(plan.read_text())["plan"]
    ]
    plan.write_text(json.dumps(stale))

    words = {
        text.partition(": ")[2].partition(" ")[0]
        for text in site.found("--plan-json", str(plan), "--verify-latest")["mismatched"]
    }

    assert words == {"sha256_mismatch", "latest_sha_mismatch"}


def test_a_plan_of_another_prefix_says_nothing_of_the_one_that_is_meant(site: Site, tmp_path: Path) -> None:
    site.publish()
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(site.found("--verify-latest")))

    meant = site.verify("--plan-json", str(plan), "--prefix", "production")
    beside = site.verify("--plan-json", str(plan), "--prefix", site.prefix[:-1])

    for said in (meant, beside):
        assert said.exit_code == 2, said.output
        assert "which does not lie below the prefix" in said.stderr
        assert f"next: --prefix {site.prefix}, where that is the one that is meant" in said.stderr
    assert site.verify("--plan-json", str(plan), "--prefix", f"{site.prefix}/").exit_code == 0


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ([], "expected a list of entries"),
        ({"entries": []}, "expected a list of entries"),
        ([{}], "entry 0 of the plan has the logical_key None"),
        ("not JSON", "not JSON"),
        ("another run", "which is no object of run"),
        ("a copy that is the run's own object", "which is no latest copy"),
        ("no digest", "expected 64 hex digits"),
        ("true bytes", "expected a whole number"),
        ("another kind", "expected runs or latest"),
    ],
)
def test_a_plan_that_promises_nothing_or_something_else_is_misuse(tmp_path: Path, plan: Any, reason: str) -> None:
    entry: dict[str, Any] = {
        "logical_key": "openai:cs:top_md",
        "local_path": "top.md",
        "sha256": "0" * 64,
        "bytes": 1,
        "content_type": "text/markdown",
        "s3_key": f"p/runs/{RUN}/openai/cs/top.md",
        "kind": "runs",
    }
    changes: dict[str, dict[str, Any]] = {
        "another run": {"s3_key": "p/runs/other/top.md"},
        "a copy that is the run's own object": {"kind": "latest"},
        "no digest": {"sha256": "x"},
        "true bytes": {"bytes": True},
        "another kind": {"kind": "copies"},
    }
    file = tmp_path / "plan.json"
    changed = [{**entry, **changes[plan]}] if isinstance(plan, str) and plan in changes else plan
    file.write_text("{" if plan == "not JSON" else json.dumps(changed))

    words = ["verify-published", "--bucket", "any", "--run-id", RUN, "--offline", "--plan-json", str(file)]
    said = CliRunner().invoke(app, words)

    assert said.exit_code == 2
    assert reason in said.stderr
    if not isinstance(plan, str) or plan == "not JSON":
        assert said.stderr.startswith(f"drproof: {file}: ")
    assert said.stderr.endswith("next: drproof verify-published --help\n")


def test_offline_looks_at_local_files_and_at_nothing_else(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", {**run_of(), "run_report.json": report_of()})
    words = ["verify-published", "--bucket", "any", "--run-id", RUN, "--offline", "--json"]

    def ask(*options: str) -> tuple[int, dict[str, Any]]:
        said = CliRunner().invoke(app, [*words, *options])
        return said.exit_code, json.loads(said.stdout or "{}")

    status, found = ask("--run-dir", str(folder))
    assert (status, found["ok"], found["mode"]) == (0, True, "offline")
    csv = folder / "openai/cs" / FILES["ranked_csv"]
    csv.write_bytes(csv.read_bytes().replace(b"2.5", b"2.6"))
    (folder / "openai/cs" / FILES["shortlist_md"]).unlink()
    status, found = ask("--run-dir", str(folder))
    assert status == 2
    assert found["missing"] == [f"openai/cs/{FILES['shortlist_md']}"]
    assert [text.partition(" ")[0] for text in found["mismatched"]] == [f"openai/cs/{FILES['ranked_csv']}:"]
    assert "sha256_mismatch" in found["mismatched"][0]
    assert ask()[0] == 2
    write(folder, run_of())
    assert ask("--run-dir", str(folder))[0] == 0
    # A latest copy lies in a bucket: beside itself, the run's own file shows nothing of it.
    assert ask("--run-dir", str(folder), "--verify-latest") == (2, {})
    write(folder, {"run_report.json": report_of("another")})
    assert ask("--run-dir", str(folder))[0] == 2


def test_what_a_plan_names_makes_no_lines_of_its_own(tmp_path: Path) -> None:
    artifact = {"path": "x\nok: 9 objects checked in 1 ms (live)", "bytes": 1, "sha256": "0" * 64}
    write(tmp_path, {"run_report.json": json.dumps({"run_id": RUN, "verifiable_artifacts": {"a": artifact}}).encode()})
    words = ["verify-published", "--bucket", "any", "--run-id", RUN, "--offline", "--run-dir", str(tmp_path)]

    said = CliRunner().invoke(app, words)

    assert said.exit_code == 2
    assert [line.partition(":")[0] for line in said.output.splitlines()] == ["missing", "not ok"]


def test_runs_are_compared_where_they_are_published(site: Site, tmp_path: Path) -> None:
    for name, body in run_of().items():
        site.put(f"runs/{RUN}/{name}", body)
    folder = write(
        tmp_path / "other", run_of(contents={**CONTENTS, "ranked_csv": CONTENTS["ranked_csv"].replace("2.5", "2.6")})
    )
    uri = f"s3://{BUCKET}/{site.prefix}/runs/{RUN}"

    def ask(*words: str) -> Result:
        return CliRunner().invoke(app, ["compare", *words, "--embedded", site.endpoint])

    assert ask(uri, str(write(tmp_path / "same", run_of()))).exit_code == 0
    said = ask(uri, str(folder))
    assert said.exit_code == 1
    assert 'score: left "2.5", right "2.6"' in said.output
    assert ask(uri, f"{uri}-nobody").exit_code == 2
    assert ask(uri, str(folder), "--bucket-owner", "999999999999").exit_code == 2


def test_a_digest_that_the_store_keeps_of_a_whole_object_is_told_and_no_other(
    site: Site, target: AwsTarget, stranger: Callable[[str], Any]
) -> None:
    body = b"kept"
    sha256 = hashlib.sha256(body)
    site.put("kept", body, ChecksumSHA256=base64.b64encode(sha256.digest()).decode())
    store = target.primary.objects

    assert store.stream(BUCKET, f"{site.prefix}/kept")[0].sha256 == sha256.hexdigest()
    bucket = NAMES["recovery"]["bucket"]
    target.recovery.objects.put(make_intent(), bucket, f"{site.prefix}/put", body)
    assert target.recovery.objects.read(bucket, f"{site.prefix}/put")[0].sha256 == sha256.hexdigest()
    stranger("s3").put_object(Bucket=bucket, Key=f"{site.prefix}/crc", Body=body, ChecksumAlgorithm="CRC32")
    assert target.recovery.objects.read(bucket, f"{site.prefix}/crc")[0].sha256 == ""
