"""A run out of its store alone: what a trusted key signed is gone on with, and anything that does not fit is refused."""

import base64
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from drproof.engine.clock import SystemClock
from drproof.engine.fetching import fetch
from drproof.engine.patience import Patience
from drproof.engine.private import Private
from drproof.engine.refusal import Refusal
from drproof.engine.resume import resume
from drproof.engine.resume_stored import refuse_a_closed_one
from drproof.engine.stored_run import StoredRun
from drproof.evidence.canonical import canonical, digest
from drproof.evidence.journal import read as read_journal
from drproof.evidence.statements import Closing, signed
from drproof.evidence.trust import Trust, of_signer
from drproof.model.capabilities import StoredObject
from drproof.model.errors import AlreadyExistsError, NotFoundError, TargetError, ThrottledError, UnansweredError
from drproof.model.settings import Limits
from drproof.model.signing import Role
from drproof.targets.signers import make_key
from tests.engine.small import Small, again, begin

FOLDER = "dr/receipts/drill-1"
URI = f"s3://keeps/{FOLDER}"


class Bucket:
    """A bucket in memory that makes objects once; `down` refuses all, as a service that is not there."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.down = False
        self.puts: list[str] = []

    def locks(self, bucket: str) -> bool:
        return False

    def create(self, intent: Any, bucket: str, key: str, body: bytes, *, retention: Any = None) -> str:
        if self.down:
            raise UnansweredError("nobody answered", code="ConnectionClosedError")
        self.puts.append(key)
        if key in self.held:
            raise AlreadyExistsError("412", code="PreconditionFailed")
        self.held[key] = body
        return ""

    def look(self, bucket: str, key: str, *, version: str = "", locked: bool = False) -> StoredObject:
        if key not in self.held:
            raise NotFoundError("404", code="NoSuchKey")
        return StoredObject(body=self.held[key], etag="e", version="", retention=None)

    def holds(self, bucket: str, prefix: str) -> bool:
        return any(key.startswith(prefix) for key in self.held)

    def keys(self, bucket: str, prefix: str, *, most: int) -> tuple[str, ...]:
        return tuple(sorted(key for key in self.held if key.startswith(prefix)))

    def named(self, part: str) -> str:
        """Return the last key that has a part in it."""
        return max(key for key in self.held if part in key)


@dataclass
class Lost:
    """A run whose machine is gone after some phases."""

    small: Small
    bucket: Bucket
    trust: Trust
    signer: Any
    records: list[dict[str, Any]]
    receipts: dict[str, bytes]

    @property
    def stored(self) -> StoredRun:
        return StoredRun.at(URI, self.bucket, self.trust)

    def fetched(self, folder: Path) -> Any:
        target: Any = self.small.run.opened.target
        return fetch(self.stored, folder / "drill-1", target)


@pytest.fixture
def lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lost:
    """A run that restored its state and died; its folders are gone."""
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    signer = make_key(keys / "runner.key")
    bucket = Bucket()
    small = begin(tmp_path / "lost", store=bucket, signer=signer)
    again(small, monkeypatch, bucket)
    assert small.run.mirror is not None
    small.run.mirror.sync()
    small.run.advance("restore_state")
    records = [dict(one) for one in read_journal(small.directory / "journal.log")]
    receipts = {path.name: path.read_bytes() for path in (small.directory / "receipts").iterdir()}
    small.run.leave()
    # The journal of the world is the proof that nothing came or went without a record.
    shutil.copy(small.directory / "journal.log", tmp_path / "world.log")
    shutil.rmtree(small.directory)
    shutil.rmtree(Private.of(small.directory).path)
    return Lost(small, bucket, Trust(keys=(of_signer(signer),)), signer, records, receipts)


def test_a_run_whose_machine_is_lost_is_fetched_byte_for_byte(lost, tmp_path):
    found = lost.fetched(tmp_path / "new")

    directory = found.bundle.directory
    assert {path.name: path.read_bytes() for path in (directory / "receipts").iterdir()} == lost.receipts
    journal = list(read_journal(directory / "journal.log"))
    assert journal == lost.records[: len(journal)]
    made = {record["number"] for record in lost.records if record.get("verb") == "make"}
    assert made <= {record["number"] for record in journal}
    assert Private.of(directory).handover().origin == "drill-1"
    assert found.intents
    assert not found.has_its_key


def test_a_fetched_run_is_undone_and_nothing_is_left(lost, tmp_path, monkeypatch):
    world = lost.small.world
    assert world.things
    directory = lost.fetched(tmp_path / "new").bundle.directory
    world.journal = directory / "journal.log"

    conclusion = resume(directory)

    assert world.things == set()
    assert world.undeclared == []
    assert (conclusion.outcome, conclusion.still_up) == ("incomplete", False)
    assert lost.stored.is_closed


def test_what_was_announced_and_has_no_end_is_under_its_own_number_again(lost, tmp_path):
    effects = lost.small.run.effects("restore")
    number = len(lost.records) + 5
    record = {
        "at": "2026-11-01T00:00:00.000Z", "details": {}, "kind": "intent", "number": number, "phase": "restore",
        "resource": "restore", "token": effects.token("make", "restore"), "verb": "make",
    }  # fmt: skip
    lost.bucket.held[f"{FOLDER}/journal/{number}.json"] = canonical(record)

    directory = lost.fetched(tmp_path / "new").bundle.directory

    journal = list(read_journal(directory / "journal.log"))
    assert journal[-1] == record
    said = len(journal) - 1
    assert {one["kind"] for one in journal[:said] if one not in lost.records} == {"lost"}


def test_a_receipt_without_its_checkpoint_is_nobodys_and_its_phase_is_gone_on_with(lost, tmp_path):
    del lost.bucket.held[lost.bucket.named("bundle/checkpoints/")]

    found = lost.fetched(tmp_path / "new")

    assert len(found.bundle.receipts) == len(lost.receipts) - 1


def _bytes(key: str) -> Any:
    return lambda bucket: bucket.held.update({bucket.named(key): bucket.held[bucket.named(key)] + b" "})


def _gone(key: str) -> Any:
    return lambda bucket: bucket.held.pop(bucket.named(key))


def _unsigned(bucket: Bucket) -> None:
    key = bucket.named("/run/progress-")
    bucket.held[key] = canonical({**json.loads(bucket.held[key]), "signatures": []})


def _part(name: str, change: bytes | None) -> Any:
    def spoil(bucket: Bucket) -> None:
        said = json.loads(base64.b64decode(json.loads(bucket.held[bucket.named("/run/progress-")])["payload"]))
        sha256 = next(row["digest"]["sha256"] for row in said["subject"] if row["name"].startswith(name))
        key = f"{FOLDER}/run/{sha256}"
        if change is None:
            del bucket.held[key]
        else:
            bucket.held[key] += change

    return spoil


def _forged(record: dict[str, Any]) -> Any:
    return lambda bucket: bucket.held.update({f"{FOLDER}/journal/9999.json": canonical(record)})


FORGED = {
    "details": {}, "kind": "intent", "number": 9999, "phase": "restore", "resource": "restore", "token": "0" * 32,
    "verb": "make",
}  # fmt: skip
SPOILT = {
    "statement changed": (_bytes("/run/progress-"), "no one form|envelope"),
    "statement unsigned": (_unsigned, "is not signed"),
    "handover changed": (_part("handover.json", b" "), "other bytes than its name says"),
    "handover gone": (_part("handover.json", None), "is not there"),
    "journal changed": (_part("journal/", b"x"), "other bytes than its name says"),
    "plan changed": (_bytes("bundle/plan.json"), "plan.json is not there with the digest"),
    "opening gone": (_gone("bundle/opening"), "opening.dsse.json is not there with the digest"),
    "receipt changed": (_bytes("/restore_state.json"), "restore_state.json is not there with the digest"),
    "receipt gone": (_gone("/bringup.json"), "bringup.json is not there with the digest"),
    "checkpoint changed": (_bytes("bundle/checkpoints/"), "envelope"),
    "checkpoint of the first gone": (_gone("bundle/checkpoints/01-"), "and \\d+ were written"),
    "two checkpoints gone": (lambda bucket: (_gone("checkpoints/")(bucket), _gone("checkpoints/")(bucket)), "written"),
    "record without its token": (_forged(FORGED), "announces no effect of this drill"),
    "record of another number": (_forged({**FORGED, "number": 1}), "announces no effect of this drill"),
    "record that is none": (_forged({"kind": "intent"}), "announces no effect of this drill"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_does_not_fit_is_refused_and_nothing_is_left_on_the_disk(name, lost, tmp_path):
    spoil, says = SPOILT[name]
    spoil(lost.bucket)

    with pytest.raises(Refusal, match=says):
        lost.fetched(tmp_path / "new")

    assert not (tmp_path / "new" / "drill-1").exists()
    assert not (tmp_path / "new" / "drill-1.private").exists()


def test_a_closing_that_no_trusted_key_signed_closes_nothing(lost):
    lost.bucket.held[f"{FOLDER}/bundle/closing.dsse.json"] = b"{}"

    with pytest.raises(Refusal, match="cannot be gone on with: bundle/closing.dsse.json: "):
        refuse_a_closed_one(lost.stored)


def test_the_closing_of_another_drill_closes_nothing_and_is_no_verdict_on_this_one(lost):
    plan = lost.small.run.record.plan
    said = Closing(
        drill_id=plan.drill_id, mode=plan.mode, plan=plan.plan, opening="0" * 64, outcome="proven", window=plan.window,
        receipts=0, chain_head="0" * 64, file_count=0, closed_at="2026-11-01T00:00:00.000Z", withheld=(),
    )  # fmt: skip
    lost.bucket.held[f"{FOLDER}/bundle/closing.dsse.json"] = signed({"plan.json": "0" * 64}, said, [lost.signer])
    assert lost.stored.closing()[2] == "proven"
    with pytest.raises(Refusal, match="is closed: there is nothing to resume"):
        refuse_a_closed_one(lost.stored)
    copied = {key.replace("/drill-1/", "/drill-2/"): body for key, body in lost.bucket.held.items()}
    lost.bucket.held = {key: body for key, body in copied.items() if "closing" in key}

    other = StoredRun.at(URI.replace("drill-1", "drill-2"), lost.bucket, lost.trust)

    for ask in (other.closing, lambda: refuse_a_closed_one(other)):
        with pytest.raises(Refusal, match=r"closing\.dsse\.json closes the drill drill-1"):
            ask()


class Tired(Bucket):
    """A bucket that asks to be asked less, the first time for each thing."""

    def __init__(self, held: dict[str, bytes]) -> None:
        super().__init__()
        self.held = held
        self.asked: set[str] = set()

    def _first(self, name: str) -> None:
        if name not in self.asked:
            self.asked.add(name)
            raise ThrottledError("SlowDown", code="SlowDown")

    def locks(self, bucket: str) -> bool:
        self._first("the lock")
        return super().locks(bucket)

    def look(self, bucket: str, key: str, *, version: str = "", locked: bool = False) -> StoredObject:
        self._first(key)
        return super().look(bucket, key, version=version, locked=locked)

    def keys(self, bucket: str, prefix: str, *, most: int) -> tuple[str, ...]:
        self._first("the listing")
        return super().keys(bucket, prefix, most=most)


def test_a_store_that_asks_to_be_asked_less_is_asked_again_thing_by_thing(lost, tmp_path):
    bucket = Tired(lost.bucket.held)
    patience = Patience(Limits(backoff_ms=1, max_attempts=2), SystemClock())
    target: Any = lost.small.run.opened.target

    found = fetch(StoredRun.at(URI, bucket, lost.trust, patience), tmp_path / "new" / "drill-1", target)

    assert {path.name for path in (found.bundle.directory / "receipts").iterdir()} == set(lost.receipts)
    with pytest.raises(ThrottledError):
        StoredRun.at(URI, Tired(lost.bucket.held), lost.trust)


def test_what_somebody_laid_beside_a_run_is_not_read_and_a_folder_is_no_object(lost, tmp_path):
    """A console makes folders of empty objects; a file of others may be too large, or not to be read."""
    for name in ("", "bundle/checkpoints/", "run/", "journal/", "notes.txt", "copy/of/something.json"):
        lost.bucket.held[f"{FOLDER}/{name}"] = b""
    look = lost.bucket.look

    def reads(bucket: str, key: str, **more: Any) -> StoredObject:
        if key.endswith(("/", "notes.txt", "something.json")):
            raise TargetError("expected at most 256 MiB, got more", code="EntityTooLarge")
        return look(bucket, key, **more)

    lost.bucket.look = reads

    assert lost.fetched(tmp_path / "new").bundle.receipts


def test_the_signature_of_a_stranger_counts_for_nothing(lost, tmp_path):
    keys = tmp_path / "strangers"
    keys.mkdir(mode=0o700)
    stranger = make_key(keys / "runner.key")

    for trust in (Trust(keys=(of_signer(stranger),)), Trust(), Trust(keys=(of_signer(lost.signer, Role.APPROVER),))):
        with pytest.raises(Refusal, match="no trusted key of a runner"):
            replace(lost, trust=trust).fetched(tmp_path / "new")


def test_a_folder_that_is_there_is_left_as_it_is(lost, tmp_path):
    (tmp_path / "new" / "drill-1").mkdir(parents=True)

    with pytest.raises(Refusal, match="exists already"):
        lost.fetched(tmp_path / "new")

    assert (tmp_path / "new" / "drill-1").is_dir()


def test_each_object_is_put_once_however_often_a_run_says_how_far_it_is(lost):
    assert len(lost.bucket.puts) == len(set(lost.bucket.puts))


def test_nothing_of_a_handover_that_is_secret_or_of_one_machine_is_stored(lost):
    whole = b"".join(lost.bucket.held.values())

    assert b"00" * 32 not in whole
    assert str(lost.small.directory.parent).encode() not in whole


def test_an_effect_is_not_done_whose_announcement_nothing_but_the_store_would_remember(tmp_path, monkeypatch):
    bucket = Bucket()
    small = begin(tmp_path / "alone", store=bucket)
    assert small.run.mirror is not None
    small.run.mirror.alone = True
    small.run.advance("check_health")
    bucket.down = True

    receipt = small.run.advance("bringup")

    assert receipt.outcome == "failed"
    assert small.world.things == set()
    assert digest(b"") not in bucket.held
