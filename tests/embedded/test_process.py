"""The world is a process of its own that says where it is and ends by itself."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from drproof.embedded.lifetime import Lifetime
from tests.patience import PATIENCE, until

from .conftest import REPOSITORY, RunningWorld, Start, alone


def test_the_ready_line_equals_world_json_and_names_every_fact(world: RunningWorld) -> None:
    document = world.document
    assert json.loads((world.directory / "world.json").read_text()) == document
    assert set(document) >= {"endpoint", "pid", "scenario", "seed", "call_log", "credentials", "instances", "site"}
    assert urlsplit(document["endpoint"]).hostname == "127.0.0.1"
    assert document["pid"] == world.process.pid
    assert (world.directory / "world.json").stat().st_mode & 0o077 == 0


def test_a_world_with_thousands_of_members_is_ready_for_a_few_seconds_of_work(world: RunningWorld) -> None:
    # Of the processor's time: how long that takes is the machine's affair.
    assert world.ready_for < 30


def test_the_world_has_its_own_session_and_listens_on_loopback_alone(world: RunningWorld) -> None:
    assert os.getsid(world.process.pid) == world.process.pid
    port = f":{urlsplit(world.document['endpoint']).port:04X}"
    listening = Path("/proc/net/tcp").read_text().splitlines()
    local = [line.split()[1] for line in listening if line.split()[1].endswith(port)]
    assert local
    assert all(address.startswith("0100007F") for address in local)


def test_a_world_that_leads_a_group_of_another_session_leaves_that_session(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "drproof.embedded", "--directory", str(tmp_path / "w"), "--members", "5"],
        cwd=REPOSITORY,
        env=alone(),
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    with started:
        assert started.stdout is not None
        pid = json.loads(started.stdout.readline())["pid"]
        assert os.getsid(pid) == pid
        os.kill(pid, signal.SIGTERM)
    until(lambda: not Path(f"/proc/{pid}").exists() or "(zombie)" in Path(f"/proc/{pid}/status").read_text())


def test_each_world_has_new_keys(start: Start, world: RunningWorld) -> None:
    other = start()
    for site in ("primary", "recovery"):
        for name in ("access_key_id", "secret_access_key"):
            assert other.document["credentials"][site][name] != world.document["credentials"][site][name]


def test_interrupt_and_hangup_do_not_end_the_world_and_terminate_does(start: Start) -> None:
    running = start()
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(running.process.pid, number)
    assert running.control("GET", "health")[0] == 200
    os.kill(running.process.pid, signal.SIGTERM)
    assert running.process.wait(timeout=PATIENCE) == 0


def test_the_world_ends_when_nobody_calls_and_leaves_only_its_log(start: Start) -> None:
    running = start()
    running.client("sts").get_caller_identity()
    # Said last: a world that waits for so little from its start may be gone before its first call.
    assert running.control("POST", "keep", {"seconds": 1}) == (200, {"seconds": 1})
    assert running.process.wait(timeout=PATIENCE) == 0
    assert sorted(item.name for item in running.directory.iterdir()) == ["calls.jsonl", "world.json"]
    assert "GetCallerIdentity" in (running.directory / "calls.jsonl").read_text()


def test_a_kept_world_ends_when_its_folder_is_removed_because_nobody_can_find_it(start: Start) -> None:
    running = start()
    running.control("POST", "keep", {"seconds": 3600})
    shutil.rmtree(running.directory)
    assert running.process.wait(timeout=PATIENCE) == 0


def test_keep_lets_the_world_live_longer(start: Start, tmp_path: Path) -> None:
    assert start().control("POST", "keep", {"seconds": 600}) == (200, {"seconds": 600})
    lifetime = Lifetime(0.0)
    lifetime.wait(tmp_path)
    lifetime.keep(600)
    told = threading.Event()

    def stop() -> None:
        told.set()
        lifetime.stop()

    threading.Timer(0.2, stop).start()
    lifetime.wait(tmp_path)
    assert told.is_set(), "it did not end by itself"


@pytest.mark.parametrize("body", [{}, {"seconds": 0}, {"seconds": True}, {"seconds": "9"}, [1], None])
def test_keep_refuses_what_is_no_number_of_seconds(world: RunningWorld, body: object) -> None:
    status, document = world.control("POST", "keep", body)
    assert status == 400
    assert "keep expects" in document["error"]


def test_stop_ends_the_world(start: Start) -> None:
    running = start()
    assert running.control("POST", "stop")[0] == 200
    assert running.process.wait(timeout=PATIENCE) == 0


def test_health_and_credentials_are_served(world: RunningWorld) -> None:
    assert world.control("GET", "health")[1] == {"ok": True, "pid": world.process.pid, "scenario": "none", "seed": 1}
    assert world.control("GET", "credentials") == (200, world.document["credentials"])


def test_an_unknown_control_route_is_not_found(world: RunningWorld) -> None:
    status, document = world.control("GET", "nothing")
    assert status == 404
    assert "GET health" in document["expected"]


def test_standard_output_is_let_go_after_the_ready_line(world: RunningWorld) -> None:
    assert world.process.stdout is not None
    assert world.process.stdout.read() == ""


def test_an_unknown_scenario_is_refused_by_name(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "drproof.embedded", "--directory", str(tmp_path), "--scenario", "nosuch"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "no scenario 'nosuch'" in ended.stderr
    assert "two-runners" in ended.stderr


def test_what_a_command_left_running_ends_with_the_world(start: Start) -> None:
    running = start()
    instance = _online_machine(running)
    mark = f"7{os.getpid():07d}"
    running.client("ssm").send_command(
        InstanceIds=[instance], DocumentName="AWS-RunShellScript", Parameters={"commands": [f"exec sleep {mark}"]}
    )
    until(lambda: _sleeping(mark))
    running.stop()
    until(lambda: not _sleeping(mark))


def _online_machine(running: RunningWorld) -> str:
    machine = running.client("ec2").run_instances(ImageId=running.document["site"]["image_id"], MinCount=1, MaxCount=1)
    instance = str(machine["Instances"][0]["InstanceId"])
    until(lambda: running.client("ssm").describe_instance_information()["InstanceInformationList"])
    return instance


def _sleeping(mark: str) -> bool:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if command == f"sleep\0{mark}\0".encode():
                return True
    return False
