"""What lies in a folder and is no file, and files that no repository keeps: both verifiers refuse them alike."""

import os
import socket
import subprocess
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.attacks.bundles import PLAN, build, put
from tests.attacks.case import NOW, TRUST
from tests.attacks.honest import CHAIN, HEALTH
from tests.attacks.verifiers import Answer, first, second

MIB = 2**20
FILES = build(CHAIN)
OPEN = build(replace(CHAIN, closed=False))


def answers(files: dict[str, bytes], tmp_path: Path, act: Callable[[Path], object]) -> tuple[Answer, Answer]:
    """Return what both verifiers say after something was done to a bundle."""
    bundle = put(files, tmp_path / "bundle")
    (tmp_path / "trust.json").write_bytes(TRUST["usual"])
    act(bundle)
    return first(bundle, tmp_path / "trust.json", NOW), second(bundle, tmp_path / "trust.json", NOW)


def _bound(path: Path) -> None:
    os.chdir(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")


def _device(path: Path) -> None:
    try:
        os.mknod(path / "logs", 0o600 | 0o020000, os.makedev(1, 3))
    except PermissionError:
        os.mkfifo(path / "logs")


def _touch(name: str | bytes) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        os.close(os.open(os.fsencode(path) + b"/" + os.fsencode(name), os.O_CREAT | os.O_WRONLY))

    return act


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda path: os.mkfifo(path / "evidence" / "pipe"), "special-file"),
        (_bound, "special-file"),
        (_device, "special-file"),
        (lambda path: (path / "evidence" / "link").symlink_to("/dev/zero"), "link"),
        (lambda path: (path / "loop").symlink_to("."), "link"),
        (_touch("new\nline"), "name"),
        (_touch("bell\x07"), "name"),
        (_touch("next line\x85"), "name"),
        (_touch("delete\x7f"), "name"),
        (_touch("back\\slash"), "name"),
        (_touch(b"latin \xe9"), "name"),
        (_touch("x" * 201), "name"),
        (_touch("\u00e9" * 101), "name"),
        (_touch(unicodedata.normalize("NFD", "Überfall")), "name"),
        (lambda path: (path / "escape\x1b[2J").mkdir(), "name"),
        (_touch("PLAN.json"), "name-collision"),
        (lambda path: put({"Receipts/a": b""}, path), "name-collision"),
        (lambda path: put({"STRASSE": b"", "straße": b""}, path), "name-collision"),
        (lambda path: put({"\u017feen": b"", "seen": b""}, path), "name-collision"),
    ],
)
@pytest.mark.parametrize("files", [FILES, OPEN], ids=["closed", "open"])
def test_an_entry_that_is_no_plain_file_is_refused(files, act, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said, also = answers(files, tmp_path, act)

    assert (said.exit, also.exit) == (1, 1)
    assert code in said.codes
    assert code in also.codes


def test_an_empty_folder_says_nothing(tmp_path):
    said, also = answers(FILES, tmp_path, lambda path: (path / "logs" / "old").mkdir(parents=True))

    assert (said.exit, also.exit) == (0, 0)


def test_folders_within_folders_without_end_are_refused_without_a_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def dig(path: Path) -> None:
        os.chdir(path)
        for _ in range(1500):
            Path("d").mkdir()
            os.chdir("d")
        (Path() / "f").touch()

    try:
        said, also = answers(FILES, tmp_path, dig)
    finally:
        os.chdir(tmp_path)
        subprocess.run(["rm", "-rf", "bundle"], check=True)

    assert said.exit == also.exit
    assert said.exit in {1, 2}


def _grown(name: str, size: int) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        with (path / name).open("r+b") as file:
            file.truncate(size)

    return act


@pytest.mark.parametrize(
    ("act", "status", "code"),
    [
        (_grown("proof.html", 256 * MIB + 1), 2, "too-large"),
        (_grown("proof.html", 256 * MIB), 1, "file-changed"),
        (_grown(PLAN, 16 * MIB + 1), 2, "too-large"),
        (_grown(PLAN, 16 * MIB), 1, "json"),
        (_grown("closing.dsse.json", 16 * MIB + 1), 2, "too-large"),
        (_grown("receipts/02-capture_alarms.json", 16 * MIB + 1), 2, "too-large"),
        (lambda path: (path / PLAN).write_bytes(b"[" * 8 * MIB), 1, "json"),
        (lambda path: (path / PLAN).write_bytes(b"9" * 8 * MIB), 1, "json"),
        (lambda path: (path / PLAN).write_bytes(b'{"a":' * MIB), 1, "json"),
    ],
    ids=["file", "file still read", "plan", "plan still read", "closing", "receipt", "lists", "digits", "objects"],
)
def test_what_is_too_large_is_unreadable(act, status, code, tmp_path):
    said, also = answers(FILES, tmp_path, act)

    assert (said.exit, also.exit) == (status, status)
    assert code in said.codes
    assert code in also.codes


@pytest.mark.exhaustive
def test_too_many_files_are_unreadable(tmp_path):
    def litter(path: Path) -> None:
        for number in range(200_001):
            if number % 1000 == 0:
                (path / f"logs/{number}").mkdir(parents=True)
            os.close(os.open(path / f"logs/{number // 1000 * 1000}/{number}", os.O_CREAT | os.O_WRONLY))

    said, also = answers(FILES, tmp_path, litter)

    assert (said.exit, also.exit) == (2, 2)
    assert said.codes == also.codes == {"too-large"}


@pytest.mark.parametrize(
    "act",
    [
        lambda path: [file.unlink() for file in path.rglob("*") if file.is_file()],
        lambda path: path.rename(path.parent / "away"),
        lambda path: (path.rename(path.parent / "away"), path.write_bytes(b"")),
    ],
    ids=["empty", "gone", "file"],
)
def test_what_is_no_bundle_is_unreadable(act, tmp_path):
    said, also = answers(FILES, tmp_path, act)

    assert (said.exit, also.exit) == (2, 2)
    assert said.codes == also.codes == {"unreadable"}


def test_a_bundle_behind_a_link_of_the_readers_own_is_read(tmp_path):
    put(FILES, tmp_path / "elsewhere")
    (tmp_path / "bundle").symlink_to("elsewhere")
    (tmp_path / "trust.json").write_bytes(TRUST["usual"])

    for verifier in (first, second):
        assert verifier(tmp_path / "bundle", tmp_path / "trust.json", NOW).exit == 0


@pytest.mark.parametrize(("within", "status"), [(63, 0), (64, 0), (65, 1)])
@pytest.mark.parametrize("inmost", [0, [], {}], ids=["number", "list", "object"])
def test_a_value_lies_within_sixty_four_others_at_most(inmost, within, status, tmp_path):
    def deep(content):
        value = inmost
        for _ in range(within - 2):
            value = [value]
        return {**content, "input": {"deep": value}}

    drill = replace(HEALTH, edits={"receipts/01-check_health.json": deep})
    said, also = answers(build(drill), tmp_path, lambda _: None)

    assert said.exit == also.exit == status
    assert ("json" in said.codes, "json" in also.codes) == (bool(status), bool(status))
