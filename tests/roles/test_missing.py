"""Whatever is taken away from a policy, one preflight names it, whose it is, and the statement that gives it back."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.contracts.preflight.permissions import caller_may_do_what_a_drill_does
from drproof.contracts.preflight.roles import role_may_do_what_it_is_for
from drproof.model.receipt import Caller
from drproof.model.verdict import Finding, Status
from drproof.phases.preflight.read_permissions import PermissionsObserved, read_permissions
from drproof.phases.preflight.read_roles import RolesObserved, read_roles
from drproof.targets.aws.grants import SIDES
from drproof.targets.aws.iam import AwsPermissions
from drproof.targets.aws.iam_roles import AwsRoles
from drproof.targets.aws.permissions import Permission, needed
from drproof.targets.aws.role_grants import IN_SUBNETS
from drproof.targets.aws.roles import ROLES, of_role
from tests.contracts.evidence import PASSING
from tests.roles.granted import one_account, permissions, verbs
from tests.roles.platform import ACCOUNT, Platform, arn_of, document

PROVISIONERS = ("codebuild", "direct", "terraform")
FOUND_ONE_BY_ONE = (
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRolePolicies",
    "iam:TagInstanceProfile",
)
"""What the builds' role of a real system lacked: four drills failed, one for each."""
DRILLER = f"arn:aws:iam::{ACCOUNT}:role/driller"


def platform(*documents: Any) -> Platform:
    return Platform(one_account().orchestrator.machine, documents)


def observed(role: str, there: Platform) -> RolesObserved:
    """Return what the preflight's phase observes of one role."""
    said: list[str] = []
    context: Any = SimpleNamespace(
        plan=SimpleNamespace(criteria=SimpleNamespace(preflight=SimpleNamespace(roles=(role,), uses=verbs()))),
        target=SimpleNamespace(
            recovery=SimpleNamespace(readiness=SimpleNamespace(roles=AwsRoles(there, one_account())))
        ),
        say=said.append,
    )
    found: RolesObserved = read_roles.act(context)
    return found


def judged(found: RolesObserved) -> Finding:
    receipt = replace(PASSING.receipts["read_roles"], observed=found)
    return role_may_do_what_it_is_for.decide(receipt, found.roles[0].role)


def without(role: str, *actions: str) -> dict[str, Any]:
    return document(one for one in permissions(role) if one.action not in actions)


def given_back(finding: Finding) -> list[dict[str, Any]]:
    """Return the statements that a finding says to add."""
    found = json.loads(finding.reason.partition("to its policy: ")[2])
    return found if isinstance(found, list) else [found]


def allowed_by(statements: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {
        (action, resource, json.dumps(one.get("Condition", {}), sort_keys=True))
        for one in statements
        for action in one["Action"]
        for resource in one["Resource"]
    }


def what(wanted: tuple[Permission, ...], *actions: str) -> set[tuple[str, str, str]]:
    return {
        (one.action, one.resource, json.dumps(one.condition, sort_keys=True)) for one in wanted if one.action in actions
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_role_with_exactly_what_it_is_for_is_proven_and_its_own(role):
    there = platform(without(role))
    found = observed(role, there)

    assert judged(found).status is Status.PROVEN
    assert found.roles[0].principal == arn_of(role)
    assert {*there.asked} == {arn_of(role)}
    assert {one.action for one in found.roles[0].decisions} == {one.action for one in permissions(role)}


@pytest.mark.parametrize(
    ("role", "action"), sorted({(role, one.action) for role in ROLES for one in permissions(role)})
)
def test_an_action_that_is_taken_from_a_role_is_named_with_its_role_and_the_statement_that_gives_it_back(role, action):
    lacking = without(role, action)

    finding = judged(observed(role, platform(lacking)))

    assert finding.status is Status.REFUTED
    assert finding.observed["missing"] == [action]
    assert f"{arn_of(role)}, the role of {role}, may not {action} (for " in finding.reason
    statements = given_back(finding)
    assert allowed_by(statements) == what(permissions(role), action), "no wider than it was, and no narrower"
    mended = judged(observed(role, platform(lacking, {"Statement": statements})))
    assert mended.status is Status.PROVEN


@pytest.mark.parametrize("action", IN_SUBNETS.actions)
def test_a_function_in_subnets_is_asked_for_its_interfaces_there_and_another_one_is_not(action):
    there = platform(without("function"))
    assert judged(observed("function", there)).status is Status.PROVEN

    there.subnets["function"] = ["subnet-1"]
    wanted = of_role("function", verbs(), one_account(), in_subnets=True)
    there.documents = [document(one for one in wanted if one.action != action)]
    finding = judged(observed("function", there))

    assert (finding.status, finding.observed["missing"]) == (Status.REFUTED, [action])
    assert f"may not {action} (for Lambda, for a function that is in subnets)" in finding.reason
    assert allowed_by(given_back(finding)) == {(action, "*", "{}")}
    there.documents = [document(wanted)]
    assert judged(observed("function", there)).status is Status.PROVEN


def test_what_was_found_by_four_failed_drills_is_one_answer():
    finding = judged(observed("builds", platform(without("builds", *FOUND_ONE_BY_ONE))))

    assert finding.status is Status.REFUTED
    assert finding.observed["missing"] == [*FOUND_ONE_BY_ONE]
    assert allowed_by(given_back(finding)) == what(permissions("builds"), *FOUND_ONE_BY_ONE)


def test_a_condition_that_what_the_role_does_does_not_meet_is_a_missing_right():
    elsewhere = {"StringEquals": {"iam:PassedToService": ("lambda.amazonaws.com",)}}
    narrowed = [
        replace(one, condition=elsewhere) if one.action == "iam:PassRole" else one for one in permissions("builds")
    ]

    finding = judged(observed("builds", platform(document(narrowed))))

    assert (finding.status, finding.observed["missing"]) == (Status.REFUTED, ["iam:PassRole"])


def test_of_two_values_that_calls_carry_both_must_be_allowed():
    made_alone = {"StringEquals": {"ec2:CreateAction": ("RunInstances",)}}
    narrowed = [
        replace(one, condition=made_alone) if one.action == "ec2:CreateTags" else one for one in permissions("builds")
    ]

    finding = judged(observed("builds", platform(document(narrowed))))

    assert (finding.status, finding.observed["missing"]) == (Status.REFUTED, ["ec2:CreateTags"])


def test_a_right_that_hangs_on_a_key_that_nobody_names_is_unproven():
    hung = {"StringEquals": {"aws:PrincipalTag/team": ("recovery",)}}
    bound = [replace(one, condition=hung) if one.action == "iam:GetRole" else one for one in permissions("builds")]

    finding = judged(observed("builds", platform(document(bound))))

    assert finding.status is Status.UNPROVEN
    assert "iam:GetRole: a condition hangs" in finding.reason


def test_what_a_policy_forbids_is_said_to_be_lifted_by_no_statement():
    wall = {"Statement": {"Effect": "Deny", "Action": "codebuild:StopBuild", "Resource": "*"}}

    finding = judged(observed("machine", platform(without("machine"), wall)))

    assert finding.observed["missing"] == ["codebuild:StopBuild"]
    assert "codebuild:StopBuild is forbidden by a policy, which no statement lifts" in finding.reason


def test_a_machine_that_may_not_manage_the_rule_of_its_builds_is_told_why_that_matters():
    finding = judged(observed("machine", platform(without("machine", "events:PutRule"))))

    assert "a `.sync` task is refused or never hears of its end" in finding.reason


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_part_that_does_not_say_its_role_leaves_it_unproven(code):
    there = platform(without("builds"))
    there.refuses, there.code = "BatchGetProjects", code

    found = observed("builds", there)

    assert (found.roles[0].principal, found.roles[0].status) == ("", code)
    finding = judged(found)
    assert finding.status is Status.UNPROVEN
    assert code in finding.reason


def test_a_caller_who_may_not_simulate_the_role_leaves_it_unproven():
    there = platform(without("builds"))
    there.refuses = "SimulatePrincipalPolicy"

    found = observed("builds", there)

    assert {one.decision for one in found.roles[0].decisions} == {"unknown"}
    assert judged(found).status is Status.UNPROVEN


def test_a_rule_that_does_not_start_the_machine_has_no_role_of_ours():
    there = platform(without("schedule"))
    there.machine = "arn:aws:states:us-west-2:444455556666:stateMachine:another"

    finding = judged(observed("schedule", there))

    assert finding.status is Status.UNPROVEN
    assert "NoSuchTarget" in finding.reason


def test_a_key_that_only_a_name_stands_for_is_not_asked_about():
    settings = one_account()
    named = replace(settings, signing=replace(settings.signing, digest_key="awskms:alias/digests"))

    assert "kms:GenerateMac" in {one.action for one in of_role("function", verbs(), settings)}
    assert "kms:GenerateMac" not in {one.action for one in of_role("function", verbs(), named)}


def test_a_role_that_is_none_is_refused():
    with pytest.raises(ValueError, match="the role 'nobody': expected one of builds"):
        of_role("nobody", verbs(), one_account())


@cache
def of_caller(provisioner: str) -> tuple[Permission, ...]:
    """Return what the caller needs at both sites, which are one account here."""
    settings = one_account()
    found = [one for side in SIDES for one in needed(verbs(), side, settings, provisioner=provisioner)]
    return tuple({(one.action, one.resource, repr(one.condition)): one for one in found}.values())


def read_caller(provisioner: str, there: Platform) -> PermissionsObserved:
    caller = Caller(arn=DRILLER.replace(":role/", ":user/"), account_id=ACCOUNT, region="us-west-2")

    def site(side: Any) -> Any:
        def needs(wanted: Any, kind: str) -> Any:
            return needed(wanted, side, one_account(), provisioner=kind)

        asking = AwsPermissions(there, lambda: caller, needs)
        return SimpleNamespace(
            readiness=SimpleNamespace(permissions=asking), provisioner=SimpleNamespace(kind=provisioner)
        )

    context: Any = SimpleNamespace(
        plan=SimpleNamespace(criteria=SimpleNamespace(preflight=SimpleNamespace(uses=verbs()))),
        target=SimpleNamespace(primary=site("primary"), recovery=site("recovery")),
        say=lambda _: None,
    )
    found: PermissionsObserved = read_permissions.act(context)
    return found


def judge_caller(found: PermissionsObserved, side: str) -> Finding:
    receipt = replace(PASSING.receipts["read_permissions"], observed=found)
    return caller_may_do_what_a_drill_does.decide(receipt, side)


@pytest.mark.parametrize(
    ("provisioner", "action"),
    sorted({(provisioner, one.action) for provisioner in PROVISIONERS for one in of_caller(provisioner)}),
)
def test_an_action_that_is_taken_from_the_caller_is_named_with_the_statement_that_gives_it_back(provisioner, action):
    lacking = document(one for one in of_caller(provisioner) if one.action != action)

    found = read_caller(provisioner, platform(lacking))
    refuted = [side for side in SIDES if judge_caller(found, side).status is Status.REFUTED]

    assert refuted, "nobody noticed"
    statements = []
    for side in refuted:
        finding = judge_caller(found, side)
        assert finding.observed["missing"] == [action]
        statements += given_back(finding)
    assert allowed_by(statements) <= what(of_caller(provisioner), action), "no wider than it was"
    mended = read_caller(provisioner, platform(lacking, {"Statement": statements}))
    assert [judge_caller(mended, side).status for side in SIDES] == [Status.PROVEN, Status.PROVEN]


def test_with_builds_the_caller_is_not_asked_for_what_their_role_does():
    by_builds = {one.action for one in of_caller("codebuild")}
    own: Callable[[str], bool] = {one.action for one in permissions("builds")}.__contains__

    assert not {action for action in by_builds if action.startswith("iam:")}
    assert not {"ec2:CreateTags", "ec2:RunInstances"} & by_builds
    assert all(own(action) for action in ("ec2:RunInstances", "iam:PassRole", *FOUND_ONE_BY_ONE))
    assert {"ec2:RunInstances", "iam:PassRole"} <= {one.action for one in of_caller("terraform")}
