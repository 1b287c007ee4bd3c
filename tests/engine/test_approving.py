"""Whether a drill waits for people, and for whom, is fixed with its plan, or the drill is refused."""

import json

import pytest

from drproof.engine import keys
from drproof.engine.preparation import DrillRequest, prepare
from drproof.engine.refusal import Refusal
from drproof.model.codec import encode
from drproof.model.criteria import Approval
from drproof.model.signing import Role
from tests.evidence.keys import APPROVER, RUNNER, trusted

LONG_AGO = "2001-01-01T00:00:00.000Z"


def approval(folder, plan="recovery", **options):
    asked = {"target": "embedded", "await_approval": "2h", **options}
    return prepare(DrillRequest(plan=plan, options=asked, environment={}, directory=folder)).criteria.approval


def write_trust(folder, *entries):
    path = folder / "trust.json"
    path.write_text(json.dumps({"schema_version": 1, "authorities": [], "keys": [encode(one) for one in entries]}))
    return str(path)


def test_nobody_is_waited_for_where_nobody_asks(tmp_path):
    assert approval(tmp_path, await_approval=None) == Approval()
    assert not Approval().awaited


def test_a_rehearsal_waits_for_the_approvers_of_the_project_s_own_trust_file(tmp_path):
    keys.init(tmp_path / ".drproof")
    made = keys.init(tmp_path / ".drproof", Role.APPROVER)

    found = approval(tmp_path)

    assert (found.awaited, found.within_ms) == (True, 7_200_000)
    assert [(one.keyid, one.public_key) for one in found.approvers] == [(made.keyid, made.public_key)]


def test_only_keys_that_count_now_and_sign_no_drills_may_decide(tmp_path):
    approver = Role.APPROVER
    trust = write_trust(tmp_path, trusted(APPROVER, approver), trusted(RUNNER, approver), trusted(RUNNER))
    assert [one.keyid for one in approval(tmp_path, trust=trust).approvers] == [APPROVER.keyid]

    for entry in (
        trusted(APPROVER),
        trusted(APPROVER, approver, revoked_at=LONG_AGO, reason="lost"),
        trusted(APPROVER, approver, not_after=LONG_AGO),
        trusted(APPROVER, approver, not_before="2999-01-01T00:00:00.000Z"),
    ):
        with pytest.raises(Refusal, match="names nobody who may decide"):
            approval(tmp_path, trust=write_trust(tmp_path, entry))


def test_a_drill_that_nobody_could_decide_about_is_refused_with_the_command_that_makes_a_key(tmp_path):
    with pytest.raises(Refusal, match=r"no trust file names nobody(?s:.*)next: drproof keys init .*--role approver"):
        approval(tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"auto_promote": "true"}, "one waits for people, the other records a bypass"),
        ({"await_approval": "8d"}, "--await-approval is too long"),
        ({"await_approval": "soon"}, "expected a duration such as"),
    ],
)
def test_a_wait_that_contradicts_itself_is_refused(tmp_path, options, said):
    with pytest.raises(Refusal, match=said):
        approval(tmp_path, **options)


def test_a_plan_without_a_gate_waits_for_nobody(tmp_path):
    assert approval(tmp_path, plan="health") == Approval()
