"""The SDK's models are some megabytes each: a process reads one once, for all of its sites, and so does a world."""

import subprocess
import sys
from collections import Counter

import pytest
from botocore.loaders import JSONFileLoader

from drproof.targets.aws.sessions import Session

ISSUED = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "x"}


def test_the_sessions_of_two_sites_read_a_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[str] = Counter()
    before = JSONFileLoader._load_file  # type: ignore[attr-defined]

    def noted(self: JSONFileLoader, path: str, open_method: object) -> object:
        found = before(self, path, open_method)
        if found is not None:
            read[path] += 1
        return found

    monkeypatch.setattr(JSONFileLoader, "_load_file", noted)
    for region in ("us-east-1", "us-west-2"):
        client = Session(region, endpoint="http://127.0.0.1:9", credentials=ISSUED).client("mediastore")
        assert client.meta.region_name == region

    models = {path: times for path, times in read.items() if "/mediastore/" in path and "service-2" in path}
    assert list(models.values()) == [1]


def test_a_world_reads_each_model_once_however_many_partitions_its_emulator_asks_for() -> None:
    code = """
import json, sys
from botocore.loaders import JSONFileLoader
before, read = JSONFileLoader._load_file, []
def noted(self, path, open_method):
    found = before(self, path, open_method)
    if found is not None:
        read.append(path)
    return found
JSONFileLoader._load_file = noted
import drproof.embedded.__main__
assert any("/ec2/" in path for path in read), read
assert len(read) == len({*read}), sorted(read)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
