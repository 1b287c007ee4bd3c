"""One embedded world for all, a place in it for each test, and an operator at the command line."""

import json
import os
import secrets
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import drproof
from drproof.cli.app import app
from drproof.model.capabilities import Intent
from drproof.targets import embedded
from drproof.targets.aws.s3 import AwsObjectStore
from drproof.targets.aws.sessions import Session

NAMES: dict[str, Any] = tomllib.loads(
    (Path(drproof.__file__).parent / "embedded" / "settings.toml").read_text(encoding="utf-8")
)
ACCOUNT = NAMES["sites"]["primary"]["account_id"]
BUCKET = NAMES["drill"]["backup_uri"].split("/")[2]
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/atlas@sha256:" + "ab" * 32
EPOCH = 1769857200
CREATED = "20260131T110000Z"
INTENT = Intent(number=1, verb="test", resource="thing", token="a" * 32)
FILES = {
    "candidates/registry.json": b'{"schema_version": 1, "candidates": []}',
    "candidates/local/candidate_profile.json": b'  {"leading": "space"}\n\n\n',
    "candidates/local/manifest.json": b'{"nested": true}\n',
    "alerts/alerts.json": b'{"schema_version": 1}',
    "alerts/logo.png": b"\x89PNG\xff",
    "providers/providers.json": b'{"schema_version": 1, "name": "gr\xc3\xbc\xc3\x9f"}',
    "scoring/scoring.v1.json": b'{"version": 1, "weights": {"fit": 0.5}}',
}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.World]:
    """A healthy world; every test has a prefix of its own in it."""
    started = embedded.start(tmp_path_factory.mktemp("world"), scenario="none", linger=120)
    yield started
    started.stop()


@cache
def _store(endpoint: str) -> AwsObjectStore:
    issued = embedded.credentials(endpoint)["primary"]
    session = Session(issued["region"], endpoint=endpoint, credentials=issued)
    return AwsObjectStore(session.client("s3"), owner=ACCOUNT)


@dataclass
class Said:
    """What a command came to."""

    status: int
    out: str
    error: str

    @property
    def values(self) -> dict[str, str]:
        """The lines that a shell can read."""
        pairs = (line.partition("=") for line in self.out.splitlines() if "=" in line and line[:1].isupper())
        return {name: "".join(shlex.split(value)) for name, _, value in pairs}


@dataclass
class Hand:
    """An operator in a folder of their own, and a prefix of their own in the world."""

    folder: Path
    world: embedded.World
    monkeypatch: pytest.MonkeyPatch
    prefix: str = field(default_factory=lambda: f"test-{secrets.token_hex(4)}")

    def __call__(self, command: str, *words: str, **environment: str) -> Said:
        """Run one command of the control plane."""
        names = {"SOURCE_DATE_EPOCH": str(EPOCH), "IMAGE_REF_DIGEST": IMAGE, "EXPECTED_ACCOUNT_ID": ACCOUNT}
        answer = CliRunner(env={**names, **environment}).invoke(app, ["control-plane", command, *words])
        if answer.exception is not None and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        return Said(answer.exit_code, answer.stdout, answer.stderr)

    @property
    def place(self) -> tuple[str, ...]:
        return ("--bucket", BUCKET, "--prefix", self.prefix, "--embedded", self.world.endpoint)

    def source(self, files: dict[str, bytes] | None = None, *, name: str = "source") -> str:
        """Write a folder laid out by sections."""
        root = self.folder / name
        for path, data in (FILES if files is None else files).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        return str(root)

    def publish(self, *words: str, source: str = "", **environment: str) -> Said:
        return self("publish", *self.place, "--source-dir", source or self.source(), *words, **environment)

    def fetch(self, *words: str, to: str = "fetched", **environment: str) -> Said:
        return self("fetch", *self.place, "--dest-dir", str(self.folder / to), *words, **environment)

    @property
    def store(self) -> AwsObjectStore:
        """The buckets, as whoever else writes to them."""
        return _store(self.world.endpoint)

    def key(self, name: str) -> str:
        return f"{self.prefix}/control-plane/{name}"

    def put(self, name: str, data: bytes) -> None:
        self.store.put(INTENT, BUCKET, self.key(name), data)

    @property
    def pointer(self) -> dict[str, Any]:
        return json.loads(self.store.read(BUCKET, self.key("current.json"))[1])

    def objects(self) -> list[str]:
        return sorted(item.key.removeprefix(self.key("")) for item in self.store.list(BUCKET, self.key("")))

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the calls that the world answered about this test's own keys."""
        return [call for call in self.world.calls()[since:] if call["key"].startswith(self.prefix)]

    def git(self, *words: str, at: int = EPOCH, cwd: Path | None = None) -> str:
        """Run git, at a time."""
        who = {f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        when = {f"GIT_{role}_DATE": f"{at} +0000" for role in ("AUTHOR", "COMMITTER")}
        nowhere = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        done = subprocess.run(
            ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *words],
            cwd=cwd or self.folder,
            env={**os.environ, **who, **when, **nowhere},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()


@pytest.fixture
def hand(world: embedded.World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hand:
    for name in ("SOURCE_DATE_EPOCH", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Hand(tmp_path, world, monkeypatch)
