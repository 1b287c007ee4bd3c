"""What a role or a caller is allowed does not reach beyond a drill: nobody else's machines, no other policy or service."""

import json
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.analysis import iam
from drproof.model.readiness import PermissionsSeen
from drproof.phases.preflight.read_permissions import read_permissions
from drproof.targets.aws.iam import nobody_knows
from drproof.targets.aws.permissions import needed, policy
from tests.roles.granted import READS, one_account, permissions, verbs

AT = "arn:aws:{service}:us-west-2:444455556666:{what}"
MACHINE = AT.format(service="ec2", what="instance/i-0123456789abcdef0")
GROUP = AT.format(service="ec2", what="security-group/sg-0123456789abcdef0")
VOLUME = AT.format(service="ec2", what="volume/vol-0123456789abcdef0")
ROLE = "arn:aws:iam::444455556666:role/atlas-dr-runner-1a2b3c4d"
PROFILE = "arn:aws:iam::444455556666:instance-profile/atlas-dr-runner-1a2b3c4d"
OURS, NOBODYS = ("drill-1",), ()
"""What a tag of a drill says, and a tag that is not there."""
REQUESTED, CARRIED = "aws:RequestTag/drproof:drill", "aws:ResourceTag/drproof:drill"
SSM_CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"

Case = tuple[str, str, dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]
OF_MACHINES: tuple[Case, ...] = (
    ("ec2:RunInstances", MACHINE, {REQUESTED: OURS}, {REQUESTED: NOBODYS}),
    ("ec2:RunInstances", VOLUME, {REQUESTED: OURS}, {REQUESTED: NOBODYS}),
    # Whoever may mark what is there may end it next.
    (
        "ec2:CreateTags",
        MACHINE,
        {"ec2:CreateAction": ("RunInstances",)},
        {"ec2:CreateAction": NOBODYS},
    ),
)
OF_ENDS: tuple[Case, ...] = (("ec2:TerminateInstances", MACHINE, {CARRIED: OURS}, {CARRIED: NOBODYS}),)
OF_THE_MODULE: tuple[Case, ...] = (
    ("ec2:CreateSecurityGroup", GROUP, {REQUESTED: OURS}, {REQUESTED: NOBODYS}),
    ("ec2:AuthorizeSecurityGroupIngress", GROUP, {CARRIED: OURS}, {CARRIED: NOBODYS}),
    ("ec2:DeleteSecurityGroup", GROUP, {CARRIED: OURS}, {CARRIED: NOBODYS}),
    (
        "iam:AttachRolePolicy",
        ROLE,
        {"iam:PolicyARN": (SSM_CORE,)},
        {"iam:PolicyARN": ("arn:aws:iam::aws:policy/AdministratorAccess",)},
    ),
    (
        "iam:DetachRolePolicy",
        ROLE,
        {"iam:PolicyARN": (SSM_CORE,), CARRIED: OURS},
        {"iam:PolicyARN": ("arn:aws:iam::aws:policy/AdministratorAccess",), CARRIED: OURS},
    ),
    (
        "iam:AttachRolePolicy",
        ROLE,
        {"iam:PolicyARN": (READS,)},
        {"iam:PolicyARN": (f"{READS}-and-writes",)},
    ),
    (
        "iam:DetachRolePolicy",
        ROLE,
        {"iam:PolicyARN": (READS,), CARRIED: OURS},
        {"iam:PolicyARN": (READS,), CARRIED: NOBODYS},
    ),
    # A role of somebody else may begin with the name of the machine's.
    (
        "iam:DetachRolePolicy",
        ROLE,
        {"iam:PolicyARN": (SSM_CORE,), CARRIED: OURS},
        {"iam:PolicyARN": (SSM_CORE,), CARRIED: NOBODYS},
    ),
    ("iam:DeleteRole", ROLE, {CARRIED: OURS}, {CARRIED: NOBODYS}),
    ("iam:DeleteInstanceProfile", PROFILE, {CARRIED: OURS}, {CARRIED: NOBODYS}),
    ("iam:RemoveRoleFromInstanceProfile", PROFILE, {CARRIED: OURS}, {CARRIED: NOBODYS}),
    ("iam:CreateRole", ROLE, {REQUESTED: OURS}, {REQUESTED: NOBODYS}),
    ("iam:TagRole", ROLE, {REQUESTED: OURS}, {REQUESTED: NOBODYS}),
    ("iam:CreateInstanceProfile", PROFILE, {REQUESTED: OURS}, {REQUESTED: NOBODYS}),
    ("iam:TagInstanceProfile", PROFILE, {REQUESTED: OURS}, {REQUESTED: NOBODYS}),
    (
        "iam:PassRole",
        ROLE,
        {"iam:PassedToService": ("ec2.amazonaws.com",)},
        {"iam:PassedToService": ("lambda.amazonaws.com",)},
    ),
)
OF_COMMANDS: tuple[Case, ...] = (
    ("ssm:SendCommand", MACHINE, {"ssm:resourceTag/Purpose": ("atlas-dr",)}, {"ssm:resourceTag/Purpose": ("shop",)}),
)
CASES: dict[str, tuple[Case, ...]] = {
    "the caller with direct": (*OF_MACHINES, *OF_ENDS, *OF_COMMANDS),
    "the caller with terraform": (*OF_MACHINES, *OF_ENDS, *OF_THE_MODULE, *OF_COMMANDS),
    "the caller with codebuild": (*OF_ENDS, *OF_COMMANDS),
    "the builds": (*OF_MACHINES, *OF_ENDS, *OF_THE_MODULE),
}
ELSEWHERE = {
    "iam:AttachRolePolicy": "arn:aws:iam::444455556666:role/admin",
    "iam:CreateRole": "arn:aws:iam::444455556666:role/admin",
    "iam:PassRole": "arn:aws:iam::444455556666:role/admin",
    "s3:DeleteObject": "arn:aws:s3:::atlas-recovery/another/key",
    "sns:Publish": AT.format(service="sns", what="billing"),
}


@cache
def documents(who: str) -> tuple[dict[str, Any], ...]:
    """Return the policy of a role or a caller, as it is printed."""
    provisioner = who.rpartition(" with ")[2]
    wanted = (
        permissions("builds")
        if who == "the builds"
        else needed(verbs(), "recovery", one_account(), provisioner=provisioner)
    )
    return (json.loads(json.dumps(policy(wanted))),)


@pytest.mark.parametrize(
    ("who", "case"), [pytest.param(who, one, id=f"{who}-{one[0]}-{one[1]}") for who in CASES for one in CASES[who]]
)
def test_what_a_drill_does_is_allowed_and_the_same_to_what_is_no_drills_is_not(who, case):
    action, resource, of_a_drill, of_nobody = case

    assert iam.decide(documents(who), action, resource, of_a_drill) == "allowed"
    assert iam.decide(documents(who), action, resource, of_nobody) == "implicit_deny"
    assert iam.decide(documents(who), action, resource) == "unknown", "without knowing what the call carries"


@pytest.mark.parametrize("who", CASES)
@pytest.mark.parametrize("action", ELSEWHERE)
def test_what_lies_elsewhere_is_not_allowed_whatever_a_call_carries(who, action):
    carried = {"iam:PolicyARN": (SSM_CORE,), "iam:PassedToService": ("ec2.amazonaws.com",)}

    assert iam.decide(documents(who), action, ELSEWHERE[action], carried) == "implicit_deny"


def test_the_network_that_the_settings_name_is_the_only_one_in_which_machines_are_made():
    network = one_account().recovery.provisioner
    named = AT.format(service="ec2", what=f"subnet/{network.subnet_id}")

    assert network.subnet_id, "the settings of this test name a network"
    for who in ("the caller with terraform", "the builds"):
        assert iam.decide(documents(who), "ec2:RunInstances", named) == "allowed"
        assert iam.decide(documents(who), "ec2:RunInstances", named[:-1] + "0") == "implicit_deny"


@pytest.mark.parametrize("provisioner", ["direct", "terraform", "codebuild"])
def test_a_caller_who_may_not_simulate_and_has_what_is_printed_is_seen_to_lack_nothing(provisioner):
    wanted = {side: needed(verbs(), side, one_account(), provisioner=provisioner) for side in ("primary", "recovery")}

    def site(side: Any) -> Any:
        printed = json.loads(json.dumps(policy(wanted[side])))
        seen = PermissionsSeen(
            principal=ROLE, status="AccessDenied", decisions=nobody_knows(wanted[side]), documents=(printed,)
        )
        asked = SimpleNamespace(look=lambda _verbs, **_: seen)
        return SimpleNamespace(
            readiness=SimpleNamespace(permissions=asked), provisioner=SimpleNamespace(kind=provisioner)
        )

    context: Any = SimpleNamespace(
        plan=SimpleNamespace(criteria=SimpleNamespace(preflight=SimpleNamespace(uses=verbs()))),
        target=SimpleNamespace(primary=site("primary"), recovery=site("recovery")),
        say=lambda _: None,
    )
    found = read_permissions.act(context)

    for seen in (found.primary, found.recovery):
        assert {one.decision for one in seen.decisions} == {"allowed"}
