"""The place of the remote state: how its bucket is kept, and whether the state can be read."""

from dataclasses import dataclass

from drproof.model.context import Context
from drproof.model.errors import NotFoundError, TargetError
from drproof.model.phase import phase

NEW, READ = "new", "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateObserved:
    """The bucket of the remote state, and the state.

    `versioned`, `encrypted` and `private` are `yes`, `no`, or the code with which the platform refused to tell.
    """

    bucket: str
    owner: str
    """Who owns it; empty where it does not answer as the expected owner's."""
    status: str
    versioned: str
    encrypted: str
    private: str
    state: str
    """`ok`, `new` where nothing was ever brought up, or the code with which it could not be read."""


@phase(plans={"preflight"}, uses={"state.read"}, objective_ms=30_000, command_hint="pytest -m preflight")
def read_state(ctx: Context) -> StateObserved:
    """The bucket of the remote state has said how it is kept, and the state has been read."""
    where = ctx.settings.recovery.provisioner
    recovery = ctx.target.recovery
    try:
        place = recovery.objects.describe(where.state_bucket)
        guarded = recovery.readiness.buckets.look(where.state_bucket)
    except TargetError as exc:
        ctx.say(str(exc))
        code = _code(exc)
        return StateObserved(
            bucket=where.state_bucket,
            owner="",
            status=code,
            versioned=code,
            encrypted=code,
            private=code,
            state=code,
        )
    words = {"enabled": "yes", "none": "no", "suspended": "no"}
    return StateObserved(
        bucket=where.state_bucket,
        owner=place.owner,
        status="ok",
        versioned=words.get(place.versioning, place.versioning),
        encrypted=guarded.encrypted,
        private=guarded.private,
        state=_state(ctx, where.state_bucket, where.state_key),
    )


def _state(ctx: Context, bucket: str, key: str) -> str:
    try:
        ctx.target.recovery.objects.read(bucket, key)
    except NotFoundError:
        return NEW
    except TargetError as exc:
        ctx.say(str(exc))
        return _code(exc)
    return READ


def _code(exc: TargetError) -> str:
    return exc.code or "unreachable"
