"""The published run that the pointers name: each object read once, beside its latest copy and what was promised."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from drproof.formats import pointers, published_runs
from drproof.formats.published_runs import Promise, RunReport
from drproof.model.capabilities import ObjectInfo
from drproof.model.context import Context
from drproof.model.errors import FormatError, NotFoundError, PhaseError, TargetError
from drproof.model.phase import phase
from drproof.phases.published.observed import (
    DENIED,
    NOT_FOUND,
    OK,
    ObjectRead,
    PointerRead,
    PublishedRunObserved,
    ReportRead,
)

ACCESS_DENIED = "AccessDenied"
COUNTED = 1000
"""Objects that are counted at most below a pointer's path: it says where it will."""


@phase(
    plans={"health"},
    after=["check_health"],
    site="primary",
    uses={"objects.read"},
    objective_ms=600_000,
    command_hint="pytest -m health-check",
)
def read_published_run(ctx: Context) -> PublishedRunObserved:
    """Every object of the last good run and every latest copy has been read once and hashed."""
    primary = ctx.settings.primary
    read = _pointers(ctx)
    first = next((pointer for pointer in read if pointer.status == OK), None)
    # Not where the pointer says: a path that is too short would be that of everything published.
    run_path = published_runs.run_path(primary.prefix, first.run_id) if first is not None else ""
    seen, report = _report(ctx, run_path)
    promised: dict[str, list[Promise]] = {}
    for promise in report.promises if report else ():
        # Several may name one place: each is kept or is not.
        promised.setdefault(promise.key(run_path), []).append(promise)
    listed = [info.key for info in _under(ctx, run_path) if info.key != seen.key]
    wanted = tuple(dict.fromkeys((*promised, *listed)))
    latest = f"{published_runs.latest_path(primary.prefix)}/{primary.provider}/{primary.profile}"
    copies = {primary.file_name(output): output for output in ctx.plan.criteria.published.outputs}
    copies.setdefault(primary.marker_name, primary.marker_name)
    observed = PublishedRunObserved(
        bucket=primary.bucket,
        run_id=first.run_id if first is not None else "",
        run_path=run_path,
        pointers=read,
        report=seen,
        objects=tuple(
            one for key in wanted for one in _as_promised(_object(ctx, key, _below(run_path, key)), promised.get(key))
        ),
        latest=tuple(_object(ctx, f"{latest}/{file}", name) for file, name in copies.items()),
    )
    if _pointers(ctx) != read:
        msg = "the pointers moved while the run was read: its files and the latest copies may be of two runs"
        raise PhaseError(msg)
    return observed


def _pointers(ctx: Context) -> tuple[PointerRead, ...]:
    primary = ctx.settings.primary
    keys = pointers.keys(primary.prefix, primary.candidate, primary.provider, primary.profile)
    return tuple(_pointer(ctx, label, keys[label]) for label in ctx.plan.criteria.pointers)


def _pointer(ctx: Context, label: str, key: str) -> PointerRead:
    def unread(status: str) -> PointerRead:
        return PointerRead(label=label, key=key, status=status, provider_profiles={})

    try:
        _, data = ctx.target.primary.objects.read(ctx.settings.primary.bucket, key)
        whole = pointers.parse_whole(data)
    except NotFoundError:
        return unread(NOT_FOUND)
    except FormatError as exc:
        return unread(exc.code)
    except TargetError as exc:
        return unread(_denied(exc))
    pointer = whole.pointer
    return PointerRead(
        label=label,
        key=key,
        status=OK,
        run_id=pointer.run_id,
        run_path=pointer.run_path,
        ended_at=pointer.ended_at or "",
        providers=whole.providers,
        profiles=whole.profiles,
        provider_profiles=whole.provider_profiles,
        lacks=whole.lacks,
        objects=sum(1 for _ in islice(_under(ctx, pointer.run_path.rstrip("/")), COUNTED)),
    )


def _under(ctx: Context, run_path: str) -> Iterator[ObjectInfo]:
    """Yield what lies below a run; a path of nothing would be that of the whole bucket."""
    if run_path:
        yield from ctx.target.primary.objects.list(ctx.settings.primary.bucket, f"{run_path}/")


def _report(ctx: Context, run_path: str) -> tuple[ReportRead, RunReport | None]:
    key = f"{run_path}/{ctx.settings.primary.report}"
    if not run_path:
        return ReportRead(key=key, status=NOT_FOUND), None
    try:
        _, data = ctx.target.primary.objects.read(ctx.settings.primary.bucket, key)
        report = published_runs.parse_report(data)
    except NotFoundError:
        return ReportRead(key=key, status=NOT_FOUND), None
    except FormatError as exc:
        return ReportRead(key=key, status=exc.code), None
    except TargetError as exc:
        return ReportRead(key=key, status=_denied(exc)), None
    return ReportRead(key=key, status=OK, run_id=report.run_id, ended_at=report.ended_at), report


def _below(run_path: str, key: str) -> str:
    return key.removeprefix(f"{run_path}/")


def _as_promised(seen: ObjectRead, promises: Iterable[Promise] | None) -> Iterator[ObjectRead]:
    """Yield an object beside each promise of it; as it is where nobody promised any."""
    if promises is None:
        yield seen
        return
    for promise in promises:
        yield replace(
            seen,
            name=promise.logical_key,
            promised=True,
            promised_size=promise.size,
            promised_sha256=promise.sha256,
        )


def _object(ctx: Context, key: str, name: str) -> ObjectRead:
    unread = ObjectRead(name=name, key=key, status=NOT_FOUND)
    digest = hashlib.sha256()
    size = 0
    try:
        info, chunks = ctx.target.primary.objects.stream(ctx.settings.primary.bucket, key)
    except NotFoundError:
        return unread
    except TargetError as exc:
        return replace(unread, status=_denied(exc))
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return replace(
        unread,
        status=OK,
        size=size,
        sha256=digest.hexdigest(),
        kept_sha256=info.sha256,
        etag=info.etag,
        version=info.version,
    )


def _denied(exc: TargetError) -> str:
    """Return the status of what may not be read; any other answer is tried again by the engine."""
    if exc.code != ACCESS_DENIED:
        raise exc
    return DENIED
