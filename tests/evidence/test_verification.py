"""Whether a bundle can be relied on is decided by integrity, the reader's own trust file, and what the reader expects."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drproof.evidence import expectations, statements
from drproof.evidence import trust as trusting
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.documents import Verdicts
from drproof.evidence.expectations import Expectations
from drproof.evidence.files import Problem
from drproof.evidence.statements import SignOff, Withheld
from drproof.evidence.trust import Trust
from drproof.evidence.verification import CLASSES, ORDER, Verification, class_of, status_of, verify
from drproof.model.codec import encode
from drproof.model.criteria import ExpectedContract
from drproof.model.errors import EvidenceError
from drproof.model.signing import Role
from drproof.model.verdict import Status, Verdict
from tests.contracts.observed import at
from tests.evidence.keys import APPROVER, RUNNER, STRANGER, Key, ed25519, p256, trust, trusted
from tests.evidence.test_bundle import CLOSING, OPENING, TYPES, close, edit, plan_of, receipt, sealed

NOW = "2026-12-01T00:00:00.000Z"
KMS = p256("kms", exportable=False)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return sealed(tmp_path / "bundle", signers=(RUNNER,), mode="live")


def decided(
    directory: Path, by: Trust | None = None, *, now: str = NOW, judge: Any = None, **expect: Any
) -> Verification:
    return verify(directory, TYPES, trust=by or trust(), expect=Expectations(**expect), now=now, judge=judge)


def codes(found: Verification) -> set[str]:
    return {problem.code for problem in found.problems}


def signed_off(directory: Path, key: Key, *, decision: Any = "approved", name: str = "one", **changes: Any) -> None:
    said = SignOff(drill_id=plan_of().drill_id, decision=decision, person="p", ticket="t", reason="r", signed_at=at(59))
    subjects = {CLOSING: digest((directory / CLOSING).read_bytes())}
    data = statements.signed(subjects, replace(said, **changes), [key])
    (directory / "after").mkdir(exist_ok=True)
    (directory / f"after/{name}.dsse.json").write_bytes(data)


def test_a_bundle_that_a_trusted_runner_signed_is_authentic_and_proven(bundle):
    found = decided(bundle)

    assert (found.status, found.level, codes(found)) == (0, 1, set())
    assert [key.keyid for key in found.signers] == [RUNNER.keyid]
    assert any("the runner told the truth" in what for what in found.not_shown)
    assert any("nothing was expected of its drill, nonce" in what for what in found.not_shown)


@pytest.mark.parametrize(
    ("by", "code"),
    [
        (trust(trusted(STRANGER)), "key-unknown"),
        (Trust(), "key-unknown"),
        (trust(trusted(RUNNER, Role.APPROVER)), "key-role"),
        (trust(trusted(RUNNER, Role.COLLECTOR)), "key-role"),
        (trust(trusted(RUNNER, not_after="2020-01-01T00:00:00.000Z")), "key-expired"),
        (trust(trusted(RUNNER, not_before="2040-01-01T00:00:00.000Z")), "key-not-yet"),
        (trust(trusted(RUNNER, revoked_at="2040-01-01T00:00:00.000Z", reason="lost")), "key-revoked"),
    ],
)
def test_a_signature_that_does_not_count_leaves_no_level(bundle, by, code):
    found = decided(bundle, by)

    assert (found.status, found.level) == (5, 0)
    assert codes(found) == {code}


def test_a_bundle_that_nobody_signed_is_not_authentic(tmp_path):
    found = decided(sealed(tmp_path / "bundle", mode="live"))

    assert (found.status, found.level, codes(found)) == (5, 0, {"unsigned"})


@pytest.mark.parametrize("part", [OPENING, "checkpoints/02-read_restore_point.dsse.json"])
def test_one_unsigned_statement_is_enough_to_leave_no_level(tmp_path, part):
    unsigned = sealed(tmp_path / "other", mode="live")
    directory = sealed(tmp_path / "bundle", signers=(RUNNER,), mode="live")
    (directory / part).write_bytes((unsigned / part).read_bytes())

    found = decided(directory)
    assert "unsigned" in codes(found)
    assert found.level == 0


def test_a_signature_of_another_key_under_a_trusted_name_is_a_forgery(tmp_path):
    class Pretender(Key):
        keyid = RUNNER.keyid

    directory = sealed(tmp_path / "bundle", signers=(Pretender(STRANGER.private),), mode="live")

    found = decided(directory)
    assert (found.status, codes(found)) == (1, {"signature"})


def test_every_signature_has_to_count_whoever_stands_beside_it(tmp_path):
    directory = sealed(tmp_path / "bundle", signers=(RUNNER, STRANGER), mode="live")

    assert codes(decided(directory)) == {"key-unknown"}
    assert codes(decided(directory, trust(trusted(RUNNER), trusted(STRANGER)))) == set()


def test_a_drill_may_be_finished_by_another_trusted_runner(bundle):
    second = ed25519("second runner")
    (bundle / CLOSING).unlink()
    close(bundle, replace(plan_of(), mode="live"), (second,))

    assert codes(decided(bundle)) == {"key-unknown"}
    found = decided(bundle, trust(trusted(RUNNER), trusted(second)))
    assert (found.status, found.level) == (0, 1)


def test_an_approver_with_a_key_of_their_own_and_a_runner_whose_key_nobody_can_copy_make_level_two(tmp_path):
    directory = sealed(tmp_path / "bundle", signers=(KMS,), mode="live")
    by = trust(trusted(KMS), trusted(APPROVER, Role.APPROVER))

    assert decided(directory, by).level == 1
    signed_off(directory, APPROVER, decision="rejected")
    assert decided(directory, by).level == 1, "a rejection approves nothing"
    signed_off(directory, APPROVER, name="two")
    assert decided(directory, by).level == 1, "an approval does not outvote it"
    (directory / "after/one.dsse.json").unlink()
    assert (decided(directory, by).status, decided(directory, by).level) == (0, 2)
    assert decided(directory, by, level=3).status == 5


def test_a_key_that_could_be_copied_makes_no_level_two(bundle):
    signed_off(bundle, APPROVER)

    assert decided(bundle).level == 1
    assert codes(decided(bundle, level=2)) == {"level"}


def test_nobody_approves_their_own_work(bundle):
    signed_off(bundle, RUNNER)
    by = trust(trusted(RUNNER), trusted(RUNNER, Role.APPROVER))

    found = decided(bundle, by)
    assert (found.status, found.level, codes(found)) == (5, 1, {"same-key"})


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda directory: signed_off(directory, APPROVER, drill_id="another"), "after"),
        (lambda directory: (directory / "after/note.txt").write_text("x"), "after"),
        (lambda directory: (directory / "after/two.dsse.json").write_text("{}"), "envelope"),
        (lambda directory: signed_off(directory, STRANGER), "key-unknown"),
        (lambda directory: signed_off(directory, RUNNER, name="two"), "key-role"),
        (
            lambda directory: (directory / "after/two.dsse.json").write_bytes((directory / OPENING).read_bytes()),
            "statement",
        ),
    ],
)
def test_what_lies_after_a_closing_is_checked_as_strictly(bundle, spoil, code):
    signed_off(bundle, APPROVER)
    spoil(bundle)

    assert codes(decided(bundle)) == {code}


def test_a_sign_off_of_another_closing_does_not_count(bundle):
    signed_off(bundle, APPROVER)
    close(bundle, replace(plan_of(), mode="live"), (RUNNER,), closed_at=at(58))

    assert codes(decided(bundle)) == {"after"}


@pytest.mark.parametrize(
    ("expect", "code"),
    [
        ({"drill": "another"}, "drill"),
        ({"nonce": "0" * 64}, "nonce"),
        ({"account": "999999999999"}, "account"),
        ({"region": "mars-north-1"}, "region"),
        ({"previous": "0" * 64}, "previous"),
        ({"max_age_ms": 1000}, "too-old"),
        ({"level": 2}, "level"),
    ],
)
def test_what_the_reader_expects_and_does_not_find_is_not_met(bundle, expect, code):
    found = decided(bundle, **expect)

    assert (found.status, codes(found)) == (5, {code})


def test_what_the_reader_expects_and_finds_is_no_finding_and_no_gap(bundle):
    site = plan_of().criteria.sites.recovery
    year = 366 * 86_400_000
    met: dict[str, Any] = {
        "drill": plan_of().drill_id,
        "nonce": plan_of().nonce,
        "account": site.account_id,
        "region": site.region,
        "max_age_ms": year,
    }

    found = decided(bundle, **met)
    assert found.status == 0
    assert any("expected of its previous bundle" in what for what in found.not_shown)


def test_a_bundle_from_the_future_is_not_fresh(bundle):
    assert codes(decided(bundle, now="2020-01-01T00:00:00.000Z")) == {"in-the-future"}


def test_a_rehearsal_is_never_taken_for_a_recovery_by_accident(tmp_path):
    directory = sealed(tmp_path / "bundle", signers=(RUNNER,))

    assert (decided(directory).status, codes(decided(directory))) == (5, {"rehearsal"})
    accepted = decided(directory, accept_rehearsal=True)
    assert accepted.status == 0
    assert "anyone's recovery: this was a rehearsal" in accepted.not_shown


@pytest.mark.parametrize(("outcome", "status"), [("refuted", 3), ("incomplete", 4)])
def test_an_honest_failure_is_authentic_and_has_its_own_status(bundle, outcome, status):
    close(bundle, replace(plan_of(), mode="live"), (RUNNER,), outcome=outcome)

    found = decided(bundle)
    assert (found.status, found.level, codes(found)) == (status, 1, {outcome})


def test_a_withheld_file_is_named_in_an_incomplete_bundle(bundle):
    file = Withheld(path="logs/x.log", where="line 3", rule="private-key")
    close(bundle, replace(plan_of(), mode="live"), (RUNNER,), outcome="incomplete", withheld=(file,))

    found = decided(bundle)
    assert found.status == 4
    assert found.inspection is not None
    assert found.inspection.closing is not None
    assert found.inspection.closing.withheld == (file,)


def test_a_bundle_without_an_end_is_incomplete_whatever_it_holds(bundle):
    (bundle / CLOSING).unlink()

    found = decided(bundle)
    assert (found.status, found.level, codes(found)) == (4, 1, {"not-closed"})


def test_of_a_bundle_that_was_not_closed_the_last_receipt_may_lack_its_checkpoint_and_no_other(bundle):
    (bundle / CLOSING).unlink()
    (bundle / "checkpoints/03-bringup.dsse.json").unlink()
    assert codes(decided(bundle)) == {"not-closed"}

    (bundle / "checkpoints/02-read_restore_point.dsse.json").unlink()
    assert codes(decided(bundle)) == {"not-closed", "checkpoint-missing"}


def test_a_part_of_a_plan_cannot_be_taken_for_the_whole(tmp_path):
    window = replace(plan_of().window, full=False, left_out=("teardown",))
    directory = sealed(tmp_path / "bundle", signers=(RUNNER,), mode="live", window=window)

    assert decided(directory).status == 0
    found = decided(directory, full=True)
    assert (found.status, codes(found)) == (4, {"partial"})
    assert "left out: teardown" in found.problems[0].message


def test_contracts_that_judge_otherwise_make_the_evidence_invalid(tmp_path):
    row = ExpectedContract(name="c", version=1, subjects=())
    directory = sealed(tmp_path / "bundle", signers=(RUNNER,), mode="live", contracts=(row,))
    proven = Verdict(contract="c", version=1, claim="It is so.", subject="", status=Status.PROVEN)
    (directory / "verdicts.json").write_bytes(canonical(encode(Verdicts(verdicts=(proven,)))))
    close(directory, replace(plan_of(), mode="live", contracts=(row,)), (RUNNER,))
    asked = []

    def judge(**changes: Any) -> Any:
        def again(inspection: Any) -> dict[tuple[str, str], Verdict]:
            asked.append([file.receipt.phase for file in inspection.receipts])
            return {("c", ""): replace(proven, **changes)}

        return again

    assert decided(directory, judge=judge()).status == 0
    assert asked == [["check_health", "read_restore_point", "bringup"]]
    found = decided(directory, judge=judge(status=Status.REFUTED, reason="it is torn"))
    assert (found.status, codes(found)) == (1, {"judged-otherwise"})
    assert "sealed as proven, and is refuted when it is judged again: it is torn" in found.problems[0].message
    assert decided(directory, judge=judge(status=Status.REFUTED, version=2)).status == 0, "another contract by now"


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([], 0),
        (["rehearsal"], 5),
        (["rehearsal", "refuted"], 3),
        (["rehearsal", "refuted", "not-closed"], 4),
        (["rehearsal", "refuted", "not-closed", "chain"], 1),
        (["rehearsal", "refuted", "not-closed", "chain", "too-large"], 2),
    ],
)
def test_of_several_classes_the_first_of_the_order_is_the_status(found, status):
    assert status_of([Problem(code, "", "") for code in found]) == status


def test_the_codes_of_the_specification_are_those_of_the_code():
    page = (Path(__file__).parents[2] / "docs/bundle-format.md").read_text(encoding="utf-8")
    rows = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0].isdigit():
            rows[int(cells[0])] = {
                code for code in cells[2].split("`") if code.replace("-", "").isalpha() and code[0].isalpha()
            }
    assert set(rows) == set(ORDER)
    for number, codes_ in CLASSES.items():
        assert rows[number] == codes_
    assert all(class_of(code) == 1 for code in rows[1])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.update(more=1),
        lambda content: content.update(schema_version=2),
        lambda content: content["keys"][0].update(keyid="0" * 64),
        lambda content: content["keys"][0].update(public_key="-----BEGIN PUBLIC KEY-----"),
        lambda content: content["keys"][0].update(role="emperor"),
        lambda content: content["keys"][0].update(not_after="2026-13-01T00:00:00.000Z"),
        lambda content: content["keys"][0].update(not_after="2026-01-01"),
        lambda content: content["keys"][0].pop("custody"),
        lambda content: content["keys"].append(content["keys"][0]),
    ],
)
def test_a_trust_file_that_says_anything_doubtful_is_none(spoil):
    content = json.loads(
        json.dumps({"schema_version": 1, "keys": [trusting.entry(trusted(RUNNER))], "authorities": []})
    )
    assert trusting.read(json.dumps(content).encode()).named(RUNNER.keyid)

    spoil(content)
    with pytest.raises(EvidenceError) as refused:
        trusting.read(json.dumps(content).encode())
    assert refused.value.code == "trust-file"


def test_keys_of_other_kinds_are_no_keys():
    for kind in ("rsa", "p384"):
        with pytest.raises(EvidenceError, match="of Ed25519 or ECDSA on P-256"):
            trusting.public_key(_foreign(kind))


def _foreign(kind: str) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    private: Any = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP384R1())
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("options", [{"require_level": "L5"}, {"require_level": "high"}, {"max_age": "yesterday"}])
def test_expectations_that_cannot_be_meant_are_misuse(options):
    with pytest.raises(EvidenceError) as refused:
        expectations.read(options)
    assert refused.value.code == "usage"


def test_expectations_are_read_as_they_are_typed():
    read = expectations.read(
        {"prev": "sha256:" + "a" * 64, "max_age": "30d", "require_level": "l2", "require_full": True}
    )

    assert read == Expectations(previous="a" * 64, max_age_ms=30 * 86_400_000, level=2, full=True)


def test_an_edited_receipt_is_found_whoever_signed(bundle):
    edit(receipt(bundle, 2), lambda content: content.update(reason="edited"))

    found = decided(bundle)
    assert (found.status, found.level) == (1, 0)


CENSUS = """
import sys
import drproof.catalog, drproof.cli.verifying, drproof.evidence.verification
drproof.catalog.plans(), drproof.catalog.types()
names = ("boto3", "botocore", "kubernetes", "securesystemslib", "moto", "requests", "urllib3")
print([name for name in names if name in sys.modules])
"""


def test_verifying_reaches_no_sdk_no_network_and_no_library_that_signs():
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            CENSUS,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"


def test_the_instant_of_a_verification_is_the_readers(bundle):
    today = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    assert decided(bundle, now=today).status == 0
