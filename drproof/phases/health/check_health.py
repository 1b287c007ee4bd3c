"""The original site as it is seen from outside: pointers, marker, freshness and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

from drproof.analysis.need import reasons
from drproof.formats import pointers
from drproof.formats.timestamps import milliseconds
from drproof.model.context import Context
from drproof.model.errors import FormatError, NotFoundError, TargetError
from drproof.model.phase import phase
from drproof.model.receipt import Count

UNREADABLE = {"AccessDenied": "access_denied", "403": "access_denied", "EntityTooLarge": "too_large"}
"""Answers about one object that say something of the original site; an answer to HEAD is a bare number."""

LONGEST_KEY = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerSeen:
    """One pointer as it was read; `status` is `ok` or says why it was not."""

    label: str
    key: str
    status: str
    run_id: str = ""
    run_path: str = ""
    ended_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerSeen:
    """The marker that says that a run was published whole."""

    key: str
    status: str
    size: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthObserved:
    """The state of the original site, and whether that is a reason to recover."""

    bucket: str
    pointers: tuple[PointerSeen, ...]
    marker: MarkerSeen
    run_id: str
    ended_at: str
    age_ms: int | None
    metrics: tuple[str, ...]
    namespace: str = ""
    """Where the metrics are published; empty in receipts of an earlier drproof."""
    dimensions: Mapping[str, str]
    needs_dr: bool
    forced: bool
    reasons: tuple[str, ...]


@phase(
    plans={"recovery", "health"},
    window="bringup",
    site="primary",
    uses={"objects.read", "metrics.read"},
    objective_ms=60_000,
    command_hint="pytest -m health-check",
)
def check_health(ctx: Context) -> HealthObserved:
    """Everything that tells whether the original site is well has been read."""
    primary = ctx.settings.primary
    keys = pointers.keys(primary.prefix, primary.candidate, primary.provider, primary.profile)
    seen = tuple(_pointer(ctx, label, keys[label]) for label in ctx.plan.criteria.pointers)
    first = next((pointer for pointer in seen if pointer.status == "ok"), None)
    run_path = first.run_path if first else f"{primary.prefix}/runs/unknown"
    marker = _marker(ctx, f"{run_path.rstrip('/')}/{primary.provider}/{primary.profile}/{primary.marker_name}")
    ended_at = first.ended_at if first else ""
    age_ms = milliseconds(ctx.clock.now()) - milliseconds(ended_at) if ended_at else None
    found = reasons(
        pointers={pointer.label: (pointer.status, pointer.run_id) for pointer in seen},
        marker_size=marker.size,
        age_ms=age_ms,
        limit_ms=ctx.plan.criteria.freshness_limit_ms,
    )
    forced = ctx.plan.criteria.force_recovery
    return HealthObserved(
        bucket=primary.bucket,
        pointers=seen,
        marker=marker,
        run_id=first.run_id if first else "",
        ended_at=ended_at,
        age_ms=age_ms,
        metrics=tuple(sorted(ctx.target.primary.alarms.metrics(primary.metrics.namespace, primary.metrics.dimensions))),
        namespace=primary.metrics.namespace,
        dimensions=dict(primary.metrics.dimensions),
        needs_dr=bool(found) or forced,
        forced=forced and not found,
        reasons=found,
    )


def _pointer(ctx: Context, label: str, key: str) -> PointerSeen:
    try:
        _, data = ctx.target.primary.objects.read(ctx.settings.primary.bucket, key)
        pointer = pointers.parse(data)
        if pointer.ended_at is not None:
            milliseconds(pointer.ended_at)
    except NotFoundError:
        return PointerSeen(label=label, key=key, status="not_found")
    except FormatError as exc:
        # A date that nobody can read must not count as fresh.
        return PointerSeen(label=label, key=key, status=exc.code)
    except TargetError as exc:
        if exc.code not in UNREADABLE:
            raise
        return PointerSeen(label=label, key=key, status=UNREADABLE[exc.code])
    return PointerSeen(
        label=label,
        key=key,
        status="ok",
        run_id=pointer.run_id,
        run_path=pointer.run_path,
        ended_at=pointer.ended_at or "",
    )


def _marker(ctx: Context, key: str) -> MarkerSeen:
    if len(key.encode()) > LONGEST_KEY:
        # S3 refuses the question in the words that it has for expired credentials.
        return MarkerSeen(key=key[:LONGEST_KEY], status="invalid_key")
    try:
        info = ctx.target.primary.objects.head(ctx.settings.primary.bucket, key)
    except NotFoundError:
        return MarkerSeen(key=key, status="not_found")
    except TargetError as exc:
        if exc.code not in UNREADABLE:
            raise
        return MarkerSeen(key=key, status=UNREADABLE[exc.code])
    return MarkerSeen(key=key, status="ok" if info.size else "empty", size=info.size)
