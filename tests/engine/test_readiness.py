"""What a preflight demands comes from the settings and from the plan of the drill after it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drproof import catalog
from drproof.engine.clock import instant
from drproof.engine.keys import TRUST, init
from drproof.engine.lifetime import budget_ms, refuse_short_lived
from drproof.engine.preparation import DrillRequest, Prepared, prepare
from drproof.engine.refusal import Refusal
from drproof.model.signing import Role

MINUTE = 60_000
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def _prepared(folder: Path, toml: str = "", plan: str = "preflight", **options: Any) -> Prepared:
    (folder / "drproof.toml").write_text(f'target = "embedded"\n{toml}')
    return prepare(DrillRequest(plan=plan, options=options, environment={}, directory=folder))


def _subjects(prepared: Prepared, contract: str) -> tuple[str, ...]:
    (found,) = [one.subjects for one in prepared.contracts if one.name == contract]
    return found


@pytest.mark.parametrize(
    ("toml", "options", "beside_the_phases"),
    [
        ("", {}, 20),
        ('[limits]\nteardown_reserve = "1h"\n', {}, 60),
        ('[promotion]\nawait_approval = "3h"\n', {}, 20 + 180),
        ("", {"await_approval": "2h"}, 20 + 120),
    ],
)
def test_credentials_that_pass_the_preflight_are_those_that_the_drill_after_it_takes(
    toml, options, beside_the_phases, tmp_path
):
    init(tmp_path / "keys")
    init(tmp_path / "keys", Role.APPROVER)
    options = {**options, "trust": str(tmp_path / "keys" / TRUST)}
    drill = _prepared(tmp_path, toml, plan="recovery", **options)
    wanted = _prepared(tmp_path, toml, **options).criteria.preflight.credentials_ms

    assert wanted == budget_ms(drill.coverage.run) + beside_the_phases * MINUTE
    waits = timedelta(milliseconds=drill.criteria.approval.within_ms)
    ends = {short: instant(NOW + timedelta(milliseconds=wanted - short)) for short in (0, 1_000)}
    refuse_short_lived(ends[0], drill.coverage.run, drill.settings.limits, now=instant(NOW), waits=waits)
    with pytest.raises(Refusal, match="the credentials end at"):
        refuse_short_lived(ends[1_000], drill.coverage.run, drill.settings.limits, now=instant(NOW), waits=waits)


def test_the_verbs_are_those_of_the_drill_and_of_the_engine_around_it(tmp_path):
    plain = set(_prepared(tmp_path).criteria.preflight.uses)

    assert plain >= {verb for phase in catalog.plan("recovery").phases for verb in phase.uses}
    assert plain >= {"lease.hold", "runner.up", "messages.publish"}
    assert not plain & {"receipts.create", "signing.sign", "quotas.read"}
    stored = _prepared(tmp_path, receipt_uri="s3://atlas-receipts/r", signer="awskms:alias/drproof-drills")
    assert {"receipts.create", "signing.sign"} <= set(stored.criteria.preflight.uses)


def test_what_may_go_down_together_is_asked_subject_by_subject(tmp_path):
    name = "recovery_shares_no_failure_domain"
    plain = _prepared(tmp_path)

    assert "receipt bucket" not in _subjects(plain, name)
    assert {"account", "region", "vpc", "subnet", "backup bucket", "state bucket"} <= set(_subjects(plain, name))
    stored = _prepared(tmp_path, receipt_uri="s3://atlas-receipts/r")
    assert "receipt bucket" in _subjects(stored, name)


def test_an_overlap_is_accepted_by_name_and_recorded(tmp_path):
    accepted = _prepared(tmp_path, '[preflight]\naccept_overlaps = ["region", "account"]\n')

    assert accepted.criteria.preflight.accepted_overlaps == ("account", "region")
    recorded = {row.name: row.value for row in accepted.inputs}
    assert recorded["preflight.accept_overlaps"] == "region, account"
    with pytest.raises(Refusal, match="; did you mean 'region'") as refused:
        _prepared(tmp_path, '[preflight]\naccept_overlaps = ["regions"]\n')
    assert "next: mend preflight.accept_overlaps" in str(refused.value)


def test_triggers_are_asked_for_only_where_they_are_named(tmp_path):
    named = _prepared(tmp_path, '[triggers]\nrules = ["a"]\nalarms = ["b"]\n')
    silent = _prepared(tmp_path, "[triggers]\nrules = []\nalarms = []\n")

    assert _subjects(named, "trigger_is_off_or_follows_a_verified_drill") == ("rule a", "alarm b")
    assert "trigger_is_off_or_follows_a_verified_drill" not in {one.name for one in silent.contracts}


PARTS = """
machine = "arn:aws:states:us-west-2:444455556666:stateMachine:atlas-dr"
function = "arn:aws:lambda:us-west-2:444455556666:function:atlas-dr"
"""


def test_the_roles_are_those_of_the_parts_that_are_named_and_of_builds_where_they_work(tmp_path):
    name = "role_may_do_what_it_is_for"
    plain = _prepared(tmp_path)

    assert plain.criteria.preflight.roles == ()
    assert name not in {one.name for one in plain.contracts}
    assert _subjects(_prepared(tmp_path, provisioner="codebuild"), name) == ("builds",)
    assert _subjects(_prepared(tmp_path, f"[orchestrator]{PARTS}"), name) == ("builds", "function", "machine")
    more = f'[orchestrator]{PARTS}watcher = "w"\nreaper = "r"\nschedule = "s"\n'
    every = ("builds", "function", "machine", "reaper", "schedule", "watcher")
    assert _subjects(_prepared(tmp_path, more), name) == every
    assert _subjects(_prepared(tmp_path, '[orchestrator]\nreaper = "r"\n'), name) == ("reaper",)


@pytest.mark.parametrize("half", ['machine = "m"', 'function = "f"', 'watcher = "w"', 'schedule = "s"'])
def test_half_of_an_orchestrator_is_refused_with_what_is_missing(tmp_path, half):
    with pytest.raises(Refusal, match=r"without orchestrator\.(machine|function)") as refused:
        _prepared(tmp_path, f"[orchestrator]\n{half}\n")

    assert "next: set orchestrator." in str(refused.value)
    assert _prepared(tmp_path, f"[orchestrator]\n{half}\n", plan="recovery").criteria.preflight.roles == ()


def test_a_drill_itself_is_not_judged_by_what_a_preflight_demands(tmp_path):
    drill = _prepared(tmp_path, plan="recovery")

    assert drill.criteria.preflight.uses == ()
    assert not {"read_quotas", "read_permissions"} & set(drill.coverage.names)


def test_a_cluster_is_asked_only_where_the_operator_has_one(tmp_path):
    assert _prepared(tmp_path).criteria.preflight.login_expected
    assert not _prepared(tmp_path).criteria.preflight.cluster_expected
    (tmp_path / "kubeconfig").write_text("")
    given = _prepared(tmp_path, kubeconfig="kubeconfig").criteria.preflight
    assert given.cluster_expected
    none = _prepared(tmp_path, '[cluster]\npull_secret = ""\n', kubeconfig="kubeconfig").criteria.preflight
    assert not none.login_expected
    assert not none.cluster_expected


def test_approvers_are_the_keys_of_a_named_trust_file_that_count_now(tmp_path):
    folder = tmp_path / "keys"
    init(folder)
    assert _prepared(tmp_path, approver="somebody").settings.approvers == ("somebody",)
    named = {"trust": str(folder / TRUST), "approver": "somebody"}
    assert _prepared(tmp_path, **named).settings.approvers == (), "a runner's key approves nothing"

    approver = init(folder, Role.APPROVER)
    assert _prepared(tmp_path, **named).settings.approvers == (approver.keyid,)

    trust = json.loads((folder / TRUST).read_bytes())
    for changes in ({"revoked_at": "2026-01-01T00:00:00.000Z"}, {"not_after": "2020-01-01T00:00:00.000Z"}):
        keys = [{**key, **(changes if key["role"] == "approver" else {})} for key in trust["keys"]]
        (folder / TRUST).write_text(json.dumps({**trust, "keys": keys}))
        assert _prepared(tmp_path, **named).settings.approvers == ()
