"""What the recovery phases agree on: the machine that is asked for, and where a drill's state lies."""

from drproof.model.capabilities import RunnerSpec
from drproof.model.context import Context
from drproof.model.ownership import Bounds

MANAGED_BY = "terraform"


def runner_tags(ctx: Context) -> dict[str, str]:
    """Return the tags by which the recovery machine is known, whoever started it."""
    recovery = ctx.settings.recovery
    return {"Name": recovery.runner_name, "Purpose": recovery.runner_purpose, "ManagedBy": MANAGED_BY}


def runner_spec(ctx: Context) -> RunnerSpec:
    """Return the machine that a provisioner brings up or takes away."""
    recovery = ctx.settings.recovery
    return RunnerSpec(
        name=recovery.runner_name,
        purpose=recovery.runner_purpose,
        instance_type=recovery.instance_type,
        vpc_id=recovery.provisioner.vpc_id,
        subnet_id=recovery.provisioner.subnet_id,
        allowed_cidr=recovery.provisioner.allowed_cidr,
        tags={**runner_tags(ctx), **ctx.tags},
    )


def bounds_of(ctx: Context) -> Bounds:
    """Return what the journals say of the machines of this drill."""
    starting = ctx.effects.made("runner.up")
    return Bounds(
        account_id=ctx.plan.criteria.sites.recovery.account_id,
        network=ctx.settings.recovery.provisioner.vpc_id,
        tokens=tuple(dict.fromkeys(effect.intent.token for effect in starting)),
        identities=tuple(
            dict.fromkeys(str(made) for effect in starting for made in effect.result.get("created_ids", ()))
        ),
        since=min((effect.at for effect in starting), default=""),
        most=ctx.settings.limits.max_machines,
    )


def isolated_prefix(ctx: Context) -> str:
    """Return the prefix that belongs to this chain of windows alone."""
    return f"{ctx.settings.recovery.prefix.strip('/')}/{ctx.origin}"
