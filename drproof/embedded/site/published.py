"""The published run of the original site: its files, their latest copies, and the four pointers to it."""

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


def publish(world: World, buckets: Buckets, now: datetime) -> str:
    """Write the run, its latest copies and its pointers, and return the run's id."""
    ended = now - (STALE_BEFORE if world.scenario == "stale-pipeline" else ENDED_BEFORE)
    run = run_id(ended)
    names = world.names
    folder = f"{names.provider}/{names.profile}"
    for name, body in _files(world, run).items():
        for place in (f"runs/{run}", "latest"):
            buckets.put(names.bucket, f"{names.prefix}/{place}/{folder}/{name}", body, ended)
    shown = now + FUTURE_AFTER if world.scenario == "future-timestamp" else ended
    everywhere = _pointer(world, run, shown)
    of_provider = everywhere
    if world.scenario == "pointer-mismatch":
        earlier = now - OTHER_RUN_BEFORE
        of_provider = _pointer(world, run_id(earlier), earlier)
    for key, document in zip(pointers(world), (everywhere, of_provider, everywhere, of_provider), strict=True):
        buckets.put(names.bucket, key, compact(document), ended)
    return run


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
    files = {
        f"{provider}_ranked_jobs.{profile}.json": pretty(rows),
        f"{provider}_ranked_jobs.{profile}.csv": ("\n".join(lines) + "\n").encode(),
        f"{provider}_ranked_families.{profile}.json": pretty(families),
        f"{provider}_shortlist.{profile}.md": f"# Shortlist of {run}\n\n{best}".encode(),
        world.names.marker.format(provider=provider, profile=profile): f"# Top of {run}\n\n{best}".encode(),
    }
    if world.scenario == "missing-marker":
        del files[world.names.marker.format(provider=provider, profile=profile)]
    return files
