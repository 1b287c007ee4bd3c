"""One restore point is read once from front to back, whatever is in it, and says how far it is."""

import hashlib
import json
import random

import pytest

from drproof.model.capabilities import ObjectInfo
from drproof.model.criteria import Backup
from drproof.model.errors import NotFoundError
from drproof.phases.backup import reading
from drproof.phases.backup.reading import Place, read_point
from tests.formats.archives import chunks, compressed, tar

BUCKET, PREFIX = "atlas", "atlas/backups/one"
FILES = {"a/one.json": b"1" * 700, "two": b""}
STATE = compressed(tar(FILES)) + compressed(b"", checksum=False)


class Store:
    """Objects in a dictionary, each given out in chunks, and how often each was."""

    def __init__(self, objects):
        self.objects = {f"{PREFIX}/{name}": data for name, data in objects.items()}
        self.given = []

    def stream(self, bucket, key, *, version="", if_match=""):
        info = self.head(bucket, key)
        self.given.append(key)
        return info, iter(chunks(self.objects[key], 1 << 20))

    def head(self, bucket, key):
        if key not in self.objects:
            raise NotFoundError(f"no {key}", code="NoSuchKey", call="s3:GetObject")
        return ObjectInfo(bucket=bucket, key=key, size=len(self.objects[key]), etag="", modified_at="")

    def read(self, bucket, key, *, version="", if_match="", limit=0):
        info, data = self.stream(bucket, key)
        return info, b"".join(data)


def read(objects, progress=None, archives=("state.tar.zst",)):
    store = Store(objects)
    place = Place(objects=store, sections=(), redact=lambda text: text)  # type: ignore[arg-type]
    wanted = Backup(uri=f"s3://{BUCKET}/{PREFIX}", objects=tuple(objects), archives=archives)
    return store, read_point(place, wanted, progress)


def test_the_digest_is_over_the_whole_object_and_each_is_fetched_once():
    store, found = read({"state.tar.zst": STATE, "note": b"x"})

    seen = {one.name: (one.size, one.sha256) for one in found.observed.objects}
    assert seen == {
        "state.tar.zst": (len(STATE), hashlib.sha256(STATE).hexdigest()),
        "note": (1, hashlib.sha256(b"x").hexdigest()),
    }
    assert sorted(store.given) == sorted(store.objects)


def test_what_the_frames_promise_is_told():
    _, found = read({"state.tar.zst": STATE})
    (seen,) = found.observed.archives

    assert (seen.frames, seen.checksummed_frames, seen.problem) == (2, 1, "")
    assert seen.window > 0
    assert (seen.members, seen.files, seen.size) == (2, 2, 700)
    assert [member.path for member in found.members["state.tar.zst"]] == list(FILES)


@pytest.mark.parametrize("end", [-1, 40])
def test_an_archive_that_is_cut_is_refused_and_still_hashed_whole(end):
    data = compressed(tar(FILES))[:end]
    _, found = read({"state.tar.zst": data})

    assert found.observed.archives[0].problem.startswith("archive-truncated: the zstd stream ends ")
    assert found.observed.objects[0].sha256 == hashlib.sha256(data).hexdigest()


def test_a_harmful_member_is_the_problem_even_where_the_archive_is_cut_behind_it():
    data = compressed(tar({"../out": b"x" * 2_000, "b": random.Random(1).randbytes(400_000)}))
    _, found = read({"state.tar.zst": data[:-1_000]})

    assert found.observed.archives[0].problem == "path leaves the archive: ../out"
    assert [member.path for member in found.members["state.tar.zst"]] == ["../out"]


def test_progress_is_told_in_bytes_every_few_mebibytes_and_at_the_end():
    told: list[int] = []
    read({"state.tar.zst": STATE, "large": bytes(10 << 20), "note": b"xyz"}, told.append)

    assert sum(told) == len(STATE) + (10 << 20) + 3
    assert min(told[:-1]) >= reading.STEP
    assert len(told) == 3


def test_progress_is_not_told_where_nothing_was_read():
    told: list[int] = []
    read({}, told.append, archives=())

    assert told == []


@pytest.mark.parametrize(("workers", "threads"), [(None, 4), ("1", 4), ("3", 1), ("2", 2), ("64", 1)])
def test_threads_are_shared_with_other_workers_of_the_run(monkeypatch, workers, threads):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(4)), raising=False)
    if workers is None:
        monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    else:
        monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", workers)

    assert reading._threads() == threads


def test_metadata_promises_are_beside_what_was_read():
    promised = {"state.tar.zst": {"bytes": 5, "sha256": "0" * 64}}
    texts = {"backup_id": "one", "backup_uri": "u", "bucket": BUCKET, "prefix": PREFIX, "created_utc": "t"}
    _, found = read({"state.tar.zst": STATE, "metadata.json": json.dumps({**texts, "artifacts": promised}).encode()})

    assert found.observed.objects[0].promised_size == 5
