"""The published run of the original site: files, the report that promises them, latest copies, and four pointers."""

import hashlib
import random
from datetime import datetime, timedelta
from typing import Any

from drproof.embedded.site.store import Buckets, compact, pretty
from drproof.embedded.world import World

ENDED_BEFORE = timedelta(hours=3)
STALE_BEFORE = timedelta(hours=40)
FUTURE_AFTER = timedelta(days=400)
OTHER_RUN_BEFORE = timedelta(hours=5)
ROWS = 40
REPORT = "run_report.json"
NOT_THERE = timedelta(hours=1)


def publish(world: World, buckets: Buckets, now: datetime) -> str:
    """Write the run, its latest copies and its pointers, and return the run's id."""
    ended = now - (STALE_BEFORE if world.scenario == "stale-pipeline" else ENDED_BEFORE)
    run = run_id(ended)
    names = world.names
    folder = f"{names.provider}/{names.profile}"
    files = _files(world, run)
    missing = marker(world) if world.scenario == "missing-marker" else ""
    for name, body in files.items():
        for place in (f"runs/{run}", "latest"):
            shown = _as_published(world, place, name, body)
            if name != missing:
                buckets.put(names.bucket, f"{names.prefix}/{place}/{folder}/{name}", shown, ended)
    report = pretty(_report(world, run, ended, files))
    buckets.put(names.bucket, f"{names.prefix}/runs/{run}/{REPORT}", report, ended)
    shown_end = now + FUTURE_AFTER if world.scenario == "future-timestamp" else ended
    everywhere = of_provider = _pointer(world, run, shown_end)
    if world.scenario == "pointer-mismatch":
        earlier = now - OTHER_RUN_BEFORE
        of_provider = _pointer(world, run_id(earlier), earlier)
    if world.scenario == "pointer-to-no-run":
        ended_later = now - NOT_THERE
        everywhere = of_provider = _pointer(world, run_id(ended_later), ended_later)
    documents = dict(zip(pointers(world), (everywhere, of_provider, everywhere, of_provider), strict=True))
    if world.scenario == "pointer-of-the-provider-missing":
        del documents[pointers(world)[1]]
    for key, document in documents.items():
        buckets.put(names.bucket, key, compact(document), ended)
    return run


def marker(world: World) -> str:
    """Return the name of the file that says that a run was published whole."""
    return world.names.marker.format(provider=world.names.provider, profile=world.names.profile)


def pointers(world: World) -> tuple[str, str, str, str]:
    """Return the keys of the pointers: preferred and legacy, of all providers and of one."""
    names = world.names
    root = f"{names.prefix}/state"
    preferred, folder = f"{root}/candidates/{names.candidate}", f"{names.provider}/{names.profile}"
    return (
        f"{preferred}/last_success.json",
        f"{preferred}/{folder}/last_success.json",
        f"{root}/last_success.json",
        f"{root}/{folder}/last_success.json",
    )


def run_id(ended: datetime) -> str:
    """Return the id of the run that ended then; it is an instant, with its colons and its plus."""
    return (ended - timedelta(minutes=11)).isoformat(timespec="microseconds")


def _pointer(world: World, run: str, ended: datetime) -> dict[str, Any]:
    names = world.names
    return {
        "schema_version": 1,
        "run_id": run,
        "run_path": f"{names.prefix}/runs/{run}",
        "ended_at": ended.isoformat(timespec="microseconds"),
        "providers": [names.provider],
        "profiles": [names.profile],
        "provider_profiles": {f"{names.provider}:{names.profile}": run},
    }


def _as_published(world: World, place: str, name: str, body: bytes) -> bytes:
    """Return the bytes that lie at one place, spoiled where the scenario says so."""
    ranked = name.endswith(".csv")
    if world.scenario == "published-byte-flipped" and place != "latest" and ranked:
        return body[:-2] + bytes([body[-2] ^ 1]) + body[-1:]
    if world.scenario == "latest-stale" and place == "latest" and ranked:
        return b"\n".join(body.split(b"\n")[:-2]) + b"\n"
    return body


def _report(world: World, run: str, ended: datetime, files: dict[str, bytes]) -> dict[str, Any]:
    """Return what the run says of itself: above all, which artifacts anybody can verify."""
    provider, profile = world.names.provider, world.names.profile
    outputs = ("ranked_json", "ranked_csv", "ranked_families_json", "shortlist_md", "top_md")
    artifacts = {
        f"{provider}:{profile}:{output}": {
            "path": f"state/runs/{provider}/{profile}/{name}",
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        for output, (name, body) in zip(outputs, files.items(), strict=True)
    }
    return {
        "run_report_schema_version": 1,
        "run_id": run,
        "selection": {"providers": [provider], "profiles": [profile]},
        "timestamps": {"ended_at": ended.isoformat(timespec="microseconds")},
        "verifiable_artifacts": artifacts,
        "config_fingerprint": hashlib.sha256(f"{world.seed} config".encode()).hexdigest(),
        "environment_fingerprint": hashlib.sha256(f"{world.seed} environment".encode()).hexdigest(),
    }


def _files(world: World, run: str) -> dict[str, bytes]:
    provider, profile = world.names.provider, world.names.profile
    chance = random.Random(f"{world.seed} published")  # noqa: S311 — generated data, no secret
    rows: list[dict[str, Any]] = [
        {"id": f"row-{number:04d}", "score": chance.randrange(1000), "title": f"Entry {chance.randrange(10_000)}"}
        for number in range(ROWS)
    ]
    rows.sort(key=lambda row: (-row["score"], row["id"]))
    lines = ["id,score,title", *(f"{row['id']},{row['score']},{row['title']}" for row in rows)]
    best = "".join(f"- {row['title']} ({row['score']})\n" for row in rows[:5])
    families = {
        "families": [
            {"name": f"family-{number}", "members": [row["id"] for row in rows[number::4]]} for number in range(4)
        ]
    }
    return {
        f"{provider}_ranked_jobs.{profile}.json": pretty(rows),
        f"{provider}_ranked_jobs.{profile}.csv": ("\n".join(lines) + "\n").encode(),
        f"{provider}_ranked_families.{profile}.json": pretty(families),
        f"{provider}_shortlist.{profile}.md": f"# Shortlist of {run}\n\n{best}".encode(),
        marker(world): f"# Top of {run}\n\n{best}".encode(),
    }
