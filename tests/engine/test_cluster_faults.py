"""Runs of which one call to the cluster fails: nothing is left there, nothing is made twice, and others keep theirs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drproof.model.cluster import CONFIG_MAP, JOB, NAMESPACE
from drproof.model.errors import AlreadyExistsError, TargetError
from tests import shares
from tests.engine.cluster_faults import KINDS
from tests.engine.fake_cluster import FakeCluster
from tests.engine.fake_world import FakeWorld
from tests.engine.test_crashes import intent

PARTS = 32
"""All calls in so many parts; CI takes each day another one of each kind of namespace, `make sweep` all."""

ROOT = Path(__file__).resolve().parents[2]
SHARED = {"SHARED_NAMESPACE": "1"}


def parts():
    taken = shares.today() % PARTS
    for part in range(PARTS):
        for name, environment in (("own", {}), ("shared", SHARED)):
            marks = () if part == taken else (pytest.mark.exhaustive,)
            yield pytest.param(f"{part}/{PARTS}", environment, marks=marks, id=f"{name}-namespace-part-{part}")


def swept(folder: Path, part: str, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.cluster_faults", str(folder / "d"), part],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("part", "environment"), list(parts()))
def test_a_call_to_a_given_cluster_that_fails_leaves_nothing_and_makes_nothing_twice(part, environment, tmp_path):
    told = swept(tmp_path, part, **environment)

    assert told["wrong"] == {}
    assert told["runs"] >= len(KINDS) * (told["calls"] // PARTS)
    assert told["calls"] >= PARTS, "the parts together are less than was promised"


def test_an_engine_that_forgets_what_nobody_answered_is_found_out(tmp_path):
    told = swept(tmp_path, "cluster.create", FORGETFUL="1", **SHARED)

    found = [one for what in told["wrong"].values() for one in what]
    assert "left: object ('ServiceAccount', 'atlas', 'atlas')" in found


@pytest.fixture
def world(tmp_path):
    return FakeWorld(tmp_path / "world")


@pytest.fixture
def cluster(world):
    return FakeCluster(world)


def made(kind, name, namespace="atlas"):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}


def test_a_name_that_is_taken_is_refused_and_a_namespace_takes_all_that_is_in_it_away(world, cluster):
    space = cluster.create(intent(), made(NAMESPACE, "atlas", ""))
    cluster.create(intent(), made(CONFIG_MAP, "one"))
    with pytest.raises(AlreadyExistsError):
        cluster.create(intent(), made(CONFIG_MAP, "one"))
    assert len(cluster.everything(namespace="atlas")) == 3

    cluster.delete(intent(), NAMESPACE, "atlas", uid="another", timeout_ms=1)
    assert cluster.get(NAMESPACE, "atlas") is not None
    cluster.delete(intent(), NAMESPACE, "atlas", uid=space["metadata"]["uid"], timeout_ms=1)

    assert cluster.everything(namespace="atlas") == ()
    assert (world.left("d"), world.doubles()) == ([], [])


def test_what_changed_since_it_was_read_is_not_replaced(cluster):
    read = cluster.create(intent(), made(NAMESPACE, "atlas", ""))
    cluster.replace(intent(), read)

    with pytest.raises(TargetError, match="Conflict"):
        cluster.replace(intent(), read)


@pytest.mark.parametrize(("first", "second", "said"), [("one", "one", "made 2 times"), ("one", "two", "beside")])
def test_the_worlds_own_log_tells_of_what_was_made_twice_and_of_jobs_beside_each_other(
    world, cluster, first, second, said
):
    cluster.create(intent(), made(NAMESPACE, "atlas", ""))
    cluster.create(intent(), made(JOB, first))
    if first == second:
        world.memory.cluster.pop(("Job", "atlas", first))
    cluster.create(intent(), made(JOB, second))

    assert any(said in one for one in world.doubles())


def test_the_world_knows_what_a_drill_left_in_the_cluster_and_what_of_others_is_gone(world, cluster):
    marked = made(NAMESPACE, "atlas", "")
    marked["metadata"]["labels"] = {"drproof.io/drill": "0011"}
    cluster.create(intent(), marked)
    world.memory.cluster.pop(("ConfigMap", "theirs", "precious"))

    assert world.left("d") == [
        "object ('Namespace', '', 'atlas')",
        "('ConfigMap', 'theirs', 'precious') of others is gone",
    ]
