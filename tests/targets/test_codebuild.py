"""CodeBuild as a provisioner: one build an effect, a receipt that is bound to it, and an end whatever happens."""

import functools
import hashlib
import io
import itertools
import json
import os
import secrets
import shutil
import signal
import sys
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from drproof.formats import s3_uri
from drproof.model.capabilities import Provisioner
from drproof.model.changes import Change
from drproof.model.context import DRILL_TAG
from drproof.model.errors import GuardError, HeldError, Interruption, QuotaError, TargetError
from drproof.model.settings import BuildSettings
from drproof.targets import embedded, open_target
from drproof.targets.provisioners.build_order import next_token, orders
from drproof.targets.provisioners.codebuild import CodeBuildProvisioner
from drproof.targets.provisioners.place import LOCK_SUFFIX
from drproof.targets.sites import AwsTarget
from tests.patience import until
from tests.targets.conftest import NAMES, bounds, make_intent, settings, spec
from tests.targets.lock_notes import NOTE, lock_in, note_in
from tests.targets.test_provisioners import STATES, foreign_lock, lock_is_free, owned

pytestmark = pytest.mark.costly

BUILDS = BuildSettings(**NAMES["recovery"]["provisioner"]["codebuild"])
WITHOUT = pytest.mark.skipif(
    shutil.which("terraform") is None, reason="NO TERRAFORM on this machine: builds with it are NOT tested here"
)
TOOLS = [pytest.param("terraform", marks=WITHOUT), "direct"]
RECEIPTS = s3_uri.parse(BUILDS.receipt_uri)
Site = Callable[..., AwsTarget]


@pytest.fixture
def origin() -> str:
    """A drill of this test's own."""
    return f"drill-{secrets.token_hex(4)}"


@pytest.fixture
def site(world: embedded.World, origin: str, tmp_path: Path) -> Site:
    """Open the world for this drill, with builds that use one tool."""

    def opened(tool: Any = "direct", **changes: Any) -> AwsTarget:
        builds = replace(BUILDS, tool=tool, **changes)
        told = settings("codebuild", key=f"t/{origin}.tfstate", codebuild=builds)
        return open_target(told, world.endpoint, directory=tmp_path, origin=origin)

    return opened


def client(target: AwsTarget) -> Any:
    """Return the SDK's client behind a provisioner."""
    return target.recovery.provisioner._builds._client  # type: ignore[union-attr] # the kind is asked for above


def of(target: AwsTarget, origin: str) -> list[dict[str, Any]]:
    """Return the builds of a drill, the newest first."""
    sdk = client(target)
    found = sdk.batch_get_builds(ids=sdk.list_builds_for_project(projectName=BUILDS.project)["ids"][:100])["builds"]
    wanted = {"name": "EXECUTION_ID", "value": origin, "type": "PLAINTEXT"}
    mine = [build for build in found if wanted in build["environment"]["environmentVariables"]]
    return sorted(mine, key=lambda build: build["startTime"], reverse=True)


def variable(build: dict[str, Any], name: str) -> str:
    found = {one["name"]: one["value"] for one in build["environment"]["environmentVariables"]}
    return str(found.get(name, ""))


def receipt(target: AwsTarget, origin: str, action: str = "bringup") -> dict[str, Any]:
    key = RECEIPTS.join(f"{origin}/codebuild-{action}.json")
    return dict(json.loads(target.recovery.objects.read(RECEIPTS.bucket, key)[1]))


def failed(provisioner: Provisioner, call: Callable[[], Change]) -> TargetError:
    with pytest.raises(TargetError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("tool", TOOLS)
def test_a_machine_is_brought_up_observed_and_taken_away_by_builds(site: Site, origin: str, tool: str) -> None:
    target = site(tool)
    provisioner: Provisioner = target.recovery.provisioner
    heard: list[str] = []

    change = provisioner.up(make_intent(), spec(origin), say=heard.append)

    (runner,) = target.recovery.fleet.runners({DRILL_TAG: origin})
    assert (change.created, change.changed, change.destroyed) == (1, 0, 0)
    assert change.created_ids == (runner.instance_id,)
    kept = receipt(target, origin)
    assert change.build is not None
    assert change.build.build_id == kept["build_id"] == of(target, origin)[0]["id"]
    assert (kept["status"], kept["exit_status"], kept["failed_command"]) == ("ok", 0, "")
    assert (kept["execution_id"], kept["account_id"], kept["phase"]) == (origin, "444455556666", "bringup")
    assert any("BUILD" in line for line in heard)
    assert len(provisioner.holds()) == (tool == "terraform")
    again = provisioner.up(make_intent(), spec(origin))
    assert (again.created, again.changed, again.destroyed, again.created_ids) == (0, 0, 0, ())
    gone = provisioner.down(make_intent(), spec(origin), bounds())
    assert (gone.created, gone.changed, gone.destroyed) == (0, 0, 1)
    assert owned(target, origin) == []
    assert provisioner.holds() == ()
    assert lock_is_free(target, origin)
    assert receipt(target, origin, "teardown")["status"] == "ok"
    assert provisioner.down(make_intent(), spec(origin), bounds()).destroyed == 0


@pytest.mark.parametrize("tool", TOOLS)
def test_no_build_begins_a_teardown_of_more_machines_than_the_bounds_allow(site: Site, origin: str, tool: str) -> None:
    target = site(tool)
    provisioner = target.recovery.provisioner
    provisioner.up(make_intent(), spec(origin))
    try:
        with pytest.raises(GuardError, match=r"1 machines .* at most 0 \(limits\.max_machines\)"):
            provisioner.down(make_intent(), spec(origin), bounds(most=0))

        assert "instance" in owned(target, origin)
        assert [variable(build, "ACTION") for build in of(target, origin)] == ["bringup"]
    finally:
        provisioner.down(make_intent(), spec(origin), bounds())


@WITHOUT
def test_the_plugins_that_a_build_took_the_machine_away_with_are_told_as_those_that_brought_it_up(
    site: Site, origin: str, stranger: Callable[[str], Any]
) -> None:
    """The built-in module loads none, so a Terraform of its own name and version says that it does."""
    plugin, version, told = "registry.terraform.io/hashicorp/aws", "1.99.9", io.BytesIO()
    selected = json.dumps({"terraform_version": version, "provider_selections": {plugin: "6.34.0"}})
    with zipfile.ZipFile(told, "w") as archive:
        name = zipfile.ZipInfo("terraform")
        name.external_attr = 0o755 << 16
        says = f"[ \"$1\" != version ] || exec echo '{selected}'"
        archive.writestr(name, f'#!/bin/sh\n{says}\nexec {shutil.which("terraform")} "$@"\n')
    key = f"tools/{origin}.zip"
    stranger("s3").put_object(Bucket=STATES, Key=key, Body=told.getvalue())
    named = {"terraform_uri": f"s3://{STATES}/{key}", "terraform_sha256": hashlib.sha256(told.getvalue()).hexdigest()}
    target = site("terraform", terraform_version=version, **named)
    provisioner = target.recovery.provisioner

    change = provisioner.up(make_intent(), spec(origin))
    gone = provisioner.down(make_intent(), spec(origin), bounds())

    assert (change.created, gone.destroyed) == (1, 1)
    assert change.providers == gone.providers == {plugin: "6.34.0"}


@WITHOUT
def test_a_receipt_tells_no_secret_output(site: Site, origin: str) -> None:
    target = site("terraform")
    change = target.recovery.provisioner.up(make_intent(), spec(origin))
    outputs = receipt(target, origin)["terraform_outputs"]
    assert (outputs["secret"]["sensitive"], outputs["secret"]["value"]) == (True, None)
    assert "secret" not in change.outputs
    target.recovery.provisioner.down(make_intent(), spec(origin), bounds())


@WITHOUT
def test_a_build_that_fails_says_at_which_command_and_leaves_a_receipt(site: Site, origin: str) -> None:
    target = site("terraform")
    provisioner = target.recovery.provisioner

    error = failed(provisioner, lambda: provisioner.up(make_intent(), spec(origin, instance_type="no.such")))

    assert error.code == "BuildFailed"
    assert "terraform apply: it failed; BUILD: COMMAND_EXECUTION_ERROR" in str(error)
    assert "InvalidInstanceType" in str(error)
    kept = receipt(target, origin)
    assert (kept["status"], kept["failed_command"], kept["plan"]["add"]) == ("failed", "terraform apply", 1)
    # The effect of the same token is tried by another build, not answered by the one that failed.
    assert provisioner.up(make_intent(), spec(origin)).created == 1
    provisioner.down(make_intent(), spec(origin), bounds())
    assert owned(target, origin) == []


def test_the_same_effect_after_a_failed_build_is_a_new_build(site: Site, origin: str) -> None:
    target, intent = site(), make_intent()
    provisioner = target.recovery.provisioner
    # The engine numbers each attempt; the last one asks for something else as well.
    for number, kind in ((1, "no.such"), (2, "no.such"), (3, "no.such.either")):
        asked, wanted = replace(intent, number=number), spec(origin, instance_type=kind)
        error = failed(provisioner, functools.partial(provisioner.up, asked, wanted))
        assert error.code == "BuildFailed"
        assert len(of(target, origin)) == number


def test_an_answer_that_was_lost_is_asked_for_again_and_is_one_build(site: Site, origin: str) -> None:
    target = site()
    lost = itertools.chain([True, True], itertools.repeat(False))

    def lose(**_: Any) -> None:
        if next(lost):
            raise ConnectionClosedError(endpoint_url="the world")

    client(target).meta.events.register("after-call.codebuild.StartBuild", lose)
    assert target.recovery.provisioner.up(make_intent(), spec(origin)).created == 1
    assert len(of(target, origin)) == 1
    target.recovery.provisioner.down(make_intent(), spec(origin), bounds())


def test_a_module_of_another_digest_is_not_used(site: Site, origin: str) -> None:
    if shutil.which("terraform") is None:
        pytest.skip("NO TERRAFORM on this machine: builds with it are NOT tested here")
    target = site("terraform", module_sha256="0" * 64)
    provisioner = target.recovery.provisioner
    error = failed(provisioner, lambda: provisioner.up(make_intent(), spec(origin)))
    assert "module: the zip of the module has another SHA-256" in str(error)
    assert owned(target, origin) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"build_id": "atlas-dr-infra:other"}, "build_id: expected atlas-dr-infra:"),
        ({"execution_id": "another"}, "execution_id: expected drill-"),
        ({"phase": "teardown"}, "phase: expected bringup, got 'teardown'"),
        ({"account_id": "111122223333"}, "account_id: expected 444455556666"),
        ({"reason": "x"}, "RECEIPT_SHA256: expected"),
        ({"status": "great"}, "status: expected ok or failed"),
        ({"exit_status": 1}, "status ok and exit_status 1 contradict"),
        (None, "expected a receipt at s3://atlas-dr-tfstate/builds/drill-"),
    ],
    ids=lambda value: next(iter(value), "none") if isinstance(value, dict) else None,
)
def test_a_receipt_that_is_not_of_this_build_proves_nothing(
    site: Site, origin: str, changes: dict[str, Any] | None, why: str, stranger: Callable[[str], Any]
) -> None:
    """Somebody writes over the receipt between the end of the build and its being read."""
    target = site()
    objects = target.recovery.objects
    read, key = objects.read, RECEIPTS.join(f"{origin}/codebuild-bringup.json")
    s3 = stranger("s3")

    def meddled(bucket: str, name: str, **more: Any) -> Any:
        if name == key:
            document = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            if changes is None:
                s3.delete_object(Bucket=bucket, Key=key)
            else:
                s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({**document, **changes}).encode())
        return read(bucket, name, **more)

    objects.read = meddled  # type: ignore[method-assign,assignment]
    provisioner = target.recovery.provisioner
    error = failed(provisioner, lambda: provisioner.up(make_intent(), spec(origin)))
    assert error.code == "ReceiptMismatch"
    assert why in str(error)
    objects.read = read  # type: ignore[method-assign]
    provisioner.down(make_intent(), spec(origin), bounds())


@pytest.mark.parametrize(("bound", "code"), [("queued_ms", "QueuedTooLong"), ("build_ms", "Timeout")])
def test_a_build_that_is_not_over_in_time_is_stopped(site: Site, origin: str, bound: str, code: str) -> None:
    target = site(**{bound: 300})
    sdk = client(target)
    held = '{"version": 0.2, "phases": {"build": {"commands": ["sleep 6000"]}}}'
    blocking = sdk.start_build(projectName=BUILDS.project, buildspecOverride=held)["build"]
    if bound == "build_ms":
        sdk.stop_build(id=blocking["id"])
        sdk.meta.events.register(
            "before-parameter-build.codebuild.StartBuild", lambda params, **_: params.update(buildspecOverride=held)
        )
    provisioner = target.recovery.provisioner
    error = failed(provisioner, lambda: provisioner.up(make_intent(), spec(origin)))
    sdk.stop_build(id=blocking["id"])
    assert error.code == code
    assert isinstance(error, QuotaError) is (code == "QueuedTooLong")
    assert "next: " in str(error) or code == "Timeout"
    assert [build["buildStatus"] for build in of(target, origin)] == ["STOPPED"]


def test_a_build_that_could_not_be_stopped_is_told_of_by_the_error_that_ended_the_wait(
    site: Site, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = site(build_ms=300)
    sdk, held = client(target), '{"version": 0.2, "phases": {"build": {"commands": ["sleep 6000"]}}}'
    sdk.meta.events.register(
        "before-parameter-build.codebuild.StartBuild", lambda params, **_: params.update(buildspecOverride=held)
    )
    provisioner = target.recovery.provisioner

    def refused(*_: object, **__: object) -> None:
        raise TargetError("codebuild:StopBuild: AccessDenied", code="AccessDenied", call="codebuild:StopBuild")

    assert isinstance(provisioner, CodeBuildProvisioner)
    monkeypatch.setattr(provisioner._builds, "stop", refused)
    error = failed(provisioner, lambda: provisioner.up(make_intent(), spec(origin)))

    (build,) = of(target, origin)
    sdk.stop_build(id=build["id"])
    (note,) = error.__notes__
    assert note.startswith(f"build {build['id']} may still run: codebuild:StopBuild: AccessDenied")
    assert note.endswith(f"next: aws codebuild stop-build --region us-west-2 --id {build['id']}")


def test_a_quota_of_none_is_no_failed_recovery_and_says_what_to_request(tmp_path: Path, origin: str) -> None:
    (tmp_path / "zero").mkdir()
    world = embedded.start(tmp_path / "zero", scenario="codebuild-quota-zero", linger=300)
    try:
        told = settings("codebuild", key="t/x", codebuild=replace(BUILDS, tool="direct"))
        provisioner = open_target(told, world.endpoint, directory=tmp_path, origin=origin).recovery.provisioner
        with pytest.raises(QuotaError, match="Concurrently running builds for Linux/Medium environment") as caught:
            provisioner.up(make_intent(), spec(origin))
        assert caught.value.code == "AccountLimitExceededException"
        assert provisioner.down(make_intent(), spec(origin), bounds()).destroyed == 0
    finally:
        world.stop()


def test_whoever_may_not_list_quotas_is_told_a_command_that_finds_the_code_by_the_name(site: Site) -> None:
    builds: Any = site().recovery.provisioner._builds  # type: ignore[union-attr] # the kind is asked for above
    named = "--region us-west-2 --service-code codebuild --quota-code"
    assert f"{named} L-EMBEDDED-LINUX-MEDIUM --desired-value 2" in builds.raise_the_quota()

    def refused() -> Any:
        raise TargetError("no", code="AccessDeniedException")

    builds._quotas = refused
    told = builds.raise_the_quota()
    assert f'{named} "$(aws service-quotas list-aws-default-service-quotas --region us-west-2' in told
    assert "QuotaName=='Concurrently running builds for Linux/Medium environment'" in told
    assert told.count('"') % 2 == 0
    assert "--desired-value 1; or pytest -m drill" in told


@WITHOUT
def test_a_signal_stops_the_build_and_its_lock_is_given_back_before_anything_is_undone(
    site: Site, origin: str, world: embedded.World, tmp_path: Path
) -> None:
    target = site("terraform")
    provisioner = target.recovery.provisioner
    # A machine that takes for ever to come up: Terraform holds the lock until the build is stopped.
    hold = tmp_path / "hold"
    hold.mkdir()
    python = f'#!/bin/sh\ncase "$*" in *runner*) exec sleep 6000;; esac\nexec {sys.executable} "$@"\n'
    (hold / "python3").write_text(python, encoding="utf-8")
    (hold / "python3").chmod(0o755)
    path = {"name": "PATH", "value": f"{hold}:{world.directory / 'image'}:/usr/local/bin:/usr/bin:/bin"}
    client(target).meta.events.register(
        "before-parameter-build.codebuild.StartBuild",
        lambda params, **_: params["environmentVariablesOverride"].append(path),
    )

    def interrupt(*_: object) -> None:
        raise Interruption("SIGTERM received", exit_status=143)

    def is_applying() -> bool:
        lock = target.recovery.provisioner._place.lock()
        return lock is not None and lock.operation == "OperationTypeApply"

    def signal_once_it_applies() -> None:
        until(is_applying)
        os.kill(os.getpid(), signal.SIGUSR1)

    previous = signal.signal(signal.SIGUSR1, interrupt)
    watcher = threading.Thread(target=signal_once_it_applies)
    watcher.start()
    try:
        with pytest.raises(Interruption):
            provisioner.up(make_intent(), spec(origin))
    finally:
        watcher.join()
        signal.signal(signal.SIGUSR1, previous)
    (build,) = of(target, origin)
    assert build["buildStatus"] == "STOPPED"
    assert not lock_is_free(target, origin)
    heard: list[str] = []
    assert (
        site("terraform").recovery.provisioner.down(make_intent(), spec(origin), bounds(), say=heard.append).destroyed
        == 0
    )
    assert heard == [f"the lock of build {build['id']} is removed"]
    assert lock_is_free(target, origin)
    assert owned(target, origin) == []


@WITHOUT
def test_a_lock_of_somebody_else_is_named_and_left(site: Site, origin: str) -> None:
    target = site("terraform")
    text = foreign_lock(target, origin)
    provisioner = target.recovery.provisioner
    error = failed(provisioner, lambda: provisioner.up(make_intent(), spec(origin)))
    assert isinstance(error, HeldError), "recovery was not tried, it did not fail"
    assert error.code == "LockHeld"
    assert "somebody@elsewhere" in str(error)
    assert receipt(target, origin)["reason"].startswith("LockHeld: ")
    assert owned(target, origin) == []
    assert provisioner.down(make_intent(), spec(origin), bounds()).destroyed == 0
    assert target.recovery.objects.read(STATES, f"t/{origin}.tfstate{LOCK_SUFFIX}")[1] == text.encode()


@WITHOUT
def test_a_lock_of_somebody_else_in_a_table_is_told_by_the_receipt_of_the_build(
    world: embedded.World, origin: str, tmp_path: Path, table: str, stranger: Callable[[str], Any]
) -> None:
    state = f"t/{origin}.tfstate"
    told = settings("codebuild", key=state, lock_table=table, codebuild=replace(BUILDS, tool="terraform"))
    target = open_target(told, world.endpoint, directory=tmp_path, origin=origin)
    lock_in(stranger, table, f"{STATES}/{state}")

    error = failed(target.recovery.provisioner, lambda: target.recovery.provisioner.up(make_intent(), spec(origin)))

    assert isinstance(error, HeldError)
    assert f"{table}: LockHeld: expected no lock, got lock {NOTE['ID']} of somebody@elsewhere since 2026-01-01" in str(
        error
    )
    held = receipt(target, origin)["terraform_lock_held"]
    assert (held["id"], held["who"], held["operation"]) == (NOTE["ID"], "somebody@elsewhere", "OperationTypeApply")
    assert held["service"] == "DynamoDB"
    assert note_in(stranger, table, f"{STATES}/{state}") == NOTE
    assert owned(target, origin) == []


@WITHOUT
def test_a_lock_beside_the_state_is_not_told_as_one_in_the_table_that_locks_it_too(
    world: embedded.World, origin: str, tmp_path: Path, table: str
) -> None:
    state = f"t/{origin}.tfstate"
    told = settings("codebuild", key=state, lock_table=table, codebuild=replace(BUILDS, tool="terraform"))
    target, intent = open_target(told, world.endpoint, directory=tmp_path, origin=origin), make_intent()
    provisioner: Any = target.recovery.provisioner
    order = provisioner.order(intent, spec(origin))
    foreign_lock(target, origin)

    held = provisioner.why(ended(target, started_by_others(target, order)))

    assert isinstance(held, HeldError)
    assert str(held).startswith(
        f"s3://{STATES}/{state}{LOCK_SUFFIX}: LockHeld: expected no lock, got lock {NOTE['ID']}"
    )
    assert receipt(target, origin)["terraform_lock_held"]["service"] == "S3"
    assert owned(target, origin) == []


@WITHOUT
def test_a_plan_that_takes_something_away_is_not_applied_by_a_bringup(
    site: Site, origin: str, stranger: Callable[[str], Any]
) -> None:
    target = site("terraform")
    target.recovery.provisioner.up(make_intent(), spec(origin))
    (runner,) = target.recovery.fleet.runners({DRILL_TAG: origin})
    moved = _renamed(embedded_module(target))
    key = f"modules/{origin}.zip"
    stranger("s3").put_object(Bucket=STATES, Key=key, Body=moved)
    other = site("terraform", module_uri=f"s3://{STATES}/{key}", module_sha256=hashlib.sha256(moved).hexdigest())

    error = failed(other.recovery.provisioner, lambda: other.recovery.provisioner.up(make_intent(), spec(origin)))

    assert error.code == "PlanDestroys"
    assert "next: pytest -m drill --start-at teardown" in str(error)
    kept = receipt(target, origin)
    assert (kept["failed_command"], kept["plan"]) == ("terraform plan", {"add": 1, "change": 0, "destroy": 1})
    assert kept["reason"].endswith("the plan takes away terraform_data.runner")
    assert [one.instance_id for one in target.recovery.fleet.runners({DRILL_TAG: origin})] == [runner.instance_id]
    assert lock_is_free(target, origin)
    assert target.recovery.provisioner.down(make_intent(), spec(origin), bounds()).destroyed == 1
    assert owned(target, origin) == []


def embedded_module(target: AwsTarget) -> bytes:
    """Return the zip that the builds of the world fetch."""
    where = s3_uri.parse(BUILDS.module_uri)
    return target.recovery.objects.read(where.bucket, where.key)[1]


def _renamed(module: bytes) -> bytes:
    """Return a module whose machine has another name in the state: the one that is there would go."""
    with zipfile.ZipFile(io.BytesIO(module)) as archive:
        document = json.loads(archive.read("main.tf.json"))
    resources = document["resource"]["terraform_data"]
    resources["another"] = resources.pop("runner")
    document["output"]["secret"]["value"] = "${sha256(terraform_data.another.id)}"
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("main.tf.json", json.dumps(document))
    return whole.getvalue()


@WITHOUT
def test_a_teardown_that_waited_for_its_turn_leaves_a_state_that_another_drill_took_meanwhile(
    site: Site, origin: str
) -> None:
    target = site("terraform")
    provisioner, objects, key = target.recovery.provisioner, target.recovery.objects, f"t/{origin}.tfstate"
    provisioner.up(make_intent(), spec(origin))
    state = json.loads(objects.read(STATES, key)[1].replace(origin.encode(), b"drill-of-others"))
    taken = json.dumps({**state, "lineage": "00000000-1111-2222-3333-444444444444"}).encode()
    sdk, held = client(target), '{"version": 0.2, "phases": {"build": {"commands": ["sleep 6000"]}}}'
    ahead = sdk.start_build(projectName=BUILDS.project, buildspecOverride=held)["build"]

    def take(line: str) -> None:
        if line.endswith("started"):
            objects.put(make_intent(), STATES, key, taken)
            sdk.stop_build(id=ahead["id"])

    error = failed(provisioner, lambda: provisioner.down(make_intent(), spec(origin), bounds(), say=take))

    assert error.code == "StateHeld", error
    assert "next: drproof gc" in str(error)
    kept = receipt(target, origin, "teardown")
    assert (kept["status"], kept["failed_command"]) == ("failed", "terraform state")
    assert kept["reason"].endswith("got terraform_data.runner of drill drill-of-others")
    assert objects.read(STATES, key)[1] == taken
    assert lock_is_free(target, origin)
    assert owned(target, origin) == [], "what carries the drill's own tag costs money, whoever has the state"
    assert provisioner.down(make_intent(), spec(origin), bounds()).destroyed == 0


def test_a_build_of_this_drill_that_a_killed_run_left_is_found_and_a_bringup_ended_before_the_teardown(
    site: Site, origin: str
) -> None:
    target = site()
    sdk = client(target)
    held = '{"version": 0.2, "phases": {"build": {"commands": ["sleep 6000"]}}}'
    variables = [{"name": "EXECUTION_ID", "value": origin}, {"name": "ACTION", "value": "bringup"}]
    left = sdk.start_build(projectName=BUILDS.project, buildspecOverride=held, environmentVariablesOverride=variables)[
        "build"
    ]
    assert target.recovery.provisioner.down(make_intent(), spec(origin), bounds()).destroyed == 0
    (seen,) = of(target, origin)
    assert (seen["id"], seen["buildStatus"]) == (left["id"], "STOPPED")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"project": ""}, "project: expected a value"),
        ({"module_sha256": "abc"}, "module_sha256: expected 64 hex digits"),
        ({"receipt_uri": "/tmp/x"}, "receipt_uri: expected s3://bucket/key"),
        ({"terraform_version": "latest"}, "terraform_version: expected a version such as"),
        ({"terraform_version": ""}, "terraform_version: expected the version that builds must use"),
        ({"terraform_uri": "https://x/t.zip"}, "terraform_sha256: expected 64 hex digits"),
        ({"terraform_uri": "http://x/t.zip", "terraform_sha256": "0" * 64}, "terraform_uri: expected s3://"),
        ({"tool": "direct"}, "tool: expected terraform; the direct tool is for the embedded world alone"),
    ],
)
def test_a_setting_that_a_live_build_cannot_work_with_is_refused(changes: dict[str, Any], why: str) -> None:
    told = replace(BUILDS, **{"terraform_version": "1.11.4", **changes})
    with pytest.raises(ValueError, match=why):
        orders(told, account="1", owner="1", region="r", endpoint="", lock_table="")


def test_the_token_of_a_build_after_a_failed_one_is_another_and_always_the_same() -> None:
    token = "0" * 32
    assert next_token(token, "a") == next_token(token, "a") != next_token(token, "b")
    assert len(next_token(token, "a")) == len(token)


def test_without_terraform_the_embedded_world_builds_directly_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    at = {"account": "1", "owner": "1", "region": "r", "endpoint": "http://127.0.0.1:1", "lock_table": ""}
    made = orders(BUILDS, **at)
    assert made.tool == "direct"
    assert "terraform cannot be used" in made.why
    with pytest.raises(TargetError, match="terraform cannot be used"):
        orders(replace(BUILDS, tool="terraform"), **at)
    with pytest.raises(ValueError, match="lock_table: expected nothing"):
        orders(BUILDS, **{**at, "lock_table": "locks"})


def started_by_others(target: AwsTarget, order: Any) -> str:
    """Start what was ordered, as Step Functions does, and return the build."""
    given = [{"name": row["Name"], "value": row["Value"], "type": row["Type"]} for row in order.environment]
    build = client(target).start_build(
        projectName=order.project, idempotencyToken=order.idempotency_token, environmentVariablesOverride=given
    )["build"]
    return str(build["id"])


@pytest.mark.parametrize("tool", TOOLS)
def test_a_build_that_somebody_else_started_by_the_order_is_the_drills_own(site: Site, origin: str, tool: str) -> None:
    target, intent = site(tool), make_intent()
    provisioner: Any = target.recovery.provisioner
    order = provisioner.order(intent, spec(origin))
    assert provisioner.order(intent, spec(origin), version=order.version) == order
    build_id = started_by_others(target, order)
    provisioner.take(build_id)

    change = provisioner.up(intent, spec(origin))

    (runner,) = target.recovery.fleet.runners({DRILL_TAG: origin})
    assert (change.created, change.changed, change.destroyed) == (1, 0, 0)
    assert (change.created_ids, change.build.build_id) == ((runner.instance_id,), build_id)
    assert [build["id"] for build in of(target, origin)] == [build_id]
    provisioner.down(intent, spec(origin), bounds())
    assert owned(target, origin) == []


@WITHOUT
def test_of_a_build_that_somebody_else_started_its_receipt_says_why_it_failed(site: Site, origin: str) -> None:
    target, intent = site("terraform"), make_intent()
    provisioner: Any = target.recovery.provisioner
    text = foreign_lock(target, origin)
    first = provisioner.order(replace(intent, token="the-first"), spec(origin))
    held = provisioner.why(ended(target, started_by_others(target, first)))

    assert isinstance(held, HeldError), "recovery was not tried, it did not fail"
    assert f"LockHeld: expected no lock, got lock {NOTE['ID']} of somebody@elsewhere since 2026-01-01" in str(held)
    assert target.recovery.objects.read(STATES, f"t/{origin}.tfstate{LOCK_SUFFIX}")[1] == text.encode()

    target.recovery.objects.delete(make_intent(), STATES, [f"t/{origin}.tfstate{LOCK_SUFFIX}"])
    wrong = provisioner.order(replace(intent, token="the-second"), spec(origin, instance_type="no.such"))
    failed_one = provisioner.why(ended(target, started_by_others(target, wrong)))

    assert (failed_one.code, isinstance(failed_one, HeldError)) == ("BuildFailed", False)
    assert "terraform apply: it failed; BUILD: COMMAND_EXECUTION_ERROR" in str(failed_one)

    third = provisioner.order(intent, spec(origin))
    assert provisioner.why(ended(target, started_by_others(target, third))) is None
    provisioner.down(make_intent(), spec(origin), bounds())
    assert owned(target, origin) == []


def ended(target: AwsTarget, build_id: str) -> str:
    """Return a build once it is over."""
    until(lambda: client(target).batch_get_builds(ids=[build_id])["builds"][0]["buildStatus"] != "IN_PROGRESS", 120)
    return build_id


def test_a_build_of_another_drill_is_not_taken_for_this_ones(
    site: Site, origin: str, world: embedded.World, tmp_path: Path
) -> None:
    target, other = site(), f"{origin}-other"
    told = settings("codebuild", key=f"t/{other}.tfstate", codebuild=replace(BUILDS, tool="direct"))
    strange: Any = open_target(told, world.endpoint, directory=tmp_path, origin=other).recovery.provisioner
    provisioner: Any = target.recovery.provisioner
    provisioner.take(started_by_others(target, strange.order(make_intent(), spec(other))))

    error = failed(provisioner, lambda: provisioner.up(make_intent(), spec(origin)))

    assert error.code == "ReceiptMismatch"
    assert f"got {{'ACTION': 'bringup', 'EXECUTION_ID': '{other}'}}" in str(error)
    strange.down(make_intent(), spec(other), bounds())
    assert owned(target, other) == []
