"""What a restore point is compared with is what its own candidate published last."""

import json

import pytest

from drproof.model.capabilities import ObjectInfo
from drproof.model.criteria import Plausibility
from drproof.model.errors import NotFoundError
from drproof.phases.backup.surroundings import published

RUN = "2026-01-31T12:00:00.5+00:00"


class Store:
    """Objects in a dictionary."""

    def __init__(self, objects):
        self.objects = objects

    def _info(self, bucket, key):
        return ObjectInfo(bucket=bucket, key=key, size=len(self.objects[key]), etag="", modified_at="")

    def read(self, bucket, key):
        if key not in self.objects:
            raise NotFoundError(f"no {key}", code="NoSuchKey", call="s3:GetObject")
        return self._info(bucket, key), self.objects[key]

    def list(self, bucket, prefix):
        return (self._info(bucket, key) for key in sorted(self.objects) if key.startswith(prefix))


def pointer(run):
    return json.dumps({"run_id": run, "run_path": f"p/runs/{run}"}).encode()


def seen(candidate, objects):
    place = Plausibility(bucket="b", prefix="p", candidate=candidate, state="state.tar.zst", share=20)
    return published(Store(objects), place)  # type: ignore[arg-type]


@pytest.mark.parametrize(("candidate", "folder"), [("local", "p/runs"), ("ada", "p/candidates/ada/runs")])
def test_the_last_run_is_counted_where_its_candidate_publishes(candidate, folder):
    found = seen(
        candidate,
        {
            f"p/state/candidates/{candidate}/last_success.json": pointer(RUN),
            f"{folder}/{RUN}/one": b"1" * 7,
            f"{folder}/{RUN}/deep/two": b"22",
            f"{folder}/{RUN}-other/three": b"333",
        },
    )

    assert (found.uri, found.run_id, found.problem) == (f"s3://b/{folder}/{RUN}/", RUN, "")
    assert (found.objects, found.size) == (2, 9)


def test_the_older_pointer_is_that_of_the_candidate_local_and_of_no_other():
    objects = {"p/state/last_success.json": pointer(RUN), f"p/runs/{RUN}/one": b"1" * 7}

    assert (seen("local", objects).run_id, seen("local", objects).size) == (RUN, 7)
    assert (seen("ada", objects).run_id, seen("ada", objects).problem) == ("", "no pointer names a run")
