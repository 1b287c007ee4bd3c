"""The place of the remote state: how its bucket is kept, and whether the state can be read."""

from dataclasses import dataclass

from drproof.formats.remote_states import DIRECT_SUFFIX, direct, managed
from drproof.model.context import Context
from drproof.model.errors import FormatError, NotFoundError, TargetError
from drproof.model.phase import phase

NEW, READ, UNREADABLE = "new", "ok", "StateUnreadable"


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
    held: tuple[str, ...] | None = None
    """What either provisioner's state holds, by its names; None where that is not known."""


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
    state, held = _state(ctx, where.state_bucket, where.state_key)
    words = {"enabled": "yes", "none": "no", "suspended": "no"}
    return StateObserved(
        bucket=where.state_bucket,
        owner=place.owner,
        status="ok",
        versioned=words.get(place.versioning, place.versioning),
        encrypted=guarded.encrypted,
        private=guarded.private,
        state=state,
        held=held,
    )


def _state(ctx: Context, bucket: str, key: str) -> tuple[str, tuple[str, ...] | None]:
    """Return whether the state can be read, and what it and that of the direct provisioner hold."""
    word, held = NEW, list[str]()
    for name, names_in in ((key, _of_terraform), (f"{key}{DIRECT_SUFFIX}", _of_direct)):
        try:
            _, body = ctx.target.recovery.objects.read(bucket, name)
            held += names_in(body)
        except NotFoundError:
            continue
        except TargetError as exc:
            ctx.say(str(exc))
            return _code(exc), None
        except FormatError as exc:
            ctx.say(f"s3://{bucket}/{name}: {UNREADABLE}: {exc}")
            return UNREADABLE, None
        word = READ
    return word, tuple(held)


def _of_terraform(data: bytes) -> list[str]:
    return sorted(f"{one.kind}.{one.name}" for one in managed(data))


def _of_direct(data: bytes) -> list[str]:
    return sorted(direct(data).identities)


def _code(exc: TargetError) -> str:
    return exc.code or "unreachable"
