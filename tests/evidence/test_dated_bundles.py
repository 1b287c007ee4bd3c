"""A token beside the closing raises the level, saves what a key signed before it was lost, and never covers a lie."""

import hashlib
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from drproof.evidence.expectations import Expectations
from drproof.evidence.trust import Authority, Trust
from drproof.evidence.verification import Verification, verify
from drproof.model.signing import Role
from tests.authority import DAY, Root
from tests.evidence.keys import APPROVER, trusted
from tests.evidence.test_bundle import CLOSING, TYPES, sealed
from tests.evidence.test_verification import KMS, NOW, codes, signed_off

CLOSED = datetime(2026, 1, 31, 12, 59, tzinfo=UTC)
"""When the bundles of these tests say that they were closed."""

LATER = CLOSED + timedelta(minutes=1)
ROOT = Root()
STAMPER = ROOT.stamper(since=CLOSED - 30 * DAY, until=CLOSED + 30 * DAY)
BOTH = (trusted(KMS), trusted(APPROVER, Role.APPROVER))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle that a runner's key and an approver's key signed, which makes level 2."""
    directory = sealed(tmp_path / "bundle", signers=(KMS,), mode="live")
    signed_off(directory, APPROVER)
    return directory


def dated(directory: Path, *, gen_time: datetime = LATER, root: Root | None = None, **spoiled: Any) -> None:
    """Lay a token over the closing beside it."""
    closing = (directory / CLOSING).read_bytes()
    request = TimestampRequestBuilder().data(closing).hash_algorithm(HashAlgorithm.SHA256).build().as_bytes()
    stamper = root.stamper(since=CLOSED - 30 * DAY, until=CLOSED + 30 * DAY) if root else STAMPER
    (directory / "after").mkdir(exist_ok=True)
    (directory / "after/trusted-time.tsr").write_bytes(stamper.answer(request, gen_time=gen_time, **spoiled))


def decided(
    directory: Path, *keys: Any, authorities: tuple[Authority, ...] | None = None, **expect: Any
) -> Verification:
    roots = (Authority(name="tests", certificate=ROOT.pem),) if authorities is None else authorities
    by = Trust(keys=keys or BOTH, authorities=roots)
    return verify(directory, TYPES, trust=by, expect=Expectations(**expect), now=NOW)


def test_a_dated_bundle_of_level_two_is_of_level_three(bundle: Path) -> None:
    assert decided(bundle).level == 2
    dated(bundle)
    found = decided(bundle, level=3)
    assert (found.status, found.level, codes(found)) == (0, 3, set())
    assert found.trusted_time is not None
    assert (found.trusted_time.at_latest, found.trusted_time.authority) == ("2026-01-31T13:00:00.999Z", "tests")


def test_a_date_alone_makes_no_level_of_what_nobody_approved(tmp_path: Path) -> None:
    directory = sealed(tmp_path / "bundle", signers=(KMS,), mode="live")
    dated(directory)
    found = decided(directory)
    assert (found.level, found.trusted_time is not None) == (1, True)


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ({"imprint": hashlib.sha256(b"another closing").digest()}, "it dates"),
        ({"status": "rejection"}, "did not grant it"),
        ({"root": Root("Another")}, "no authority of the trust file signed it"),
        ({"gen_time": CLOSED + 60 * DAY}, "certificate has expired"),
        ({"signed_digest": b"x" * 32}, "no authority of the trust file signed it"),
    ],
    ids=["another closing", "refused", "another root", "expired", "forged"],
)
def test_a_token_that_is_wrong_makes_the_evidence_invalid(bundle: Path, spoiled: Any, reason: str) -> None:
    dated(bundle, **spoiled)
    found = decided(bundle)
    assert (found.status, found.level, codes(found)) == (1, 0, {"trusted-time"})
    assert reason in found.problems[0].message


def test_a_token_of_another_bundle_is_told(bundle: Path, tmp_path: Path) -> None:
    other = sealed(tmp_path / "other", signers=(APPROVER,), mode="live")
    dated(other)
    (bundle / "after/trusted-time.tsr").write_bytes((other / "after/trusted-time.tsr").read_bytes())
    assert codes(decided(bundle)) == {"trusted-time"}


def test_a_closing_that_says_it_is_younger_than_its_token_is_told(bundle: Path) -> None:
    dated(bundle, gen_time=CLOSED - timedelta(minutes=2))
    found = decided(bundle)
    assert codes(found) == {"trusted-time"}
    assert "and existed at 2026-01-31T12:57:00.999Z already" in found.problems[0].message
    dated(bundle, gen_time=CLOSED - timedelta(seconds=30))
    assert decided(bundle).level == 3, "honest clocks differ by less than a minute"


def test_what_a_key_signed_before_it_was_revoked_counts_when_a_token_shows_it(bundle: Path) -> None:
    lost = (trusted(KMS, revoked_at="2026-02-01T00:00:00.000Z", reason="lost"), BOTH[1])
    assert codes(decided(bundle, *lost)) == {"key-revoked"}
    dated(bundle)
    found = decided(bundle, *lost)
    assert (found.status, found.level, codes(found)) == (0, 3, set())


@pytest.mark.parametrize("revoked_at", ["2026-01-31T13:00:00.500Z", "2026-01-31T13:00:00.999Z"])
def test_a_token_that_may_be_younger_than_the_revocation_saves_nothing(bundle: Path, revoked_at: str) -> None:
    dated(bundle)
    found = decided(bundle, trusted(KMS, revoked_at=revoked_at, reason="lost"), BOTH[1])
    assert (found.level, codes(found)) == (0, {"key-revoked"})


def test_a_token_says_nothing_of_when_a_sign_off_was_made(bundle: Path) -> None:
    dated(bundle)
    lost = trusted(APPROVER, Role.APPROVER, revoked_at="2026-02-01T00:00:00.000Z", reason="lost")
    assert codes(decided(bundle, BOTH[0], lost)) == {"key-revoked"}


def test_a_token_that_cannot_be_checked_shows_nothing(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dated(bundle)
    found = decided(bundle, authorities=())
    assert (found.status, found.level) == (0, 2)
    assert "what after/trusted-time.tsr says: not checked: no authority is trusted" in found.not_shown
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    found = decided(bundle)
    assert (found.status, found.level) == (0, 2)
    assert any("not checked: that takes rfc3161-client" in what for what in found.not_shown)
    assert decided(bundle, level=3).status == 5


def test_an_authority_without_a_certificate_is_an_unusable_trust_file(bundle: Path) -> None:
    dated(bundle)
    found = decided(bundle, authorities=(Authority(name="paper", certificate="on paper"),))
    assert (found.status, codes(found)) == (2, {"trust-file"})


def test_a_token_beside_what_was_never_closed_is_a_statement_about_nothing(bundle: Path) -> None:
    dated(bundle)
    (bundle / CLOSING).unlink()
    assert "after" in codes(decided(bundle))
