"""Worlds for tests: processes that are started, called over their sockets, and stopped."""

import http.client
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from drproof.embedded import fork_server
from tests.patience import PATIENCE

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = 40


@dataclass
class RunningWorld:
    """One world and the ways to talk to it."""

    process: subprocess.Popen[str]
    directory: Path
    document: dict[str, Any]
    ready_for: float
    """Seconds of the processor that it took to be ready."""

    def client(self, service: str, site: str = "recovery", *, region: str = "", key: str = "", **config: Any) -> Any:
        """Return a client of one account."""
        held = self.document["credentials"][site]
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.document["endpoint"],
            aws_access_key_id=key or held["access_key_id"],
            aws_secret_access_key=held["secret_access_key"],
            region_name=region or held["region"],
            config=Config(
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                **{"connect_timeout": PATIENCE, "read_timeout": PATIENCE, **config},
            ),
        )

    def control(self, method: str, route: str, body: object = None) -> tuple[int, Any]:
        """Call a control route and return status and document."""
        address = urlsplit(self.document["endpoint"])
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE)
        connection.request(method, f"/_world/{route}", None if body is None else json.dumps(body))
        answer = connection.getresponse()
        document = json.loads(answer.read())
        connection.close()
        return answer.status, document

    def stop(self) -> int:
        """End the world and return its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=PATIENCE)


Start = Callable[..., RunningWorld]


def alone() -> dict[str, str]:
    """Return the environment of a world that imports everything itself, as everybody's does."""
    return {name: value for name, value in os.environ.items() if name != fork_server.VARIABLE}


def begin(directory: Path, scenario: str = "none", *more: str, members: int = SMALL) -> RunningWorld:
    """Start a world and wait for its line."""
    # One that many tests share is not called while its process of the tests is busy with others.
    linger = ("--linger", "3600")
    asked = ["--directory", str(directory), "--scenario", scenario, "--members", str(members), *linger, *more]
    with (directory.parent / f"{directory.name}.log").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "drproof.embedded", *asked],
            cwd=REPOSITORY,
            env=alone(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"no ready line: {(directory.parent / f'{directory.name}.log').read_text()}"
    spent = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    # utime and stime, counted from the state, which follows the name.
    ready_for = (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")
    return RunningWorld(process, directory, json.loads(line), ready_for)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorld]:
    """One sound world that many tests share."""
    running = begin(tmp_path_factory.mktemp("shared") / "world", members=2400)
    yield running
    running.stop()
    assert running.process.stdout is not None
    running.process.stdout.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start worlds of one's own; they end with the test."""
    running: list[RunningWorld] = []

    def one(scenario: str = "none", *more: str, members: int = SMALL) -> RunningWorld:
        running.append(begin(tmp_path / f"world-{len(running)}", scenario, *more, members=members))
        return running[-1]

    yield one
    for each in running:
        each.stop()
        assert each.process.stdout is not None
        each.process.stdout.close()


@pytest.fixture(scope="session")
def names() -> dict[str, Any]:
    """The settings that a drill against the world reads."""
    return tomllib.loads((REPOSITORY / "drproof/embedded/settings.toml").read_text(encoding="utf-8"))
