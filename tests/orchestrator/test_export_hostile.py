"""What lies in the store of receipts, or is said by whoever failed, makes no other evidence of an export."""

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drproof.engine.export import export, export_settings
from drproof.engine.export_folder import write
from drproof.engine.refusal import Refusal
from drproof.model.collection import HandedFile
from drproof.targets import embedded
from tests.orchestrator.stand_in import BUCKET, PREFIX, Orchestrated, clients

pytestmark = pytest.mark.costly("an execution that is exported")

LOGIN = "AKIA" + "ABCDEFGHIJKLMNOP"


@pytest.fixture(scope="module")
def orchestrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestrated]:
    world = embedded.start(tmp_path_factory.mktemp("world"), scenario="none", linger=3600)
    yield Orchestrated.at(world)
    world.stop()


@pytest.fixture(scope="module")
def failed(orchestrated: Orchestrated) -> str:
    """An execution whose question was given back as a failure, with a login as the error's name."""
    arn = orchestrated.begin("atlas-hostile")
    token = orchestrated.token(arn)
    clients(orchestrated.world)("stepfunctions").send_task_failure(
        taskToken=token, error=f"no {LOGIN}", cause="somebody's words"
    )
    assert orchestrated.ended(arn)["status"] == "FAILED"
    return arn


def _exported(orchestrated: Orchestrated, arn: str) -> Any:
    return export(arn, export_settings({"target": "embedded"}, {}, Path("/")), orchestrated.world.endpoint)


def _files(found: Any) -> dict[str, bytes]:
    return {file.name: file.data for file in found.collection.files}


def test_no_object_of_the_store_takes_the_place_of_what_the_platform_said(orchestrated, failed):
    s3 = clients(orchestrated.world)("s3")
    names = ("history", "description", "definition", "export", "listing", "logs", "triggers")
    for name in names:
        s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/atlas-hostile/{name}.json", Body=b'{"made": "up"}')
    try:
        files = _files(_exported(orchestrated, failed))
    finally:
        for name in names:
            s3.delete_object(Bucket=BUCKET, Key=f"{PREFIX}/atlas-hostile/{name}.json")

    assert json.loads(files["history.json"])["events"]
    assert json.loads(files["description.json"])["status"] == "FAILED"
    assert json.loads(files["export.json"])["execution"] == failed
    made_up = [name for name, data in files.items() if json.loads(data) == {"made": "up"}]
    assert len(made_up) == len(names), "each is kept, under a name of its own, and read as a stranger"


def test_the_name_of_an_error_is_somebodys_words_too(orchestrated, failed):
    files = _files(_exported(orchestrated, failed))

    assert [name for name, data in files.items() if LOGIN.encode() in data] == []


def test_a_folder_is_whole_or_not_there(orchestrated, failed, tmp_path):
    told = _cli_with_room(orchestrated, failed, tmp_path / "new", bytes_of_a_file=4096)

    assert told.returncode == 2, told.stdout
    assert "File too large" in told.stderr
    assert [path.name for path in tmp_path.rglob("*")] == []


@pytest.mark.parametrize("was_there", [False, True])
def test_a_disk_that_fails_while_files_get_their_names_leaves_none_of_them(tmp_path, monkeypatch, was_there):
    place, real = tmp_path / "out", Path.replace
    if was_there:
        place.mkdir()

    def replace(path, target):
        if path.name == "b.json":
            raise OSError(errno.EIO, "Input/output error")
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="Input/output error"):
        write([HandedFile(name=f"{name}.json", data=b"{}") for name in "abc"], place)

    assert list(tmp_path.rglob("*")) == ([place] if was_there else [])


def _cli_with_room(
    orchestrated: Orchestrated, arn: str, out: Path, *, bytes_of_a_file: int
) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_of_a_file, bytes_of_a_file))

    code = "from drproof.cli import main; main()"
    words = ["export", "--execution-arn", arn, "--out", str(out), "--embedded", orchestrated.world.endpoint]
    return subprocess.run(
        [sys.executable, "-B", "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={**os.environ, "COLUMNS": "300"},
        preexec_fn=limit,
    )


def test_a_place_that_is_taken_is_refused_before_anything_is_asked(orchestrated, failed, tmp_path):
    file, full = tmp_path / "file", tmp_path / "full"
    file.write_text("somebody's")
    full.mkdir()
    (full / "other.json").write_text("{}")
    exported = _exported(orchestrated, failed)
    for place in (file, full):
        with pytest.raises(Refusal, match="expected a folder of its own"):
            write(exported.collection.files, place)
        before = len(orchestrated.world.calls())
        told = _cli_with_room(orchestrated, failed, place, bytes_of_a_file=1 << 30)
        assert told.returncode == 2
        assert "next: name another --out" in told.stderr
        assert len(orchestrated.world.calls()) == before
