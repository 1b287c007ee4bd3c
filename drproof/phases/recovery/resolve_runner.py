"""Which machine carries the recovery: exactly one, seen anew in every window."""

from collections.abc import Mapping
from dataclasses import dataclass

from drproof.model.context import Context
from drproof.model.errors import PhaseError
from drproof.model.phase import phase
from drproof.phases.recovery.place import runner_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerObserved:
    """The one machine with the recovery's tags."""

    instance_id: str
    state: str
    instance_type: str
    public_ip: str
    private_ip: str
    key_name: str
    security_group: str
    launched_at: str
    tags: Mapping[str, str]
    candidates: tuple[str, ...]


@phase(
    plans={"recovery"},
    after=["bringup"],
    window="bringup",
    renewed=True,
    uses={"runners.read"},
    objective_ms=30_000,
    command_hint="aws ec2 describe-instances --region … --filters Name=tag:Purpose,Values=…",
)
def resolve_runner(ctx: Context) -> RunnerObserved:
    """Exactly one machine carries the recovery's tags, and it runs."""
    found = ctx.target.recovery.fleet.runners(runner_tags(ctx))
    if len(found) != 1:
        names = ", ".join(f"{runner.instance_id} ({runner.state})" for runner in found) or "none"
        msg = f"{len(found)} machines carry the tags of the recovery runner, expected exactly 1; got {names}"
        raise PhaseError(msg)
    (runner,) = found
    if runner.state != "running":
        msg = f"the recovery runner {runner.instance_id} is {runner.state}, expected running"
        raise PhaseError(msg)
    return RunnerObserved(
        instance_id=runner.instance_id,
        state=runner.state,
        instance_type=runner.instance_type,
        public_ip=runner.public_ip,
        private_ip=runner.private_ip,
        key_name=runner.key_name,
        security_group=runner.security_group,
        launched_at=runner.launched_at,
        tags=dict(runner.tags),
        candidates=tuple(one.instance_id for one in found),
    )
