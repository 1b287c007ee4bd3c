"""What the account may run at once, beside what runs already and what a drill would add."""

from collections.abc import Callable
from dataclasses import dataclass

from drproof.model.context import Context
from drproof.model.errors import TargetError
from drproof.model.phase import phase
from drproof.model.readiness import QuotaSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRead:
    """One quota, or the code with which it could not be read."""

    name: str
    status: str
    quota: QuotaSeen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotasObserved:
    """The quotas that the criteria name."""

    instance_type: str
    quotas: tuple[QuotaRead, ...]


@phase(plans={"preflight"}, uses={"quotas.read"}, objective_ms=60_000, command_hint="pytest -m preflight")
def read_quotas(ctx: Context) -> QuotasObserved:
    """Every quota that bringing a machine up counts against has been read."""
    instance_type = ctx.settings.recovery.instance_type
    quotas = ctx.target.recovery.readiness.quotas
    ways: dict[str, Callable[[], QuotaSeen]] = {
        "vCPUs": lambda: quotas.machines(instance_type),
        "builds": quotas.builds,
    }
    read = tuple(_read(ctx, name, ways[name]) for name in ctx.plan.criteria.preflight.quotas)
    return QuotasObserved(instance_type=instance_type, quotas=read)


def _read(ctx: Context, name: str, ask: Callable[[], QuotaSeen]) -> QuotaRead:
    try:
        return QuotaRead(name=name, status="ok", quota=ask())
    except TargetError as exc:
        ctx.say(str(exc))
        return QuotaRead(name=name, status=exc.code or "unreachable")
