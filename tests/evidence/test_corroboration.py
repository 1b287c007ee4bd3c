"""A record of what the platform said counts by the auditor's key alone, and about one bundle."""

import json

import pytest

from drproof.evidence import corroboration
from drproof.evidence.statements import AskedAgain, Corroboration
from drproof.evidence.trust import Trust
from drproof.model.errors import EvidenceError
from drproof.model.signing import Role
from tests.evidence.keys import APPROVER, STRANGER, trusted

CLOSING = "ab" * 32
SAID = Corroboration(
    drill_id="drill-1",
    asked_at="2026-05-01T00:00:00.000Z",
    execution="",
    asked=(AskedAgain(what="s3://a/b version 1", status="confirmed", reason=""),),
)


def _trust(role=Role.COLLECTOR, **changes):
    return Trust(keys=(trusted(APPROVER, role, **changes),))


def test_a_record_is_read_back_by_those_who_believe_the_auditor():
    data = corroboration.write(SAID, CLOSING, [APPROVER])

    assert corroboration.read(data, CLOSING, _trust()) == (SAID, (APPROVER.keyid,))


@pytest.mark.parametrize(
    ("signers", "closing", "trust", "why"),
    [
        ([APPROVER], "cd" * 32, _trust(), "it is about another bundle"),
        ([], CLOSING, _trust(), "it is not signed"),
        ([STRANGER], CLOSING, _trust(), "no collector's key in the trust file"),
        ([APPROVER, STRANGER], CLOSING, _trust(), "no collector's key in the trust file"),
        ([APPROVER], CLOSING, _trust(role=Role.APPROVER), "no collector's key in the trust file"),
        ([APPROVER], CLOSING, Trust(), "no collector's key in the trust file"),
        ([APPROVER], CLOSING, _trust(not_after="2026-04-30T00:00:00.000Z"), "did not count at 2026-05-01"),
        ([APPROVER], CLOSING, _trust(revoked_at="2026-06-01T00:00:00.000Z", reason="lost"), "or was revoked"),
    ],
)
def test_a_record_that_others_signed_or_that_is_of_another_bundle_does_not_count(signers, closing, trust, why):
    data = corroboration.write(SAID, CLOSING, signers)

    with pytest.raises(EvidenceError, match=why):
        corroboration.read(data, closing, trust)


def test_a_record_that_was_changed_does_not_count():
    honest = json.loads(corroboration.write(SAID, CLOSING, [APPROVER]))
    other = json.loads(
        corroboration.write(
            Corroboration(drill_id="drill-2", asked_at=SAID.asked_at, execution="", asked=()), CLOSING, [APPROVER]
        )
    )
    forged = json.dumps({**honest, "payload": other["payload"]}, separators=(",", ":")).encode()

    for data, why in ((forged, "the signature is not one of"), (b"{}", "no envelope"), (b"", "no envelope")):
        with pytest.raises(EvidenceError, match=why):
            corroboration.read(data, CLOSING, _trust())
