"""What the phases of a preflight observe, and what they make of a platform that refuses."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.evidence.redaction import Redactor
from drproof.model.capabilities import BucketInfo, RegistryLogin
from drproof.model.errors import NotFoundError, TargetError
from drproof.model.readiness import Decision, Guarded, Heard, PermissionsSeen, QuotaSeen
from drproof.model.receipt import Caller
from drproof.model.settings import Settings, Triggers
from drproof.phases.preflight.check_preflight import _body as what_holds
from drproof.phases.preflight.check_preflight import _is_held, check_preflight
from drproof.phases.preflight.read_domains import read_domains
from drproof.phases.preflight.read_identities import read_identities
from drproof.phases.preflight.read_people import read_people
from drproof.phases.preflight.read_permissions import read_permissions
from drproof.phases.preflight.read_quotas import read_quotas
from drproof.phases.preflight.read_state import read_state
from drproof.phases.preflight.read_tools import read_tools
from drproof.phases.preflight.read_triggers import read_triggers
from drproof.phases.preflight.try_pull_secret import try_pull_secret
from tests.contracts.observed import CRITERIA
from tests.contracts.observed_preflight import PRIMARY, RECOVERY, REGISTRY
from tests.phases.site import SETTINGS, Ticking

DENIED = TargetError("no\n  next: ask", code="AccessDenied")
PASSWORD = "a-password-of-the-registry"
LOGIN = RegistryLogin(server=REGISTRY, username="AWS", password=PASSWORD, expires_at="2026-02-01T00:00:00Z")
QUOTA = QuotaSeen(service="ec2", code="L-1", name="vCPUs", value=8, in_use=0, needed=2)
ASKED = Decision(verb="runner.up", action="ec2:RunInstances", resource="*", decision="unknown")
WRITTEN = SimpleNamespace(etag="", modified_at="", seen_at="")
NAMED = Triggers(rules=("schedule",), alarms=("outage",))


class World:
    """Both sites; each answer can be replaced, and an error among them is raised."""

    def __init__(self, **answers: Any) -> None:
        self.said: list[str] = []
        self.hidden: list[str] = []
        self.tried: list[Any] = []
        self.answers: dict[str, Any] = {
            "expires_at": "",
            "platform_time": "2026-01-31T12:00:01.000Z",
            "machines": QUOTA,
            "builds": QUOTA,
            "permissions": PermissionsSeen(principal="role", status="simulated", decisions=(ASKED,)),
            "rules": {"schedule": "ENABLED"},
            "alarms": {"outage": SimpleNamespace(actions_enabled=False)},
            "holder": "",
            "guards": Guarded(encrypted="yes", private="no"),
            "heard": Heard(confirmed=2, pending=1),
            "describe": None,
            "read": (WRITTEN, b"{}"),
            "region": "us-east-2",
            "login": LOGIN,
            "namespace": None,
            "cluster": None,
            "provisioner": SimpleNamespace(kind="terraform", version="1.11.4"),
            **answers,
        }

    def give(self, name: str) -> Any:
        found = self.answers[name]
        if isinstance(found, Exception):
            raise found
        return found

    def describe(self, bucket: str, caller: Caller) -> BucketInfo:
        versioning = self.give("describe") or "enabled"
        return BucketInfo(
            name=bucket,
            owner=caller.account_id,
            region=caller.region,
            versioning=versioning,
            object_lock="none",
            replication="none",
        )

    def site(self, caller: Caller) -> Any:
        def provisioner(_: Any) -> Any:
            return self.give("provisioner")

        readiness = SimpleNamespace(
            quotas=SimpleNamespace(machines=lambda _: self.give("machines"), builds=lambda: self.give("builds")),
            permissions=SimpleNamespace(look=lambda _, provisioner: self.give("permissions")),
            triggers=SimpleNamespace(rules=lambda _: self.give("rules")),
            lock_tables=SimpleNamespace(holder=lambda table, lock: self.give("holder") and f"{table} {lock}"),
            buckets=SimpleNamespace(look=lambda _: self.give("guards"), region=lambda _, owner: self.give("region")),
            topics=SimpleNamespace(heard=lambda _: self.give("heard")),
        )

        def try_out(manifest: Any) -> None:
            self.tried.append(manifest)
            self.give("cluster")

        cluster = SimpleNamespace(
            get=lambda *_: self.give("namespace"),
            try_out=try_out,
            close=lambda: self.tried.append("closed"),
        )
        made = type("Site", (), {"provisioner": property(provisioner)})()
        made.readiness = readiness
        made.identity = SimpleNamespace(
            caller=lambda: caller,
            expires_at=lambda: self.give("expires_at"),
            platform_time=lambda: self.give("platform_time"),
        )
        made.alarms = SimpleNamespace(rules=lambda _: self.give("alarms"))
        made.objects = SimpleNamespace(
            describe=lambda bucket: self.describe(bucket, caller), read=lambda *_, **__: self.give("read")
        )
        made.images = SimpleNamespace(login=lambda _: self.give("login"))
        made.clusters = SimpleNamespace(known=True, secrets=lambda: ("key-data",), open=lambda uid: cluster)
        return made

    def context(self, settings: Settings = SETTINGS, **demands: Any) -> Any:
        demanded = replace(CRITERIA.preflight, **demands)
        return SimpleNamespace(
            plan=SimpleNamespace(criteria=replace(CRITERIA, preflight=demanded)),
            settings=settings,
            target=SimpleNamespace(
                primary=self.site(PRIMARY),
                recovery=self.site(RECOVERY),
                receipts=SimpleNamespace(),
            ),
            clock=Ticking(),
            say=self.said.append,
            hide=lambda *values: self.hidden.extend(values),
            redact=Redactor().redact,
        )


def test_the_clocks_are_compared_with_the_middle_of_the_question():
    seen = read_identities.act(World().context())

    assert (seen.primary.caller, seen.recovery.caller) == (PRIMARY, RECOVERY)
    assert (seen.primary.skew_ms, seen.primary.expires_at) == (1000, "")


def test_a_platform_that_does_not_tell_the_time_leaves_the_skew_unknown():
    world = World(platform_time=TargetError("sts: NoDate", code="NoDate"), expires_at="unknown")

    seen = read_identities.act(world.context())

    assert (seen.recovery.skew_ms, seen.recovery.expires_at) == (None, "unknown")
    assert "sts: NoDate" in world.said


def test_a_quota_that_cannot_be_read_is_named_with_its_code():
    observed = read_quotas.act(World(builds=DENIED).context(quotas=("vCPUs", "builds")))

    assert [(one.name, one.status, one.quota) for one in observed.quotas] == [
        ("vCPUs", "ok", QUOTA),
        ("builds", "AccessDenied", None),
    ]


@pytest.mark.parametrize(
    ("action", "decision"), [("ec2:*", "allowed"), ("s3:*", "implicit_deny")], ids=["allowed", "missing"]
)
def test_policies_are_judged_where_nothing_was_simulated(action, decision):
    documents = ({"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]},)
    refused = PermissionsSeen(principal="role", status="AccessDenied", decisions=(ASKED,), documents=documents)

    observed = read_permissions.act(World(permissions=refused).context())

    assert observed.recovery.status == "AccessDenied"
    assert observed.recovery.decisions == (replace(ASKED, decision=decision),)


def test_what_was_simulated_is_taken_as_it_is_and_so_is_what_nobody_could_read():
    documents = ({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},)
    simulated = PermissionsSeen(principal="role", status="simulated", decisions=(ASKED,), documents=documents)
    unread = PermissionsSeen(principal="role", status="AccessDenied", decisions=(ASKED,))

    assert read_permissions.act(World(permissions=simulated).context()).primary.decisions == (ASKED,)
    assert read_permissions.act(World(permissions=unread).context()).primary.decisions == (ASKED,)


def test_the_actions_of_the_provisioner_that_needs_most_are_asked_for_where_none_works():
    assert read_permissions.act(World().context()).provisioner == "terraform"
    direct = World(provisioner=SimpleNamespace(kind="direct", version="1"))
    assert read_permissions.act(direct.context()).provisioner == "direct"
    broken = World(provisioner=TargetError("terraform cannot be used", code="NoTerraform"))
    assert read_permissions.act(broken.context()).provisioner == "terraform"


def test_each_trigger_is_enabled_disabled_or_absent():
    settings = replace(SETTINGS, triggers=NAMED)

    seen = read_triggers.act(World().context(settings)).triggers
    gone = read_triggers.act(World(rules={}, alarms=DENIED).context(settings)).triggers

    assert [(one.name, one.state) for one in seen] == [("rule schedule", "enabled"), ("alarm outage", "disabled")]
    assert [(one.name, one.state) for one in gone] == [("rule schedule", "absent"), ("alarm outage", "AccessDenied")]


def test_that_no_trigger_is_named_is_said():
    world = World(rules=AssertionError("nobody is to be asked"), alarms=AssertionError("nobody is to be asked"))

    assert read_triggers.act(world.context()).triggers == ()
    assert any("no trigger is named" in line for line in world.said)


def test_the_state_is_new_read_or_refused():
    assert read_state.act(World().context()).state == "StateUnreadable", "an empty object is the state of neither"
    assert read_state.act(World(read=NotFoundError("no", code="NoSuchKey")).context()).state == "new"
    assert read_state.act(World(read=DENIED).context()).state == "AccessDenied"


TERRAFORM = {
    "version": 4,
    "resources": [
        {"mode": "managed", "type": "aws_iam_role", "name": "runner", "instances": [{"attributes": {}}]},
        {"mode": "managed", "type": "aws_instance", "name": "gone", "instances": []},
        {"mode": "data", "type": "aws_partition", "name": "this", "instances": [{"attributes": {}}]},
    ],
}
DIRECT = {"version": 1, "kind": "direct", "origin": "drill-1", "resources": [{"kind": "instance", "identity": "i-1"}]}


@pytest.mark.parametrize(
    ("terraform", "direct", "state", "held"),
    [
        (TERRAFORM, None, "ok", ("aws_iam_role.runner",)),
        (None, DIRECT, "ok", ("i-1",)),
        (TERRAFORM, DIRECT, "ok", ("aws_iam_role.runner", "i-1")),
        ({**TERRAFORM, "resources": []}, None, "ok", ()),
        (None, None, "new", ()),
        (b"no state", None, "StateUnreadable", None),
        (b"[1]", None, "StateUnreadable", None),
        *((empty, None, "StateUnreadable", None) for empty in (b"", b"{}", b"[]", b"null", b'""', b'{"version": 4}')),
        *((None, empty, "StateUnreadable", None) for empty in (b"", b"{}", b"[]", b"null")),
        ({**TERRAFORM, "version": 5}, None, "StateUnreadable", None),
        ({"version": 4, "resources": [{"type": "x"}]}, None, "StateUnreadable", None),
        (None, {"version": 1}, "StateUnreadable", None),
        (None, {**DIRECT, "kind": "another"}, "StateUnreadable", None),
        (None, DENIED, "AccessDenied", None),
    ],
)
def test_what_either_state_holds_is_known_or_said_to_be_unreadable(terraform, direct, state, held):
    """A drill refuses to work beside it, and one that cannot be read is not taken for an empty one."""
    world = World()
    given = {True: direct, False: terraform}

    def read(bucket: str, key: str, **_: Any) -> Any:
        found = given[key.endswith(".direct.json")]
        if found is None:
            raise NotFoundError("no", code="NoSuchKey")
        if isinstance(found, Exception):
            raise found
        return None, found if isinstance(found, bytes) else json.dumps(found).encode()

    context = world.context()
    context.target.recovery.objects.read = read

    seen = read_state.act(context)

    assert (seen.state, seen.held) == (state, held)


@pytest.mark.parametrize(
    ("seen_at", "execution", "is_held"),
    [
        ("2026-01-31T12:00:30.000Z", "", True),
        ("2026-01-31T12:10:00.000Z", "", False),
        ("2026-01-31T12:10:00.000Z", "arn:aws:states:us-west-2:1:execution:a:b", True),
    ],
)
def test_a_lease_that_nobody_renews_holds_nothing_and_that_of_an_execution_does(seen_at, execution, is_held):
    """The next drill takes it over: whoever was told to wait for it would wait for ever."""
    world = World()
    lease = {
        "drill_id": "dead",
        "fence": 1,
        "expires_at": "2026-01-31T12:01:00.000Z",
        "host": "h",
        "pid": 1,
        "length_ms": 60_000,
        **({"execution": execution} if execution else {}),
    }
    info = SimpleNamespace(etag="e", modified_at="2026-01-31T12:00:00.000Z", seen_at=seen_at)
    context = world.context()

    def read(bucket: str, key: str, **_: Any) -> Any:
        if not key.endswith(".drproof-lease"):
            raise NotFoundError("no", code="NoSuchKey")
        return info, json.dumps(lease).encode()

    context.target.recovery.objects.read = read

    held = what_holds(context, "states", "a.tfstate.drproof-lease", _is_held)

    assert bool(held) is is_held
    assert any("has run out" in line for line in world.said) is not is_held


@pytest.mark.parametrize(
    ("versioning", "word"),
    [("enabled", "yes"), ("suspended", "no"), ("none", "no"), ("AccessDenied", "AccessDenied")],
)
def test_the_bucket_of_the_state_says_how_it_is_kept(versioning, word):
    seen = read_state.act(World(describe=versioning).context())

    assert (seen.versioned, seen.encrypted, seen.private, seen.owner) == (word, "yes", "no", RECOVERY.account_id)


def test_a_bucket_that_does_not_answer_is_nobodys():
    seen = read_state.act(World(describe=DENIED).context())

    assert (seen.status, seen.owner, seen.versioned, seen.state) == ("AccessDenied", "", "AccessDenied", "AccessDenied")


def test_every_bucket_of_a_recovery_says_where_it_lies():
    seen = read_domains.act(World().context(replace(SETTINGS, storing=CRITERIA.storing)))

    assert {one.name: one.region for one in seen.buckets} == {
        "recovery bucket": "us-west-2",
        "state bucket": "us-west-2",
        "backup bucket": "us-east-1",
        "receipt bucket": "us-east-2",
    }
    assert (seen.primary.vpc, seen.recovery.account) == ("us-east-1/", RECOVERY.account_id)
    refused = read_domains.act(
        World(describe=DENIED, region=DENIED).context(replace(SETTINGS, storing=CRITERIA.storing))
    )
    assert {(one.region, one.status) for one in refused.buckets} == {("", "AccessDenied")}
    assert len(refused.buckets) == 4


def test_the_topic_says_who_listens():
    settings = replace(SETTINGS, approvers=("somebody",))

    heard = read_people.act(World().context(settings))
    refused = read_people.act(World(heard=DENIED).context(settings))
    silent = read_people.act(World().context(replace(SETTINGS, recovery=replace(SETTINGS.recovery, topic_arn=""))))

    assert (heard.status, heard.confirmed, heard.pending, heard.approvers) == ("ok", 2, 1, ("somebody",))
    assert (refused.status, refused.confirmed) == ("AccessDenied", 0)
    assert (silent.status, silent.approvers) == ("none", ())


def test_the_provisioner_says_its_version_or_why_it_cannot_be_used():
    contradiction = World(provisioner=ValueError("the settings contradict each other"))

    assert read_tools.act(World().context()).version == "1.11.4"
    broken = read_tools.act(World(provisioner=TargetError("no", code="NoTerraform")).context())
    assert (broken.asked, broken.status, broken.version) == ("auto", "NoTerraform", "")
    assert read_tools.act(contradiction.context()).status == "Contradiction"
    assert "the settings contradict each other" in contradiction.said


def test_a_pull_secret_is_tried_out_and_nothing_of_it_is_kept():
    world = World()

    seen = try_pull_secret.act(world.context())

    assert (seen.login, seen.cluster, seen.tried_in) == ("ok", "ok", "default")
    manifest, closed = world.tried
    assert closed == "closed"
    assert manifest["type"] == "kubernetes.io/dockerconfigjson"
    assert manifest["metadata"]["namespace"] == "default", "the namespace of the drill is not there yet"
    assert {PASSWORD, manifest["data"][".dockerconfigjson"], "key-data"} <= set(world.hidden)
    assert PASSWORD not in repr(seen)
    there = World(namespace={"kind": "Namespace"})
    assert try_pull_secret.act(there.context()).tried_in == SETTINGS.cluster.namespace


def test_a_refusal_of_registry_or_cluster_is_named():
    cluster = World(cluster=TargetError("no", code="Forbidden"))
    registry = World(login=DENIED)

    assert try_pull_secret.act(cluster.context()).cluster == "Forbidden"
    assert cluster.tried[-1] == "closed"
    refused = try_pull_secret.act(registry.context())
    assert (refused.login, refused.cluster, registry.tried) == ("AccessDenied", "none", [])


def test_where_there_is_no_cluster_yet_only_the_login_is_tried():
    alone = World()

    seen = try_pull_secret.act(alone.context(cluster_expected=False))
    none = try_pull_secret.act(World(login=AssertionError("not asked")).context(login_expected=False))

    assert (seen.login, seen.cluster, alone.tried) == ("ok", "none", [])
    assert (none.login, none.cluster) == ("none", "none")


def test_the_lock_table_is_asked_by_terraforms_name_of_the_lock():
    table = replace(SETTINGS.recovery.provisioner, lock_table="locks")
    settings = replace(SETTINGS, recovery=replace(SETTINGS.recovery, provisioner=table))

    def locked(world: World, given: Settings) -> str:
        context = world.context(given)
        for site in (context.target.primary, context.target.recovery):
            site.objects = SimpleNamespace(
                head=lambda *_: SimpleNamespace(size=1), list=lambda *_: iter(()), read=lambda *_, **__: (WRITTEN, b"")
            )
            site.fleet = SimpleNamespace(runners=lambda _: ())
            site.images = SimpleNamespace(look=lambda _: SimpleNamespace(digests={}, media_type=""))
        context.target.receipts.locks = lambda _: False
        return check_preflight.act(context).table_lock

    assert locked(World(), settings) == ""
    assert locked(World(holder="held"), settings) == "locks atlas-state/runner"
    assert locked(World(holder=NotFoundError("no", code="ResourceNotFoundException")), settings) == (
        "ResourceNotFoundException"
    )
    assert locked(World(holder=AssertionError("not asked")), SETTINGS) == ""
