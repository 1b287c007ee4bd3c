"""Where the contracts of a preflight turn, and that each refusal names its fix."""

import json
from dataclasses import replace
from typing import Any

from drproof.model.readiness import PROJECT_LIMIT, Decision
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House, spoiled
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed import IMAGE, PREFLIGHT
from tests.contracts.observed_preflight import (
    ASKED_AT,
    BUILDS,
    BUILT,
    DEMANDED,
    DOMAINS,
    ENOUGH,
    GET,
    HEARD,
    IDENTITIES,
    LIST,
    MADE,
    PERMISSIONS,
    PLACES,
    PUBLISH,
    QUOTAS,
    ROLES,
    STATE,
    TRIGGERS,
    VCPUS,
)
from tests.contracts.observed_terraform import DRILL_BEHIND, DRILLS

SHORT = "2026-01-31T12:59:59.999Z"


def _fix(house: House, contract: str, evidence: Evidence, subject: str = "") -> str:
    reason: str = house.verdict(contract, evidence, subject).reason
    assert "\n  next: " in reason, reason
    return reason


@boundary
def credentials_live_as_long_as_a_drill_and_its_teardown(house: House) -> None:
    def ends(at: str) -> Evidence:
        return PASSING.facts("read_identities", recovery=replace(IDENTITIES.recovery, expires_at=at))

    name = "credentials_outlive_the_drill"
    expect(
        house,
        name,
        (ends(""), PROVEN),
        (ends(ENOUGH), PROVEN),
        (ends(SHORT), REFUTED),
        (ends(ASKED_AT), REFUTED),
        (ends("2026-01-31T11:00:00.000Z"), REFUTED),
        (ends("unknown"), UNPROVEN),
        subject="recovery",
    )
    assert "end in 59 min 59 s" in _fix(house, name, ends(SHORT), "recovery")
    assert "end in 0 ms" in _fix(house, name, ends("2026-01-31T11:00:00.000Z"), "recovery")
    assert "AWS_CREDENTIAL_EXPIRATION" in _fix(house, name, ends("unknown"), "recovery")


@boundary
def clocks_may_be_a_minute_apart_either_way(house: House) -> None:
    def skew(ms: int | None) -> Evidence:
        return PASSING.facts("read_identities", primary=replace(IDENTITIES.primary, skew_ms=ms))

    name = "clock_agrees_with_the_platform"
    expect(
        house,
        name,
        (skew(0), PROVEN),
        (skew(60_000), PROVEN),
        (skew(-60_000), PROVEN),
        (skew(60_001), REFUTED),
        (skew(-60_001), REFUTED),
        (skew(None), UNPROVEN),
        subject="primary",
    )
    assert "ahead of this machine's" in _fix(house, name, skew(60_001), "primary")
    assert "behind this machine's" in _fix(house, name, skew(-60_001), "primary")
    strict = skew(1).asking(preflight=replace(DEMANDED, clock_skew_ms=0))
    expect(house, name, (strict, REFUTED), subject="primary")
    assert "is 1 ms ahead of" in _fix(house, name, strict, "primary")


@boundary
def a_quota_has_room_for_what_runs_and_what_is_brought_up(house: House) -> None:
    def quota(**changes: Any) -> Evidence:
        read = replace(QUOTAS.quotas[0], quota=replace(VCPUS, **changes))
        return PASSING.facts("read_quotas", quotas=(read, *QUOTAS.quotas[1:]))

    name = "quota_has_room_for_a_drill"
    unread = PASSING.facts(
        "read_quotas", quotas=(replace(QUOTAS.quotas[0], quota=None, status="AccessDenied"), QUOTAS.quotas[1])
    )
    expect(
        house,
        name,
        (quota(value=6), PROVEN),
        (quota(value=5), REFUTED),
        (quota(value=0), REFUTED),
        (quota(in_use=30), PROVEN),
        (quota(in_use=31), REFUTED),
        (unread, UNPROVEN),
        (PASSING.facts("read_quotas", quotas=QUOTAS.quotas[1:]), UNPROVEN),
        subject="vCPUs",
    )
    expect(house, name, (PASSING, PROVEN), subject="builds")
    assert BUILDS.value == BUILDS.in_use + BUILDS.needed
    fix = _fix(house, name, quota(value=0), "vCPUs")
    assert "--service-code ec2 --quota-code L-1216C47A --desired-value 6" in fix
    own = _fix(
        house, name, quota(service="codebuild", code=PROJECT_LIMIT, name="infra", value=2, in_use=2, needed=1), "vCPUs"
    )
    assert "the project infra runs at most 2 builds at a time; 2 run" in own
    assert "next: aws codebuild update-project --name infra --concurrent-build-limit 3 --region us-west-2" in own
    assert "AccessDenied" in _fix(house, name, unread, "vCPUs")
    for status, step in (
        ("AccessDeniedException", "drproof policy --plan preflight prints"),
        ("TooManyRequestsException", "pytest -m preflight again"),
        ("DEPENDENCY_THROTTLING_ERROR", "pytest -m preflight again"),
        ("InternalServerError", "pytest -m preflight again"),
        ("UnknownFamily", "recovery.instance_type"),
        ("NoSuchQuota", "list-aws-default-service-quotas --region us-west-2 --service-code codebuild"),
        ("ProjectNotFound", "recovery.provisioner.codebuild.project"),
    ):
        told = replace(QUOTAS.quotas[0], quota=None, status=status)
        fix = _fix(house, name, PASSING.facts("read_quotas", quotas=(told, QUOTAS.quotas[1])), "vCPUs")
        assert step in fix, status
        assert ("policy" in fix) is (status == "AccessDeniedException"), status


def _permissions(*decisions: Decision, **changes: Any) -> Evidence:
    seen = replace(PERMISSIONS.primary, decisions=decisions, **changes)
    return PASSING.facts("read_permissions", primary=seen)


def _with(decision: Decision, word: Any) -> Decision:
    return replace(decision, decision=word)


@boundary
def every_missing_action_is_in_one_answer_with_the_statement_that_adds_it(house: House) -> None:
    name = "caller_may_do_what_a_drill_does"
    both = _permissions(_with(GET, "implicit_deny"), _with(LIST, "implicit_deny"))
    expect(
        house,
        name,
        (_permissions(GET), PROVEN),
        (_permissions(), REFUTED),
        (_permissions(GET, _with(LIST, "implicit_deny")), REFUTED),
        (_permissions(GET, _with(LIST, "explicit_deny")), REFUTED),
        (_permissions(GET, _with(LIST, "unknown")), UNPROVEN),
        (_permissions(_with(GET, "unknown"), _with(LIST, "implicit_deny")), REFUTED),
        (both, REFUTED),
        subject="primary",
    )
    verdict = house.verdict(name, both, "primary")
    assert verdict.observed["missing"] == ["s3:GetObject", "s3:ListBucket"]
    assert (verdict.observed["denied"], verdict.observed["asked"], verdict.observed["unknown"]) == (2, 2, 0)
    statements = json.loads(verdict.reason.partition("policy: ")[2])
    assert statements == [
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [LIST.resource]},
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [GET.resource]},
    ]
    assert "forbidden" not in verdict.reason
    one = house.verdict(name, _permissions(GET, _with(LIST, "implicit_deny")), "primary")
    assert json.loads(one.reason.partition("policy: ")[2]) == statements[0]
    assert one.observed["missing"] == ["s3:ListBucket"]
    walled = house.verdict(name, _permissions(_with(GET, "implicit_deny"), _with(LIST, "explicit_deny")), "primary")
    assert "; s3:ListBucket is forbidden by a policy" in walled.reason
    assert "a condition hangs" in _fix(house, name, _permissions(_with(GET, "unknown")), "primary")
    assert "may s3:GetObject: a condition" in _fix(house, name, _permissions(LIST, _with(GET, "unknown")), "primary")


@boundary
def policies_that_were_not_simulated_can_refute_and_never_prove(house: House) -> None:
    name, status = "caller_may_do_what_a_drill_does", "AccessDenied"
    readable = _permissions(GET, status=status)
    unreadable = _permissions(_with(GET, "unknown"), status=status)
    root = _permissions(_with(GET, "unknown"), status="NoPrincipal", principal="arn:aws:iam::111122223333:root")
    expect(
        house,
        name,
        (readable, UNPROVEN),
        (unreadable, UNPROVEN),
        (root, UNPROVEN),
        (_permissions(status=status), UNPROVEN),
        (_permissions(_with(GET, "implicit_deny"), status=status), REFUTED),
        subject="primary",
    )
    assert "its policies allow everything" in _fix(house, name, readable, "primary")
    assert "read and understood" in _fix(house, name, unreadable, "primary")
    assert "drproof policy --site primary" in _fix(house, name, readable, "primary")
    assert "is the root of the account" in _fix(house, name, root, "primary")
    assert PERMISSIONS.recovery.decisions == (PUBLISH,)


def _role(role: str, *decisions: Decision, **changes: Any) -> Evidence:
    roles = tuple(replace(one, decisions=decisions, **changes) if one.role == role else one for one in ROLES.roles)
    return PASSING.facts("read_roles", roles=roles)


@boundary
def a_role_lacks_what_it_is_denied_and_is_told_the_statement_with_its_condition(house: House) -> None:
    name = "role_may_do_what_it_is_for"
    expect(
        house,
        name,
        (_role("builds", MADE), PROVEN),
        (_role("builds"), REFUTED),
        (_role("builds", _with(MADE, "implicit_deny")), REFUTED),
        (_role("builds", _with(MADE, "explicit_deny")), REFUTED),
        (_role("builds", _with(MADE, "unknown")), UNPROVEN),
        (_role("builds", MADE, status="AccessDenied"), UNPROVEN),
        (_role("builds", status="ProjectNotFound"), UNPROVEN),
        (_role("builds", _with(MADE, "implicit_deny"), status="AccessDenied"), REFUTED),
        (_role("machine", _with(HEARD, "implicit_deny")), PROVEN),
        (PASSING.facts("read_roles", roles=()), UNPROVEN),
        subject="builds",
    )
    without = PASSING.facts("read_roles", roles=tuple(one for one in ROLES.roles if one.role != "builds"))
    assert house.verdict(name, without, "builds").reason == "the receipt does not speak of the role of builds"
    both = house.verdict(
        name, _role("machine", _with(BUILT, "implicit_deny"), _with(HEARD, "explicit_deny")), "machine"
    )
    assert both.observed["missing"] == ["codebuild:StartBuild", "events:PutRule"]
    assert (both.observed["denied"], both.observed["asked"], both.observed["unknown"]) == (2, 2, 0)
    assert "the role of machine, may not codebuild:StartBuild, events:PutRule (for BringupInfra)" in both.reason
    assert "`.sync`" in both.reason
    assert "; events:PutRule is forbidden by a policy" in both.reason
    one = house.verdict(name, _role("builds", _with(MADE, "implicit_deny")), "builds")
    assert json.loads(one.reason.partition("policy: ")[2]) == {
        "Effect": "Allow",
        "Action": ["ec2:CreateTags"],
        "Resource": [MADE.resource],
        "Condition": {"StringEquals": {"ec2:CreateAction": ["RunInstances"]}},
    }
    assert "`.sync`" not in one.reason
    assert "forbidden" not in one.reason
    assert "drproof policy --plan preflight" in _fix(house, name, _role("builds", status="AccessDenied"), "builds")
    contract = house.contracts[name]
    assert contract.is_asked(PASSING.asking(preflight=replace(DEMANDED, roles=("builds",))).criteria)
    assert not contract.is_asked(PASSING.asking(preflight=replace(DEMANDED, roles=())).criteria)
    assert "may ec2:CreateTags: a condition" in _fix(house, name, _role("builds", _with(MADE, "unknown")), "builds")


@boundary
def a_machine_that_is_deaf_lacks_what_it_hears_by_and_nothing_else(house: House) -> None:
    contract = house.contracts["role_may_do_what_it_is_for"]
    (deaf,) = (one for one in contract.sabotages if "hears of the end of builds" in one.name)
    pair = spoiled(contract, deaf, _role("machine", BUILT, HEARD), "machine")
    assert pair is not None
    (machine,) = (one for one in pair[1].facts.roles if one.role == "machine")
    assert [one.decision for one in machine.decisions] == ["allowed", "implicit_deny"]
    assert spoiled(contract, deaf, PASSING, "builds") is None


@boundary
def conditions_that_say_the_same_in_another_order_are_one_statement(house: House) -> None:
    first = {"StringEquals": {"ec2:CreateAction": ("RunInstances",)}, "StringLike": {"ec2:ResourceTag/a": ("b",)}}
    denied = _with(MADE, "implicit_deny")
    one = replace(denied, condition=first)
    other = replace(denied, action="ec2:DeleteTags", condition=dict(reversed(first.items())))
    reason = house.verdict("role_may_do_what_it_is_for", _role("builds", one, other), "builds").reason
    assert json.loads(reason.partition("policy: ")[2])["Action"] == ["ec2:CreateTags", "ec2:DeleteTags"]


@boundary
def a_trigger_must_be_there_and_off_or_follow_a_drill(house: House) -> None:
    def trigger(state: str, name: str = "rule atlas-schedule") -> Evidence:
        changed = tuple(replace(one, state=state) if one.name == name else one for one in TRIGGERS.triggers)
        return PASSING.facts("read_triggers", triggers=changed)

    name = "trigger_is_off_or_follows_a_verified_drill"
    expect(
        house,
        name,
        (trigger("enabled"), REFUTED),
        (trigger("absent"), REFUTED),
        (trigger("AccessDenied"), UNPROVEN),
        (PASSING.facts("read_triggers", triggers=TRIGGERS.triggers[1:]), UNPROVEN),
        (trigger("enabled").receipt("read_verified_drill", observed=DRILLS), PROVEN),
        (trigger("absent").receipt("read_verified_drill", observed=DRILLS), REFUTED),
        (trigger("enabled").facts("read_verified_drill", drills=(replace(DRILL_BEHIND, status=2),)), UNPROVEN),
        (trigger("enabled").facts("read_verified_drill", drills=(replace(DRILL_BEHIND, status=3),)), REFUTED),
        subject="rule atlas-schedule",
    )
    behind = trigger("enabled").receipt("read_verified_drill", observed=DRILLS)
    assert house.verdict(name, behind, "rule atlas-schedule").reason == ""
    gone = house.verdict(name, PASSING.facts("read_triggers", triggers=TRIGGERS.triggers[1:]), "rule atlas-schedule")
    assert gone.reason == "the receipt does not speak of rule atlas-schedule"
    denied = house.verdict(name, trigger("AccessDenied"), "rule atlas-schedule").reason
    assert denied.startswith("rule atlas-schedule could not be read: AccessDenied")
    disabled = "aws events disable-rule --region us-west-2 --name atlas-schedule"
    assert disabled in _fix(house, name, trigger("enabled"), "rule atlas-schedule")
    there = trigger("enabled").facts(
        "read_triggers", site="primary", triggers=(replace(TRIGGERS.triggers[0], state="enabled"),)
    )
    assert "disable-rule --region us-east-1 " in _fix(house, name, there, "rule atlas-schedule")
    bus = replace(TRIGGERS.triggers[0], name="rule own/schedule", state="enabled")
    elsewhere = PASSING.asking(preflight=replace(DEMANDED, triggers=("rule own/schedule", "alarm own/outage")))
    named = elsewhere.facts("read_triggers", triggers=(bus,))
    told = "aws events disable-rule --region us-west-2 --event-bus-name own --name schedule"
    assert told in _fix(house, name, named, "rule own/schedule")
    slash = elsewhere.facts("read_triggers", triggers=(replace(bus, name="alarm own/outage"),))
    assert "--alarm-names own/outage" in _fix(house, name, slash, "alarm own/outage")
    alarm = trigger("enabled", "alarm atlas-outage")
    assert "disable-alarm-actions --region us-west-2 --alarm-names atlas-outage" in _fix(
        house, name, alarm, "alarm atlas-outage"
    )
    assert "mend triggers.rules" in _fix(house, name, trigger("absent"), "rule atlas-schedule")
    contract = house.contracts[name]
    assert contract.applies is not None
    assert contract.applies(PASSING.criteria)
    assert not contract.applies(PASSING.asking(preflight=replace(DEMANDED, triggers=())).criteria)
    one = PASSING.asking(preflight=replace(DEMANDED, triggers=("rule atlas-schedule",)))
    assert contract.applies(one.criteria)


@boundary
def a_bucket_of_a_state_is_versioned_encrypted_private_and_its_owners(house: House) -> None:
    def state(**changes: Any) -> Evidence:
        return PASSING.facts("read_state", **changes)

    name = "state_bucket_is_kept_well"
    for subject, command in (
        ("versioned", "put-bucket-versioning"),
        ("encrypted", "put-bucket-encryption"),
        ("private", "put-public-access-block"),
    ):
        expect(
            house,
            name,
            (state(**{subject: "no"}), REFUTED),
            (state(**{subject: "AccessDenied"}), UNPROVEN),
            subject=subject,
        )
        assert f"aws s3api {command} --bucket atlas-state" in _fix(house, name, state(**{subject: "no"}), subject)
    assert '\'{"Rules":[{' in _fix(house, name, state(encrypted="no"), "encrypted")
    assert STATE.state == "new"
    expect(
        house,
        "remote_state_can_be_read",
        (state(state="ok"), PROVEN),
        (state(state="AccessDenied"), REFUTED),
        (state(status="AccessDenied"), REFUTED),
        (state(owner=""), REFUTED),
        (state(state="StateUnreadable", held=None), REFUTED),
    )
    assert "restore an earlier version" in _fix(house, "remote_state_can_be_read", state(state="StateUnreadable"))
    assert "restore an earlier" not in _fix(house, "remote_state_can_be_read", state(state="AccessDenied"))


@boundary
def a_state_that_holds_something_keeps_a_drill_away(house: House) -> None:
    def state(**changes: Any) -> Evidence:
        return PASSING.facts("read_state", **changes)

    name, many = "remote_state_holds_nothing", tuple(f"a.{number}" for number in range(6))
    expect(
        house,
        name,
        (state(held=()), PROVEN),
        (state(held=("aws_iam_role.runner",)), REFUTED),
        (state(state="AccessDenied", held=None), UNPROVEN),
    )
    reason = _fix(house, name, state(held=many))
    assert "holds a.0, a.1, a.2, a.3, a.4, and" in reason
    assert "drproof gc" in reason
    assert "AccessDenied" in _fix(house, name, state(state="AccessDenied", held=None))


@boundary
def what_could_not_be_looked_at_is_not_said_to_be_missing(house: House) -> None:
    def point(status: str) -> Evidence:
        (first, *rest) = PREFLIGHT.restore_point
        return PASSING.facts("check_preflight", restore_point=(replace(first, status=status), *rest))

    name, subject = "restore_point_is_present", PREFLIGHT.restore_point[0].name
    expect(
        house,
        name,
        (point("ok"), PROVEN),
        (point("404"), REFUTED),
        (point("NoSuchBucket"), REFUTED),
        (point("empty"), REFUTED),
        (point("a word that is no code"), REFUTED),
        (point("403"), UNPROVEN),
        (point("ExpiredToken"), UNPROVEN),
        subject=subject,
    )
    assert "is empty\n" in _fix(house, name, point("empty"), subject)
    assert "is not there\n" in _fix(house, name, point("404"), subject)
    assert "drproof policy --site primary" in _fix(house, name, point("403"), subject)

    def image(status: str) -> Evidence:
        return PASSING.facts("check_preflight", image_status=status)

    name = "image_is_in_the_registry"
    expect(
        house,
        name,
        (image("ImageNotFoundException"), REFUTED),
        (image("RepositoryNotFoundException"), REFUTED),
        (image("AccessDeniedException"), UNPROVEN),
        (image("UpstreamAccessDenied"), UNPROVEN),
        (image("NotInECR"), UNPROVEN),
        (image("DigestMismatch"), REFUTED),
        (image("InvalidManifest"), REFUTED),
        (image("NoArchitecture"), REFUTED),
    )
    assert "next: docker buildx imagetools create" in _fix(house, name, image("NotInECR"))
    assert "runs on no architecture of Linux\n  next: docker buildx build" in _fix(house, name, image("NoArchitecture"))
    assert "AccessDeniedException" in _fix(house, name, image("AccessDeniedException"))
    assert "drproof policy --site primary" in _fix(house, name, image("AccessDeniedException"))


@boundary
def each_thing_in_the_way_of_a_drill_has_its_own_fix_and_no_other(house: House) -> None:
    def way(**changes: Any) -> str:
        evidence = PASSING.facts("check_preflight", **changes)
        expect(house, "target_is_free", (evidence, REFUTED))
        return _fix(house, "target_is_free", evidence).partition("next: ")[2]

    state = PREFLIGHT.state_bucket
    assert (
        way(state_bucket=replace(state, status="NoSuchBucket"))
        == f"make {state.place}, or mend its name in drproof.toml"
    )
    assert way(recovery_bucket=replace(state, status="403")).startswith("let the drill's role list ")
    assert way(state_lock='{"ID": "1"}').startswith("wait for whoever holds the lock; ")
    assert way(table_lock='{"ID": "1"}').startswith("wait for whoever holds the lock; ")
    assert way(table_lock="AccessDenied").startswith("let the drill's role read the lock: ")
    assert way(lease='{"drill_id": "1"}').startswith("wait for the drill that holds the lease")
    assert way(lease="AccessDenied").startswith("let the drill's role read the lease: ")
    machine = way(runners=("i-1", "i-2"))
    assert machine.startswith("a machine that nobody needs: ")
    assert machine.endswith("--region us-west-2 --instance-ids i-1 i-2")
    assert len(way(runners=("i-1",), lease='{"drill_id": "1"}').split("; ")) == 2


@boundary
def an_image_that_nobody_could_look_at_is_told_with_a_fix(house: House) -> None:
    unread = PASSING.facts("check_preflight", architectures=())
    strange = PASSING.facts("check_preflight", instance_type="nothing-known")
    for name, subject, evidence in (
        ("image_has_every_architecture", "arm64", unread),
        ("image_runs_on_the_runner", "", unread),
        ("image_runs_on_the_runner", "", strange),
    ):
        expect(house, name, (evidence, UNPROVEN), subject=subject)
        _fix(house, name, evidence, subject)


@boundary
def recovery_shares_nothing_unless_the_operator_says_so(house: House) -> None:
    def domains(**changes: Any) -> Evidence:
        return PASSING.facts("read_domains", **changes)

    def accepting(evidence: Evidence, *names: str) -> Evidence:
        return evidence.asking(preflight=replace(DEMANDED, accepted_overlaps=names))

    name = "recovery_shares_no_failure_domain"
    account = domains(recovery=replace(DOMAINS.recovery, account=DOMAINS.primary.account))
    expect(
        house,
        name,
        (account, REFUTED),
        subject="account",
    )
    assert house.verdict(name, account, "account").expected == "another one"
    assert "preflight.accept_overlaps" in _fix(house, name, account, "account")
    left = [one.subject for one in accepting(account, "account", "vpc").verdicts(house.contracts[name])]
    assert left == [one for one in DEMANDED.domains if one not in {"account", "vpc"}]
    applies = house.contracts[name].applies
    assert applies is not None
    assert not applies(accepting(account, *DEMANDED.domains).criteria)
    assert applies(accepting(account, *DEMANDED.domains[1:]).criteria)

    def vpcs(here: str, there: str) -> Evidence:
        return domains(primary=replace(DOMAINS.primary, vpc=here), recovery=replace(DOMAINS.recovery, vpc=there))

    expect(
        house,
        name,
        (vpcs("us-east-1/vpc-1", "us-west-2/vpc-1"), PROVEN),
        (vpcs("us-east-1/", "us-west-2/"), PROVEN),
        (vpcs("us-east-1/vpc-1", "us-east-1/vpc-1"), REFUTED),
        (vpcs("us-east-1/vpc-1", "us-east-1/vpc-2"), PROVEN),
        (vpcs("us-east-1/", "us-east-1/vpc-1"), UNPROVEN),
        (vpcs("us-east-1/vpc-1", "us-east-1/"), UNPROVEN),
        (vpcs("us-east-1/", "us-east-1/"), REFUTED),
        subject="vpc",
    )
    assert "set primary.vpc_id" in _fix(house, name, vpcs("us-east-1/", "us-east-1/vpc-1"), "vpc")

    def bucket(**changes: Any) -> Evidence:
        return domains(buckets=tuple(replace(one, **changes) if one.name == "state bucket" else one for one in PLACES))

    expect(
        house,
        name,
        (bucket(bucket="atlas-primary"), REFUTED),
        (bucket(region="us-east-1"), REFUTED),
        (bucket(region="eu-west-1"), PROVEN),
        (accepting(bucket(region="us-east-1"), "region"), PROVEN),
        (accepting(bucket(bucket="atlas-primary"), "region"), REFUTED),
        (bucket(region="", status="AccessDenied"), UNPROVEN),
        (domains(buckets=PLACES[2:]), UNPROVEN),
        subject="state bucket",
    )
    assert "AccessDenied" in _fix(house, name, bucket(region="", status="AccessDenied"), "state bucket")
    assert "does not speak" in _fix(house, name, domains(buckets=PLACES[2:]), "state bucket")
    controls = {one.name: one for one in house.verdict(name, accepting(PASSING, "region"), "state bucket").controls}
    assert "does not count" in controls["the bucket lies in the original site's region"].reason


@boundary
def a_pull_needs_a_login_that_lives_and_a_cluster_that_takes_it(house: House) -> None:
    def tried(**changes: Any) -> Evidence:
        return PASSING.facts("try_pull_secret", **changes)

    expect(
        house,
        "pull_login_outlives_the_drill",
        (tried(expires_at=ENOUGH), PROVEN),
        (tried(expires_at=SHORT), REFUTED),
        (tried(expires_at=""), REFUTED),
        (tried(login="AccessDenied"), REFUTED),
    )
    expect(
        house,
        "cluster_would_take_the_pull_secret",
        (tried(cluster="none"), UNPROVEN),
        (tried(cluster="Forbidden"), REFUTED),
    )


@boundary
def somebody_hears_and_somebody_approves(house: House) -> None:
    def people(**changes: Any) -> Evidence:
        return PASSING.facts("read_people", **changes)

    expect(
        house,
        "somebody_hears_the_topic",
        (people(confirmed=0), REFUTED),
        (people(confirmed=2), PROVEN),
        (people(status="NotFound", confirmed=0), REFUTED),
        (people(status="NotFound"), REFUTED),
        (people(status="AuthorizationError", confirmed=0), UNPROVEN),
    )
    pending = _fix(house, "somebody_hears_the_topic", people(confirmed=0, pending=3))
    assert "0 confirmed subscriptions and 3 that wait" in pending
    expect(house, "somebody_can_approve", (people(approvers=()), REFUTED), (people(approvers=("a", "b")), PROVEN))
    assert "--role approver" in _fix(house, "somebody_can_approve", people(approvers=()))


@boundary
def a_provisioner_has_a_version(house: House) -> None:
    def tools(**changes: Any) -> Evidence:
        return PASSING.facts("read_tools", **changes)

    expect(
        house,
        "provisioner_can_be_used",
        (tools(kind="direct", version="drproof 1"), PROVEN),
        (tools(status="NoTerraform"), REFUTED),
        (tools(version=""), REFUTED),
    )


@boundary
def what_is_missing_beside_the_backup_is_published_once_with_a_command(house: House) -> None:
    pointer = replace(PASSING.receipts["check_preflight"].facts.control_plane, status="NoSuchKey")
    gone = PASSING.facts("check_preflight", control_plane=pointer)
    expect(house, "restore_point_is_present", (gone, REFUTED), subject="control plane")
    command = f"drproof control-plane publish --bucket atlas-backups --prefix atlas --image-ref-digest {IMAGE}"
    assert command in _fix(house, "restore_point_is_present", gone, "control plane")
    unspoken = house.verdict("receipt_store_answers", PASSING.facts("check_preflight", receipt_store=None))
    assert (unspoken.status, "does not speak of a receipt store" in unspoken.reason) == (UNPROVEN, True)
    expect(house, "target_is_free", (PASSING.facts("check_preflight", table_lock="held"), REFUTED))
