"""The two places of a comparison: opened by options, else by the settings of both sites."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from drproof.engine.refusal import refuse
from drproof.engine.settings import setting
from drproof.formats.s3_uri import BUCKET
from drproof.targets.aws.s3_ranges import ListedPrefix
from drproof.targets.aws.s3_requests import SignedBucket
from drproof.targets.aws.sessions import Session

SITES = {"left": "primary", "right": "recovery"}
"""Whose settings hold where an option says nothing: what was, and what took over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One side, as the command line names it."""

    uri: str
    side: Literal["left", "right"]
    owner: str | None
    region: str | None


def open_pair(
    left: Asked, right: Asked, *, profile: str | None, endpoint: str, connections: int
) -> tuple[ListedPrefix, ListedPrefix]:
    """Return both sides, each ready to be listed; nothing is asked of them yet.

    Raises:
        Refusal: a URI or the endpoint is none, both sides are the same, one has no owner or no region.
        TargetError: the profile does not exist.
    """
    places = [_place(one) for one in (left, right)]
    if places[0] == places[1]:
        # Not the words: a bucket is also itself with a slash behind it.
        raise refuse(
            f"both sides are {left.uri}",
            expected="two places: a prefix compared with itself shows nothing",
            next_step="drproof compare-prefixes s3://one/prefix/ s3://another/prefix/",
        )
    if endpoint and not _is_address(endpoint):
        raise refuse(
            f"--endpoint is {endpoint!r}",
            expected="the address of a store that speaks S3",
            next_step="--endpoint http(s)://host:port",
        )
    if bool(places[0][1]) == bool(places[1][1]) and places[0][1].endswith("/") != places[1][1].endswith("/"):
        raise refuse(
            f"{left.uri} and {right.uri}",
            expected="both with a slash at the end or both without: keys are compared by what follows the prefix",
            next_step="add the slash that is missing",
        )
    opened = [
        _opened(one, bucket, prefix, profile=profile, endpoint=endpoint, connections=connections)
        for one, (bucket, prefix) in zip((left, right), places, strict=True)
    ]
    return opened[0], opened[1]


def _is_address(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        # Asking for the port refuses one that is none.
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _place(asked: Asked) -> tuple[str, str]:
    bucket, _, prefix = asked.uri.removeprefix("s3://").partition("/")
    if not asked.uri.startswith("s3://") or not BUCKET.fullmatch(bucket):
        raise refuse(
            f"the {asked.side} side is {asked.uri!r}",
            expected="s3://bucket/prefix/",
            next_step="drproof compare-prefixes s3://one/prefix/ s3://another/prefix/",
        )
    return bucket, prefix


def _opened(  # noqa: PLR0913 — one place and how it is asked
    asked: Asked, bucket: str, prefix: str, *, profile: str | None, endpoint: str, connections: int
) -> ListedPrefix:
    site = f"sites.{SITES[asked.side]}"
    owner = asked.owner or _setting(f"{site}.owner") or _setting(f"{site}.account_id")
    if not owner:
        raise refuse(
            f"nothing says whose bucket {bucket} is",
            expected=f"an account: --owner-{asked.side}, or {site}.account_id in drproof.toml",
            next_step=f"drproof compare-prefixes … --owner-{asked.side} <account>",
        )
    region = asked.region or _setting(f"{site}.region") or os.environ.get("AWS_REGION", "")
    if not region:
        raise refuse(
            f"nothing says in which region {bucket} lies",
            expected=f"--region-{asked.side}, --region, AWS_REGION, or {site}.region in drproof.toml",
            next_step=f"drproof compare-prefixes … --region-{asked.side} <region>",
        )
    name = profile if profile is not None else _setting("profile")
    session = Session(region, profile=name)
    if endpoint:
        session = Session(region, endpoint=endpoint, credentials=session.held())
    return ListedPrefix(SignedBucket(session, bucket, owner=owner, connections=connections), prefix)


def _setting(path: str) -> str:
    """Return a setting of `drproof.toml` or of the environment; empty where nobody says anything."""
    return str(setting(path, {}, os.environ, Path.cwd()) or "")
