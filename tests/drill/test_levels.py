"""One rehearsal with everything that a level of assurance asks for reaches L4; each ingredient that is missing costs it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from drproof.evidence.trust import keyid_of
from drproof.targets import embedded
from tests.authority import serving
from tests.drill.conftest import Drill, Operator

pytestmark = pytest.mark.exhaustive
"""One drill with every ingredient, and then each bundle that lacks one: minutes."""

ALIAS = "alias/drproof-drills"
STORE = "s3://atlas-receipts/atlas/dr-orchestrator/receipts"


@dataclass(frozen=True)
class Audit:
    """A sealed drill, and all that its auditor has."""

    operator: Operator
    drill: Drill
    endpoint: str
    trust: dict[str, Any]

    def client(self, service: str) -> Any:
        issued = embedded.credentials(self.endpoint)["recovery"]
        return boto3.Session().client(  # type: ignore[call-overload] # any of two services
            service,
            endpoint_url=self.endpoint,
            region_name="us-west-2",
            aws_access_key_id=issued["access_key_id"],
            aws_secret_access_key=issued["secret_access_key"],
            aws_session_token=issued.get("session_token"),
        )

    def verify(self, folder: Path, *words: str, bundle: Path | None = None, **trust: Any) -> tuple[int, dict[str, Any]]:
        """Return exit status and findings of a verification by a trust file that may lack something."""
        done = self.cli(folder, *words, bundle=bundle, **trust)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def cli(
        self, folder: Path, *words: str, bundle: Path | None = None, **trust: Any
    ) -> "subprocess.CompletedProcess[str]":
        path = folder / "auditor.json"
        path.write_text(json.dumps({**self.trust, **trust}))
        place = str(bundle or self.drill.bundle)
        return self.operator.cli("verify", place, "--trust", str(path), "--accept-rehearsal", "--json", *words)

    def corroborate(self, folder: Path, *, words: tuple[str, ...] = (), **more: Any) -> tuple[int, dict[str, Any]]:
        asking = ("--corroborate", "--embedded", self.endpoint, "--require-level", "L4")
        return self.verify(folder, *asking, *words, **more)


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Audit]:
    folder = tmp_path_factory.mktemp("levels")
    operator, kept = Operator(folder), folder / "kept-world"
    world = embedded.start(folder, scenario="none", linger=3600)
    with serving() as authority:
        drill = operator.drill(
            "-p", "tests.drill.keep_world", "--run-id", "levels", "--provisioner", "direct",
            "--signer", f"awskms:{ALIAS}", "--receipt-uri", STORE, "--tsa", authority.url,
            KEPT_WORLD=str(kept), DRPROOF_WORLD=str(folder), PYTHONPATH=str(pytestconfig.rootpath),
        )  # fmt: skip
        assert drill.status == 0, drill.output
        assert kept.read_text() == world.endpoint, "the run would have ended it"
        assert operator.cli("keys", "init", str(folder / "hers"), "--role", "approver").returncode == 0
        decided = operator.cli(
            "sign-off", str(drill.bundle), "--signer", f"file2:{folder}/hers/approver.key", "--person", "Ada",
            "--reason", "seen and understood",
        )  # fmt: skip
        assert decided.returncode == 0, decided.stderr
        trust = json.loads((folder / "hers/trust.json").read_text())
        found = Audit(operator, drill, world.endpoint, trust)
        der = found.client("kms").get_public_key(KeyId=ALIAS)["PublicKey"]
        key = load_der_public_key(der)
        runner = {
            **trust["keys"][0],
            "role": "runner",
            "custody": "non_exportable",
            "keyid": keyid_of(key),  # type: ignore[arg-type]  # one of the two kinds that bundles know
            "public_key": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        }
        trust["keys"].append(runner)
        trust["authorities"] = [{"name": "time of the tests", "certificate": authority.pem}]
        yield found
    world.stop()


def test_without_the_platforms_word_it_is_of_the_level_before(audit, tmp_path):
    status, told = audit.verify(tmp_path, "--require-level", "L3")
    assert (status, told["level"]) == (0, "L3"), told

    status, told = audit.verify(tmp_path, "--require-level", "L4")
    assert (status, told["level"], [one["code"] for one in told["findings"]]) == (5, "L3", ["level"])


def test_a_rehearsal_with_every_ingredient_reaches_the_last_level_and_each_that_is_missing_costs_its_own(
    audit, tmp_path
):
    _reaches_the_last(audit, tmp_path)
    _each_missing_ingredient_costs_its_level(audit, tmp_path)
    _what_was_heard_can_be_kept_and_read_by_others(audit, tmp_path)
    # It comes last: what is taken from the platform is gone for all.
    _what_the_platform_lost_takes_every_level_away(audit, tmp_path)


def _reaches_the_last(audit: Audit, folder: Path) -> None:
    status, told = audit.corroborate(folder)

    assert (status, told["level"]) == (0, "L4"), told
    asked = {row["what"]: row["status"] for row in told["corroboration"]}
    assert set(asked.values()) == {"confirmed"}
    assert sum(what.startswith(STORE) for what in asked) > 20, "each stored object was asked for under its version"
    assert f"nothing carries drproof:drill={told['drill']}" in asked


def _each_missing_ingredient_costs_its_level(audit: Audit, folder: Path) -> None:
    runner, approver = audit.trust["keys"][1], audit.trust["keys"][0]
    undated, unsigned_off = folder / "undated", folder / "unsigned-off"
    for copy, pattern in ((undated, "*.tsr"), (unsigned_off, "sign-off-*")):
        shutil.copytree(audit.drill.bundle, copy)
        (gone,) = (copy / "after").glob(pattern)
        gone.unlink()
    levels: dict[str, dict[str, Any]] = {
        "L0: nobody's key is trusted": {"keys": []},
        "L1: the runner's key could be copied": {"keys": [approver, {**runner, "custody": "file"}]},
        "L1: nobody signed off": {"bundle": unsigned_off},
        "L2: no authority dated it": {"bundle": undated},
        "L2: whose time it is, nobody says": {"authorities": []},
    }
    for what, missing in levels.items():
        status, told = audit.corroborate(folder, **missing)

        assert told["level"] == what[:2], (what, told)
        assert status == 5, (what, told)


def _what_was_heard_can_be_kept_and_read_by_others(audit: Audit, folder: Path) -> None:
    made = audit.operator.cli("keys", "init", str(folder / "auditor"), "--role", "collector")
    assert made.returncode == 0, made.stderr
    auditor = json.loads((folder / "auditor/trust.json").read_text())["keys"]
    record, signer = folder / "record.dsse.json", f"file2:{folder}/auditor/collector.key"
    status, told = audit.corroborate(folder, words=("--record", str(record), "--signer", signer))
    assert (status, told["level"]) == (0, "L4")
    assert f"signed by {auditor[0]['keyid']}" in told["record"]

    keys = [*audit.trust["keys"], *auditor]
    status, read = audit.verify(folder, "--record", str(record), keys=keys)
    assert (status, read["level"]) == (0, "L3"), "a reader did not ask"
    assert read["corroboration"] == told["corroboration"]
    assert f"{auditor[0]['keyid']} asked the platform at " in read["record"]

    for words, trusted, said in (
        (("--record", str(record)), audit.trust["keys"], "no collector's key in the trust file"),
        (("--signer", signer), keys, "--signer signs what the platform said"),
        (("--corroborate", "--record", str(folder / "new")), keys, "a record that nobody signs"),
        (("--corroborate", "--record", str(record), "--signer", signer), keys, "is there already"),
    ):
        refused = audit.cli(folder, *words, keys=trusted)
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr


def _what_the_platform_lost_takes_every_level_away(audit: Audit, folder: Path) -> None:
    stored = audit.drill.read("receipts-store.json")["files"][-1]
    bucket, _, key = stored["uri"].removeprefix("s3://").partition("/")
    audit.client("s3").delete_object(
        Bucket=bucket, Key=key, VersionId=stored["version"], BypassGovernanceRetention=True
    )

    status, told = audit.corroborate(folder)

    assert (status, told["level"]) == (1, "L0")
    assert [row["what"] for row in told["corroboration"] if row["status"] == "differs"] == [
        f"{stored['uri']} version {stored['version']}"
    ]
