"""Keys are made, believed and used from the command line, and a bundle is verified with them."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.drill.conftest import Operator


def verify(
    operator: Operator, bundle: Path, *words: str, trust: str = ".drproof/trust.json"
) -> tuple[int, dict[str, Any]]:
    said = operator.cli("verify", str(bundle), "--trust", trust, "--json", *words)
    assert said.stderr == ""
    return said.returncode, json.loads(said.stdout)


def test_a_rehearsal_makes_the_projects_own_key_once_and_signs_with_it(operator, closed):
    folder = operator.folder / ".drproof"

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "runner.key").stat().st_mode & 0o777 == 0o600
    assert (folder / ".gitignore").read_text() == "*\n"
    keyid = json.loads((folder / "trust.json").read_text())["keys"][0]["keyid"]
    assert f"signed with the key {keyid}" in closed.output
    again = operator.run("-m", "backup-check", "--target", "embedded", "--run-id", "again")
    assert f"signed with the key {keyid}" in again.output


def test_every_statement_of_a_rehearsal_is_signed_and_no_file_of_it_holds_the_key(operator, closed):
    private = (operator.folder / ".drproof/runner.key").read_bytes()
    secret = base64.b64decode(private.split(b"-----")[2])[-32:]
    statements = sorted(closed.bundle.rglob("*.dsse.json"))

    assert len(statements) == 2 + len(list((closed.bundle / "receipts").iterdir()))
    assert all(len(json.loads(path.read_bytes())["signatures"]) == 1 for path in statements)
    for path in closed.bundle.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert secret not in data
            assert base64.b64encode(secret)[:40] not in data


def test_verify_decides_with_the_exit_statuses_of_the_specification(operator, copy):
    assert verify(operator, copy)[0] == 5
    status, found = verify(operator, copy, "--accept-rehearsal")
    assert (status, found["exit"], found["level"], found["outcome"], found["full"]) == (0, 0, "L1", "proven", True)
    assert found["findings"] == []
    assert verify(operator, copy, "--accept-rehearsal", "--require-level", "L2")[0] == 5

    page = copy / "proof.html"
    page.write_bytes(page.read_bytes() + b" ")
    status, found = verify(operator, copy, "--accept-rehearsal")
    assert (status, [(row["code"], row["path"]) for row in found["findings"]]) == (1, [("file-changed", "proof.html")])

    (copy / "closing.dsse.json").unlink()
    assert verify(operator, copy, "--accept-rehearsal")[0] == 4
    assert verify(operator, copy, "--expect-drill", "another")[1]["findings"][-1]["code"] in {"rehearsal", "drill"}
    for path in copy.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert verify(operator, copy)[0] == 2


def test_without_a_trust_file_nobodys_signature_counts_and_the_next_step_is_named(operator, copy):
    said = operator.cli("verify", str(copy), "--accept-rehearsal")

    assert said.returncode == 5
    assert "key-unknown" in said.stdout
    assert "next: obtain the runner's public key on another way" in said.stdout
    assert "who made it (L0)" in said.stdout
    (copy / "closing.dsse.json").unlink()
    unfinished = operator.cli("verify", str(copy), "--accept-rehearsal")
    assert unfinished.returncode == 4
    assert "NOT AUTHENTIC, AND INCOMPLETE" in unfinished.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--require-level", "L9"), "--require-level L9; expected one of L0, L1"),
        (("--max-age", "yesterday"), "--max-age: expected a duration"),
        (("--trust", "nowhere.json"), "nowhere.json cannot be read"),
    ],
)
def test_misuse_of_verify_is_exit_2_and_says_what_was_expected(operator, copy, words, said):
    found = operator.cli("verify", str(copy), *words)

    assert found.returncode == 2
    assert said in found.stdout
    assert "Traceback" not in found.stdout + found.stderr


def test_an_approver_signs_off_with_a_key_of_their_own_and_no_runner_can(operator, copy, tmp_path):
    made = operator.cli("keys", "init", str(tmp_path / "hers"), "--role", "approver")
    assert made.returncode == 0, made.stderr
    words = ("--person", "Ada", "--reason", "it was shown", "--ticket", "DR-7")
    own = operator.cli("sign-off", str(copy), "--signer", f"file2:{operator.folder}/.drproof/runner.key", *words)
    assert own.returncode == 2
    assert "nobody approves their own work" in own.stderr
    assert not (copy / "after").exists()

    done = operator.cli("sign-off", str(copy), "--signer", f"file2:{tmp_path}/hers/approver.key", *words)
    assert done.returncode == 0, done.stderr
    assert [row["code"] for row in verify(operator, copy, "--accept-rehearsal")[1]["findings"]] == ["key-unknown"]
    both = tmp_path / "both.json"
    keys = [
        json.loads(path.read_text())["keys"][0]
        for path in (operator.folder / ".drproof/trust.json", tmp_path / "hers/trust.json")
    ]
    both.write_text(json.dumps({"schema_version": 1, "keys": keys, "authorities": []}))
    status, found = verify(operator, copy, "--accept-rehearsal", trust=str(both))
    assert (status, [row["role"] for row in found["signers"]]) == (0, ["runner", "approver"])


def test_a_bundle_that_is_not_closed_cannot_be_signed_off(operator, copy, tmp_path):
    operator.cli("keys", "init", str(tmp_path / "hers"), "--role", "approver")
    (copy / "closing.dsse.json").unlink()

    said = operator.cli(
        "sign-off", str(copy), "--signer", f"file2:{tmp_path}/hers/approver.key", "--person", "Ada", "--reason", "r"
    )

    assert said.returncode == 2
    assert "holds no closed bundle" in said.stderr


def test_keys_init_makes_what_only_its_owner_can_read_and_never_replaces_it(operator, tmp_path):
    folder = tmp_path / "deep" / "keys"
    said = operator.cli("keys", "init", str(folder))

    assert said.returncode == 0, said.stderr
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "runner.key").stat().st_mode & 0o777 == 0o600
    keyid = said.stdout.splitlines()[0].removeprefix("key id: ")
    assert json.loads((folder / "trust.json").read_text())["keys"][0]["keyid"] == keyid
    before = (folder / "runner.key").read_bytes()
    again = operator.cli("keys", "init", str(folder))
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert (folder / "runner.key").read_bytes() == before


def test_keys_init_refuses_a_folder_that_others_can_read(operator, tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)

    said = operator.cli("keys", "init", str(tmp_path / "open"))

    assert said.returncode == 2
    assert "can be read by others" in said.stderr
    assert list((tmp_path / "open").iterdir()) == []
