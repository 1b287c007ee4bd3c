"""Worlds that one interpreter forks are what worlds are that import everything themselves."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from drproof.embedded import fork_server
from drproof.embedded.fork_server import VARIABLE
from drproof.targets import embedded
from tests.fork_server import ForkServer
from tests.patience import PATIENCE, until
from tests.shares import FEW

from .conftest import REPOSITORY

pytestmark = pytest.mark.costly(days=FEW)


@pytest.fixture(scope="module")
def socket():
    before = os.environ.get(VARIABLE)
    server = ForkServer(fork_server.__name__, VARIABLE)
    yield os.environ[VARIABLE]
    server.close()
    if before is not None:
        os.environ[VARIABLE] = before


def asked(folder: Path, socket: str, *words: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "drproof.embedded", "--directory", str(folder), *words],
        cwd=REPOSITORY,
        env={**os.environ, **environment, VARIABLE: socket},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ready(process: "subprocess.Popen[str]") -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_a_forked_world_leads_a_session_says_its_own_process_and_lets_go_of_the_output(socket, tmp_path):
    with asked(tmp_path / "w", socket, "--members", "5") as process:
        document = ready(process)
        assert document["pid"] != process.pid
        assert os.getsid(document["pid"]) == document["pid"]
        assert process.stdout is not None
        assert process.stdout.read() == ""
        os.kill(document["pid"], signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
        assert not Path(f"/proc/{document['pid']}").exists()


def test_a_forked_world_is_steered_by_the_environment_of_whoever_asked_and_sees_no_key_of_it(socket, tmp_path):
    # A profile that nobody has ends every call of an SDK that sees it.
    with asked(tmp_path / "w", socket, "--members", "5", AWS_PROFILE="nobody") as process:
        assert ready(process)["site"]["backup_id"]
        embedded.attach(tmp_path / "w").stop()
    with asked(tmp_path / "v", socket, EMBEDDED_WORLD_MEMBERS="nine") as process:
        said = process.communicate()[1]
    assert process.returncode == 2
    assert process.returncode == 2
    assert "invalid int value: 'nine'" in said


def test_two_forked_worlds_share_no_key_and_no_name_of_chance(socket, tmp_path):
    keys, names = set(), set()
    for name in "ab":
        with asked(tmp_path / name, socket, "--members", "5") as process:
            document = ready(process)
            for held in (document["credentials"][site] for site in ("primary", "recovery")):
                keys |= {held["access_key_id"], held["secret_access_key"]}
                machines = boto3.client(
                    "ec2",
                    endpoint_url=document["endpoint"],
                    aws_access_key_id=held["access_key_id"],
                    aws_secret_access_key=held["secret_access_key"],
                    region_name=held["region"],
                )
                names.add(machines.create_security_group(GroupName="of-chance", Description="d")["GroupId"])
            embedded.attach(tmp_path / name).stop()
    assert len(keys) == 8
    assert len(names) == 4


def test_a_forked_world_that_is_killed_is_no_success(socket, tmp_path):
    with asked(tmp_path / "w", socket, "--members", "5") as process:
        os.kill(ready(process)["pid"], signal.SIGKILL)
        assert process.wait(timeout=PATIENCE) == 1


def test_what_a_world_is_asked_wrongly_is_said_to_whoever_asked(socket, tmp_path):
    with asked(tmp_path, socket, "--scenario", "nosuch") as process:
        said = process.communicate()[1]
    assert process.returncode == 2
    assert "no scenario 'nosuch'" in said


def test_forked_worlds_outlive_the_server_and_leave_no_process_behind(tmp_path):
    before = os.environ[VARIABLE]
    server = ForkServer(fork_server.__name__, VARIABLE)
    with asked(tmp_path / "w", os.environ[VARIABLE], "--members", "5") as process:
        pid = ready(process)["pid"]
        server.close()
        os.environ[VARIABLE] = before
        embedded.attach(tmp_path / "w").stop()
        assert process.wait(timeout=PATIENCE) == 0
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_server_that_is_gone_is_said_with_what_to_do(tmp_path):
    with asked(tmp_path / "w", str(tmp_path / "nowhere")) as process:
        said = process.communicate()[1]
    assert process.returncode == 1
    assert "nobody listens there" in said
    assert f"next: unset {VARIABLE}" in said


def test_each_service_is_read_by_one_loader_and_by_the_emulators_own(tmp_path):
    code = """
from drproof.embedded import models
models.share()
models.share()
from botocore.loaders import Loader
from botocore.session import Session
from moto.core.loaders import create_loader
first, second = (Session().get_component("data_loader") for _ in range(2))
read = first.load_service_model("sts", "service-2")
assert second.load_service_model("sts", "service-2") is read
others = create_loader(), Loader(extra_search_paths=["/nowhere"])
assert first._cache is second._cache
assert not any(other._cache is first._cache for other in others)
models.read_ahead(Loader())
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=PATIENCE)
