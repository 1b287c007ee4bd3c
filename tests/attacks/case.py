"""A case of the conformance tree: a bundle, how it is verified, and what every verifier has to say of it."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rfc8785 import dumps

from tests.attacks.bundles import Edit, Files
from tests.attacks.keys import (
    ANOTHER,
    APPROVER,
    COLLECTOR,
    CURVE,
    RUNNER,
    SECOND,
    Key,
    envelope,
    trust,
    trusted,
)
from tests.contracts.observed import at

NOW = at(58)
PEOPLE = (trusted(APPROVER, "approver"), trusted(ANOTHER, "approver"))
USUAL = (trusted(RUNNER), trusted(SECOND), trusted(CURVE), trusted(COLLECTOR, "collector"), *PEOPLE)
RSA = """-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf
9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==
-----END PUBLIC KEY-----
"""
TRUST: Mapping[str, bytes] = {
    "usual": trust(*USUAL),
    "held": trust(trusted(RUNNER, custody="non_exportable"), trusted(SECOND), *PEOPLE),
    "unknown": trust(trusted(SECOND), *PEOPLE),
    "expired": trust(trusted(RUNNER, not_after=at(49)), *PEOPLE),
    "not-yet": trust(trusted(RUNNER, not_before=at(1)), *PEOPLE),
    "just-in-time": trust(trusted(RUNNER, not_before=at(0), not_after=at(50)), *PEOPLE),
    "revoked": trust(trusted(RUNNER, revoked_at="2030-01-01T00:00:00.000Z", reason="the laptop was lost"), *PEOPLE),
    "role": trust(trusted(RUNNER, "approver"), trusted(APPROVER, "collector")),
    "both-roles": trust(trusted(RUNNER, custody="non_exportable"), trusted(RUNNER, "approver")),
    "nobody": trust(),
    "wrong-keyid": trust({**trusted(RUNNER), "keyid": "0" * 64}),
    "twice": trust(trusted(RUNNER), trusted(RUNNER)),
    "field": trust({**trusted(RUNNER), "note": ""}),
    "no-field": trust({name: value for name, value in trusted(RUNNER).items() if name != "custody"}),
    "kind": trust({**trusted(RUNNER), "public_key": RSA}),
    "no-day": trust(trusted(RUNNER, not_after="2026-02-30T00:00:00.000Z")),
    "version": trust(trusted(RUNNER), schema_version=2),
    "duplicate": trust(trusted(RUNNER)).replace(b"{", b'{"keys":[],', 1),
    "certificate": trust(trusted(RUNNER), authorities=[{"name": "time", "certificate": "none"}]),
}
"""Trust files by name; the last ones are none."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A bundle with the exit status, level and codes that its verification has to come to."""

    files: Files
    exit: int = 1
    codes: Sequence[str] = ()
    level: str = "L0"
    trust: str = "usual"
    options: Sequence[str] = ()
    now: str = NOW
    links: Mapping[str, str] = field(default_factory=dict)
    judging: Mapping[str, Any] | None = None
    """What a verifier says that has drproof's contracts, where that differs."""

    def described(self, bundle: str) -> bytes:
        """Return `case.json`; `bundle` is the folder of the bundle, another case's where that is untouched."""
        content = {
            "bundle": bundle,
            "trust": f"trust/{self.trust}.json",
            "options": list(self.options),
            "now": self.now,
            "exit": self.exit,
            "level": self.level,
            "codes": sorted(self.codes),
            **({"judging": dict(self.judging)} if self.judging else {}),
        }
        return json.dumps(content, indent=2).encode() + b"\n"


def without(files: Files, *paths: str) -> Files:
    """Return files without some."""
    assert set(paths) <= files.keys()
    return {path: data for path, data in files.items() if path not in paths}


def moved(files: Files, old: str, new: str) -> Files:
    """Return files with one under another name."""
    return {**without(files, old), new: files[old]}


def swapped(files: Files, one: str, other: str) -> Files:
    """Return files with the contents of two exchanged."""
    return {**files, one: files[other], other: files[one]}


def flipped(files: Files, path: str, old: bytes, new: bytes) -> Files:
    """Return files with a text of one replaced by another of the same length."""
    assert len(old) == len(new)
    assert old in files[path]
    return {**files, path: files[path].replace(old, new, 1)}


def enveloped(files: Files, path: str, change: Callable[[dict[str, Any]], Any]) -> Files:
    """Return files with an envelope changed and not signed again."""
    content = json.loads(files[path])
    return {**files, path: dumps(change(content) or content)}


def stated(files: Files, path: str, change: Callable[[dict[str, Any]], Any], *keys: Key) -> Files:
    """Return files with a statement changed, signed by the keys that are given, and nothing else adapted to it."""
    content = json.loads(base64.b64decode(json.loads(files[path])["payload"]))
    return {**files, path: envelope(dumps(change(content) or content), keys)}


def kept(files: Files, path: str, change: Callable[[dict[str, Any]], Any]) -> Files:
    """Return files with a statement changed under the signatures that were over the old one."""
    old = json.loads(files[path])
    content = json.loads(base64.b64decode(old["payload"]))
    payload = base64.b64encode(dumps(change(content) or content)).decode()
    return {**files, path: dumps({**old, "payload": payload})}


def saying(**changes: Any) -> Edit:
    """Return an edit of a statement's predicate."""
    return lambda content: {**content, "predicate": {**content["predicate"], **changes}}


def having(**changes: Any) -> Edit:
    """Return an edit of a document."""
    return lambda content: {**content, **changes}


def verdicts(change: Callable[[list[dict[str, Any]]], Iterable[dict[str, Any]]]) -> Edit:
    """Return an edit of the verdicts."""
    return lambda content: {**content, "verdicts": list(change(content["verdicts"]))}
