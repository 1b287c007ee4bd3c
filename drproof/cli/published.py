"""`drproof verify-published`: whether a published run is what its plan promises, to the last byte."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drproof.cli.buckets import UNANSWERED, Json, Owner, Profile, Region, World, buckets, files_below, told
from drproof.cli.errors import MISUSED, echo_line

if TYPE_CHECKING:
    from drproof.analysis.published import Seen, Unanswered, Verification
    from drproof.formats.published_runs import PlanEntry
    from drproof.model.capabilities import ObjectStore

CHUNK = 1 << 20


def verify_published(  # noqa: PLR0913 — the options of the reference's script, and how the bucket is reached
    bucket: Annotated[str, typer.Option("--bucket", help="The bucket that the run is published in.")],
    run_id: Annotated[str, typer.Option("--run-id", help="The run; its id stands in keys as it is.")],
    run_dir: Annotated[
        Path | None, typer.Option("--run-dir", help="The run's own folder, with its run_report.json.")
    ] = None,
    prefix: Annotated[str, typer.Option("--prefix", help="The prefix of everything published.")] = "jobintel",
    region: Region = "",
    verify_latest: Annotated[
        bool, typer.Option("--verify-latest", help="Read the latest copies too, and compare them with the run.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Look at the local files of the plan; ask no network.")
    ] = False,
    plan_json: Annotated[
        Path | None, typer.Option("--plan-json", help="The plan of the publication, instead of a report.")
    ] = None,
    as_json: Json = False,
    profile: Profile = "",
    expected_bucket_owner: Owner = "",
    embedded: World = "",
) -> None:
    """Read every object that a run's plan promises, and compare its size and SHA-256.

    The plan is --plan-json, else what run_report.json of --run-dir leads to, else that of the published one.
    Exit status: 0 ok, 2 missing, mismatched or misused, 3 the world did not answer for an object.
    """
    from drproof.analysis import published
    from drproof.engine.refusal import refuse

    started = time.monotonic()
    with told():
        if offline and run_dir is None and plan_json is None:
            raise refuse(
                "--offline asks no network",
                expected="--run-dir or --plan-json",
                got="neither",
                next_step="add --run-dir <folder>",
            )
        if offline and verify_latest:
            raise refuse(
                "--offline asks no network, and --verify-latest reads copies in the bucket",
                expected="one of them",
                next_step="leave out --offline",
            )
        store = None
        if not offline:
            store = buckets(region=region, profile=profile, owner=expected_bucket_owner, world=embedded)
        plan = _plan(store, bucket, run_id, prefix.rstrip("/"), run_dir, plan_json)
        entries = published.entries_to_check(plan, latest=verify_latest)
        if store is None:
            found = published.verify_published(entries, _local(entries, run_dir), by="local_path")
        else:
            found = published.verify_published(entries, _stored(store, bucket, entries))
    elapsed_ms = int((time.monotonic() - started) * 1000)
    mode = "offline" if offline else "rehearsal" if embedded else "live"
    if as_json:
        document = {"ok": found.ok, **asdict(found), "elapsed_ms": elapsed_ms, "mode": mode}
        typer.echo(json.dumps(document, indent=2, sort_keys=True))
    else:
        _say(found, mode, elapsed_ms)
    raise typer.Exit(MISUSED if found.missing or found.mismatched else 0 if found.ok else UNANSWERED)


def _say(found: "Verification", mode: str, elapsed_ms: int) -> None:
    for word, findings in (
        ("missing", found.missing),
        ("mismatched", found.mismatched),
        ("unanswered", found.unanswered),
    ):
        for finding in findings:
            echo_line(f"{word}: {finding}")
    echo_line(f"{'ok' if found.ok else 'not ok'}: {len(found.checked)} objects checked in {elapsed_ms} ms ({mode})")


def _plan(  # noqa: PLR0913 — every place that a plan comes from
    store: "ObjectStore | None", bucket: str, run_id: str, prefix: str, run_dir: Path | None, plan_json: Path | None
) -> "tuple[PlanEntry, ...]":
    from drproof.formats import published_runs
    from drproof.model.errors import FormatError, NotFoundError

    if plan_json is not None:
        # Offline no key is asked for.
        return _planned(plan_json, run_id, prefix if store is not None else "")
    run_path = published_runs.run_path(prefix, run_id)
    where = f"s3://{bucket}/{run_path}/{published_runs.REPORT}"
    if run_dir is not None:
        where = str(run_dir / published_runs.REPORT)
        data = Path(where).read_bytes()
    elif store is not None:
        try:
            data = store.read(bucket, f"{run_path}/{published_runs.REPORT}")[1]
        except NotFoundError as exc:
            if exc.code == "NoSuchBucket":
                raise
            msg = f"{where} is not published, and nothing else says what was promised"
            next_step = "name --plan-json, or the --prefix below which the run is published"
            raise ValueError(f"{msg}\n  next: {next_step}") from exc
    try:
        report = published_runs.parse_report(data)
        if report.run_id != run_id:
            msg = f"{where} is the report of run {report.run_id!r}, expected {run_id!r}"
            raise ValueError(msg)
        return published_runs.plan_of(report, prefix=prefix, run_path=run_path)
    except FormatError as exc:
        raise FormatError(exc.code, f"{where}: {exc}") from exc


def _planned(plan_json: Path, run_id: str, prefix: str) -> "tuple[PlanEntry, ...]":
    """Return the plan of a file, if it is one of this run below this prefix."""
    from drproof.formats import published_runs
    from drproof.model.errors import FormatError

    try:
        plan = published_runs.parse_plan(plan_json.read_bytes())
    except FormatError as exc:
        raise FormatError(exc.code, f"{plan_json}: {exc}") from exc
    for entry in plan:
        if entry.kind == published_runs.RUNS and f"/{published_runs.RUNS}/{run_id}/" not in f"/{entry.s3_key}":
            msg = f"{plan_json} plans {entry.s3_key}, which is no object of run {run_id}"
            raise ValueError(msg)
        if entry.kind == published_runs.LATEST and f"/{published_runs.LATEST}/" not in f"/{entry.s3_key}":
            msg = f"{plan_json} plans {entry.s3_key}, which is no latest copy"
            raise ValueError(msg)
        if prefix and not entry.s3_key.startswith(f"{prefix}/"):
            place = entry.s3_key.partition(f"/{entry.kind}/")[0]
            msg = f"{plan_json} plans {entry.s3_key}, which does not lie below the prefix {prefix}"
            raise ValueError(f"{msg}\n  next: --prefix {place}, where that is the one that is meant")
    return plan


def _stored(store: "ObjectStore", bucket: str, entries: "Iterable[PlanEntry]") -> "dict[str, Seen | Unanswered]":
    """Read each object once; only what the store says is not there is missing."""
    from drproof.analysis.published import Seen, Unanswered
    from drproof.model.errors import NotFoundError, TargetError

    found: dict[str, Seen | Unanswered] = {}
    for key in dict.fromkeys(entry.s3_key for entry in entries):
        try:
            info, chunks = store.stream(bucket, key)
            size, sha256 = _hashed(chunks)
        except NotFoundError as exc:
            if exc.code == "NoSuchBucket":
                raise
            continue
        except TargetError as exc:
            found[key] = Unanswered(str(exc).partition("\n")[0])
            continue
        found[key] = Seen(size=size, sha256=sha256, checksum=info.sha256, etag=info.etag)
    return found


def _local(entries: "Iterable[PlanEntry]", run_dir: Path | None) -> "dict[str, Seen | Unanswered]":
    """Read each local file once: that of the run's folder which a path means, else the path as it is."""
    from drproof.analysis.published import Seen
    from drproof.formats.published_runs import found_among

    names = files_below(run_dir) if run_dir is not None else ()
    found: dict[str, Seen | Unanswered] = {}
    for path in dict.fromkeys(entry.local_path for entry in entries):
        file: Path | None = Path(path)
        if run_dir is not None:
            name = found_among(path, names)
            file = run_dir / name if name is not None else None
        if file is None or not file.is_file():
            continue
        with file.open("rb") as stream:
            size, sha256 = _hashed(iter(_chunk_of(stream.read), b""))
        found[path] = Seen(size=size, sha256=sha256)
    return found


def _chunk_of(read: Callable[[int], bytes]) -> Callable[[], bytes]:
    return lambda: read(CHUNK)


def _hashed(chunks: Iterable[bytes]) -> tuple[int, str]:
    digest = hashlib.sha256()
    size = 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()
