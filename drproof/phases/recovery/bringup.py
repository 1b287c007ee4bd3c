"""The recovery machine comes up, and what that took is observed: a machine that was there proves no bring-up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from drproof.formats.timestamps import milliseconds
from drproof.model.changes import Build, Planned
from drproof.model.context import DRILL_TAG, Context
from drproof.model.errors import PhaseError
from drproof.model.machines import Runner
from drproof.model.phase import phase
from drproof.model.receipt import Count
from drproof.phases.backup.read_restore_point import read_restore_point
from drproof.phases.recovery.place import runner_spec, runner_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class BringupObserved:
    """What was brought up, by which tool, and from what."""

    origin: str
    provisioner: str
    provisioner_version: str
    state_uri: str
    start: Literal["cold", "warm", "no-op"]
    created: Count
    changed: Count | None
    destroyed: Count | None
    """None, as what was changed, where a person brought it up: nobody counted, and only machines can be seen."""
    instance_ids: tuple[str, ...]
    present_before: tuple[str, ...]
    planned: Planned | None = None
    """What the last attempt was going to change."""
    applied: Planned | None = None
    """What it did change, in the same words."""
    held: tuple[str, ...] = ()
    """What the remote state holds since, by the names that the tool gives it."""
    providers: Mapping[str, str] = field(default_factory=dict)
    """The plugins of the tool, each with its version."""
    build: Build | None = None
    """The build of a build service that brought it up; None where the drill's own process did."""


@phase(
    plans={"recovery"},
    after=["check_health", "read_restore_point"],
    window="bringup",
    mutates=True,
    requires=[
        "backup_object_matches_its_metadata",
        "archive_is_sound",
        "metadata_names_this_restore_point",
        "restore_point_did_not_change_while_it_was_read",
        "control_plane_pointer_names_its_bundle",
        "control_plane_files_equal_the_manifest",
    ],
    uses={"runner.up", "runners.read"},
    objective_ms=720_000,
    command_hint="pytest -m drill --stop-after bringup --teardown false",
    input=lambda ctx: {
        "instance_type": ctx.settings.recovery.instance_type,
        "runner_name": ctx.settings.recovery.runner_name,
        "tags": dict(ctx.tags),
    },
)
def bringup(ctx: Context) -> BringupObserved:
    """A recovery machine runs and takes commands."""
    recovery = ctx.target.recovery
    provisioner = recovery.provisioner
    earlier = {effect.intent.token for effect in ctx.effects.made("runner.up")}
    present = recovery.fleet.runners(runner_tags(ctx))
    ctx.say(f"provisioner {provisioner.kind} {provisioner.version}, state {provisioner.state}")
    spec = runner_spec(ctx)
    with ctx.effects.intend("runner.up", spec.name, {"tags": dict(spec.tags)}) as pending:
        # An effect has one token in all attempts of a run, and another in every other window: a machine that an
        # earlier window left is there before, one that an earlier attempt started is not.
        tried = pending.intent.token in earlier
        change = provisioner.up(pending.intent, spec, say=ctx.say)
        held = provisioner.holds()
        image = change.outputs.get("ami_id", "")
        pending.done(created_ids=list(change.created_ids), held=list(held), **({"image": image} if image else {}))
    mine = change.created_ids or tuple(runner.instance_id for runner in recovery.fleet.runners({DRILL_TAG: ctx.origin}))
    if not mine:
        msg = f"{provisioner.kind} reports success, and no machine with the drill's tag is there"
        raise PhaseError(msg)
    created = change.created or (len(mine) if tried else 0)
    for instance_id in mine:
        recovery.fleet.wait_until(instance_id, "running", timeout_ms=ctx.settings.recovery.online_ms)
        recovery.hosts.wait_online(instance_id, timeout_ms=ctx.settings.recovery.online_ms)
    return BringupObserved(
        origin=ctx.origin,
        provisioner=provisioner.kind,
        provisioner_version=provisioner.version,
        state_uri=provisioner.state,
        start="cold" if created else "warm" if change.changed else "no-op",
        created=created,
        changed=change.changed,
        destroyed=change.destroyed,
        instance_ids=mine,
        present_before=tuple(
            runner.instance_id for runner in present if not (tried and runner.tags.get(DRILL_TAG) == ctx.origin)
        ),
        planned=change.planned,
        applied=Planned(create=change.created, change=change.changed, destroy=change.destroyed),
        held=held,
        providers=dict(change.providers),
        build=change.build,
    )


@bringup.looking
def seen_to_run(ctx: Context) -> BringupObserved:
    """Return the machine with the drill's tag, once it takes commands, and whether it was there before."""
    recovery = ctx.target.recovery
    provisioner, tags = recovery.provisioner, runner_tags(ctx)
    found = recovery.fleet.runners(tags)
    mine = tuple(runner for runner in found if runner.tags.get(DRILL_TAG) == ctx.origin)
    if not mine:
        wanted = " ".join(f"Key={name},Value={value}" for name, value in {**tags, DRILL_TAG: ctx.origin}.items())
        others = ", ".join(runner.instance_id for runner in found) or "none"
        region = ctx.plan.criteria.sites.recovery.region
        msg = (
            f"after the act by hand no machine is this drill's; expected one with the tags {wanted}, got {others}\n"
            f"  next: aws ec2 create-tags --region {region} --resources <the machine> --tags {wanted}; "
            "then record the act again"
        )
        raise PhaseError(msg)
    since = ctx.receipts[read_restore_point.name].ended_at
    before = tuple(runner.instance_id for runner in found if not _made_after(runner, since))
    new = tuple(runner for runner in mine if runner.instance_id not in before)
    for runner in mine:
        recovery.fleet.wait_until(runner.instance_id, "running", timeout_ms=ctx.settings.recovery.online_ms)
        recovery.hosts.wait_online(runner.instance_id, timeout_ms=ctx.settings.recovery.online_ms)
    return BringupObserved(
        origin=ctx.origin,
        provisioner=provisioner.kind,
        provisioner_version=provisioner.version,
        state_uri=provisioner.state,
        start="cold" if new == mine else "no-op",
        created=len(new),
        changed=None,
        destroyed=None,
        instance_ids=tuple(runner.instance_id for runner in mine),
        present_before=before,
        held=provisioner.holds(),
    )


def _made_after(runner: Runner, since: str) -> bool:
    """Return whether a machine was first launched when the restore point had been read, ahead of any bring-up."""
    if not runner.made_at:
        msg = f"the platform does not say when {runner.instance_id} was first launched: it may have been there before"
        raise PhaseError(msg)
    return milliseconds(runner.made_at) > milliseconds(since)
