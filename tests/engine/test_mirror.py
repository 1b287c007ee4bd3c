"""The mirror: what is on the disk lies in the store once, as it was read back, or the record says why it does not."""

import json
from dataclasses import replace

import pytest

from drproof.engine.clock import SystemClock
from drproof.engine.effects import JournalledEffects, effects_of
from drproof.engine.mirror import Mirror
from drproof.engine.receipt_folder import ReceiptFolder
from drproof.evidence.canonical import digest
from drproof.evidence.journal import Journal
from drproof.evidence.redaction import Redactor
from drproof.evidence.stored import stored_receipts, unstored
from drproof.model.capabilities import Retention, StoredObject
from drproof.model.criteria import PlanDocument, Storing, Window
from drproof.model.errors import AlreadyExistsError, NotFoundError, TargetError, ThrottledError, UnansweredError
from drproof.model.receipt import Tool
from drproof.model.settings import Limits
from tests.contracts.observed import CRITERIA, sha256

STORING = Storing(uri="s3://keeps/dr/receipts", owner="444455556666", retention_mode="COMPLIANCE", retention_days=7)
FOLDER = "dr/receipts/drill-1"
PLAN = PlanDocument(
    drill_id="drill-1", mode="rehearsal", plan="recovery", created_at="2026-11-01T08:00:00.250Z", nonce=sha256("n"),
    window=Window(full=True, start_at="bringup", stop_after="promote"), phases=("bringup", "notify"), contracts=(),
    criteria=replace(CRITERIA, storing=STORING), max_attempts=3, tool=Tool(version="1"),
)  # fmt: skip
LOST = UnansweredError("ConnectionClosedError: no answer", code="ConnectionClosedError")
DENIED = TargetError("s3:PutObject: AccessDenied: not for you", code="AccessDenied")


class Clock(SystemClock):
    """A clock that a test moves, and in which waiting takes no time."""

    def __init__(self):
        self.ms = 1_000_000
        self.waited = []
        super().__init__()

    def monotonic_ms(self):
        return self.ms

    def sleep_ms(self, milliseconds):
        self.waited.append(milliseconds)
        self.ms += milliseconds


class Bucket:
    """One bucket of a receipt store in memory; `before` and `after` hold the errors of the next calls."""

    def __init__(self, *, locked=True, versioned=True):
        self.locked, self.versioned = locked, versioned
        self.held = {}
        self.puts = []
        self.before, self.after, self.looking = [], [], []
        self.keeps = None

    def locks(self, bucket):
        assert bucket == "keeps"
        return self.locked

    def create(self, intent, bucket, key, body, *, retention=None):
        self.puts.append((key, intent))
        if self.before and (error := self.before.pop(0)):
            raise error
        if key in self.held:
            raise AlreadyExistsError("412", code="PreconditionFailed")
        version = f"v{len(self.held)}" if self.versioned else ""
        kept = self.keeps(retention) if self.keeps is not None else retention
        self.held[key] = StoredObject(body=body, etag=f"e-{key}", version=version, retention=kept)
        if self.after and (error := self.after.pop(0)):
            raise error
        return version

    def look(self, bucket, key, *, version="", locked=False):
        assert locked is self.locked
        if self.looking and (error := self.looking.pop(0)):
            raise error
        if key not in self.held:
            raise NotFoundError("404", code="NoSuchKey")
        return self.held[key]


class Drill:
    """A folder of a drill and its mirror."""

    def __init__(self, folder, bucket, *, masker=None):
        self.directory, self.bucket, self.clock = folder, bucket, Clock()
        self.masker = masker or Redactor()
        (folder / "receipts").mkdir(parents=True, exist_ok=True)
        self.write("plan.json", b'{"plan":1}')
        self.write("opening.dsse.json", b'{"opening":1}')
        self.again()

    def again(self):
        """Return the mirror of another process that goes on."""
        self.journal = Journal(self.directory / "journal.log")
        effects = JournalledEffects(self.journal, drill_id="drill-1", phase="", clock=self.clock)
        folder = ReceiptFolder(STORING, self.bucket, PLAN, self.directory, self.masker)
        self.mirror = Mirror(folder, effects, Limits(backoff_ms=10), self.clock)
        return self.mirror

    def effects(self, phase="bringup"):
        """Return the journal as a phase sees it."""
        return JournalledEffects(self.journal, drill_id="drill-1", phase=phase, announced=self.mirror.announced)

    def write(self, path, data):
        (self.directory / path).write_bytes(data)

    @property
    def said(self):
        return json.loads((self.directory / "receipts-store.json").read_bytes())

    @property
    def files(self):
        return {file["path"]: file for file in self.said["files"]}

    @property
    def reasons(self):
        digests = {
            str(path.relative_to(self.directory)): digest(path.read_bytes())
            for path in [*self.directory.glob("*.json"), *self.directory.glob("receipts/*.json")]
            if path.name not in {"receipts-store.json", "closing.dsse.json"}
        }
        return unstored(PLAN, digests, stored_receipts(self.directory))

    @property
    def names(self):
        return {key.removeprefix(f"{FOLDER}/") for key in self.bucket.held}


@pytest.fixture
def bucket():
    return Bucket()


@pytest.fixture
def drill(tmp_path, bucket):
    made = Drill(tmp_path / "drill-1", bucket)
    yield made
    made.journal.close()


def test_what_is_on_the_disk_is_stored_once_as_each_phase_ends(drill, bucket):
    drill.mirror.sync()
    assert drill.names == {"bundle/plan.json", "bundle/opening.dsse.json"}
    drill.write("receipts/01-bringup.json", b'{"phase":"bringup"}')
    drill.mirror.sync()
    drill.mirror.sync()
    drill.mirror.finish()

    assert drill.names == {"bundle/plan.json", "bundle/opening.dsse.json", "bringup.json"}
    assert len(bucket.puts) == 3
    assert drill.reasons == ()
    assert drill.files["receipts/01-bringup.json"] == {
        "path": "receipts/01-bringup.json",
        "sha256": digest(b'{"phase":"bringup"}'),
        "uri": f"s3://keeps/{FOLDER}/bringup.json",
        "version": "v2",
        "etag": f"e-{FOLDER}/bringup.json",
        "was_there": False,
        "retention_mode": "COMPLIANCE",
        "retained_until": "2026-11-08T08:00:01.000Z",
        "problem": "",
    }


def test_each_object_was_intended_in_the_journal_before_it_was_made(drill, bucket):
    drill.mirror.sync()

    effects = effects_of(drill.journal.records())
    assert [(effect.intent.verb, effect.outcome) for effect in effects] == [("receipt.store", "done")] * 2
    assert [intent for _, intent in bucket.puts] == [effect.intent for effect in effects]
    assert effects[0].result == {"version": "v0", "was_there": False}


def test_a_lost_answer_is_read_back_and_not_asked_for_again(drill, bucket):
    bucket.after = [LOST]
    drill.mirror.sync()
    drill.mirror.finish()

    assert len(bucket.puts) == 2
    assert [file["was_there"] for file in drill.said["files"]] == [True, False]
    assert drill.reasons == ()


def test_a_call_that_never_arrived_is_made_again(drill, bucket):
    bucket.before = [LOST]
    drill.mirror.sync()
    drill.mirror.finish()

    assert len(bucket.puts) == 3
    assert drill.names == {"bundle/plan.json", "bundle/opening.dsse.json"}
    assert drill.reasons == ()


def test_an_object_of_others_is_never_written_over_and_ours_gets_the_next_name(drill, bucket):
    theirs = StoredObject(body=b"theirs", etag="t", version="vt", retention=None)
    bucket.held = {f"{FOLDER}/bringup.json": theirs, f"{FOLDER}/bringup.2.json": theirs}
    drill.write("receipts/01-bringup.json", b"ours")
    drill.mirror.finish()

    assert bucket.held[f"{FOLDER}/bringup.json"] == bucket.held[f"{FOLDER}/bringup.2.json"] == theirs
    assert bucket.held[f"{FOLDER}/bringup.3.json"].body == b"ours"
    assert drill.files["receipts/01-bringup.json"]["uri"] == f"s3://keeps/{FOLDER}/bringup.3.json"
    assert drill.reasons == ()


def test_a_resumed_drill_stores_what_is_missing_and_nothing_twice(drill, bucket):
    drill.write("receipts/01-bringup.json", b"one")
    drill.mirror.sync()
    drill.write("receipts/02-notify.json", b"two")
    drill.journal.close()

    drill.again().finish()

    assert drill.names == {"bundle/plan.json", "bundle/opening.dsse.json", "bringup.json", "notify.json"}
    assert [file["was_there"] for file in drill.said["files"]] == [True, True, True, False]
    assert drill.reasons == ()


def test_a_killed_put_is_found_by_whoever_goes_on(drill, bucket):
    bucket.after = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        drill.mirror.sync()
    drill.journal.close()

    drill.again().finish()

    assert drill.names == {"bundle/plan.json", "bundle/opening.dsse.json"}
    assert drill.files["plan.json"]["was_there"] is True


def test_a_store_that_refuses_is_asked_again_at_the_end_and_the_record_says_what_it_said(drill, bucket):
    bucket.before = [DENIED] * 4
    drill.mirror.sync()
    drill.mirror.sync()
    assert len(bucket.puts) == 2, "what was refused is not asked again at every phase"
    drill.mirror.finish()

    assert len(bucket.puts) == 4
    assert not bucket.held
    assert drill.reasons == tuple(f"{path}: s3:PutObject: AccessDenied: not for you" for path in drill.files)
    assert all(file["version"] is None for file in drill.said["files"])


def test_a_store_that_does_not_answer_costs_one_question_a_minute_and_is_waited_for_at_the_end(drill, bucket):
    bucket.before, bucket.looking = [LOST] * 9, [LOST] * 9
    drill.mirror.sync()
    drill.mirror.sync()
    assert len(bucket.puts) == 1
    drill.clock.ms += 60_000
    drill.mirror.sync()
    assert len(bucket.puts) == 2
    drill.mirror.finish()

    assert len(bucket.puts) == 5
    assert drill.clock.waited == [10, 20]
    assert drill.reasons == (
        "plan.json: ConnectionClosedError: no answer",
        "opening.dsse.json: the store did not answer for a file before it",
    )


def test_a_store_that_answers_again_has_everything_in_the_end(drill, bucket):
    bucket.before = [ThrottledError("SlowDown", code="SlowDown"), ThrottledError("SlowDown", code="SlowDown")]
    drill.mirror.sync()
    drill.mirror.finish()

    assert drill.reasons == ()
    assert drill.names == {"bundle/plan.json", "bundle/opening.dsse.json"}


@pytest.mark.parametrize(
    ("keeps", "said"),
    [
        (lambda asked: None, "read back with no retention"),
        (lambda asked: replace(asked, mode="GOVERNANCE"), "read back with GOVERNANCE until 2026-11-08T08:00:01.000Z"),
        (lambda asked: replace(asked, until="2026-11-08T08:00:00.000Z"), "until 2026-11-08T08:00:00.000Z, and"),
    ],
    ids=["none", "weaker", "shorter"],
)
def test_a_retention_that_is_read_back_as_less_is_said(drill, bucket, keeps, said):
    bucket.keeps = keeps
    drill.mirror.finish()

    assert said in drill.reasons[0]
    assert "COMPLIANCE until 2026-11-08T08:00:01.000Z was asked" in drill.reasons[0]


def test_a_retention_that_is_longer_is_as_good(drill, bucket):
    bucket.keeps = lambda asked: Retention(mode=asked.mode, until="2027-01-01T00:00:00.000Z")
    drill.mirror.finish()

    assert drill.reasons == ()


def test_a_bucket_without_lock_and_versions_is_stored_in_and_the_record_says_so(tmp_path):
    drill = Drill(tmp_path / "drill-1", Bucket(locked=False, versioned=False))
    drill.mirror.finish()
    drill.journal.close()

    assert drill.reasons == ()
    assert (drill.said["object_lock"], drill.said["retain_until"]) == (False, None)
    assert {(file["version"], file["retention_mode"]) for file in drill.said["files"]} == {(None, None)}


def test_what_is_read_back_otherwise_than_it_was_written_is_not_stored(drill, bucket):
    look = bucket.look
    bucket.look = lambda *words, **more: replace(look(*words, **more), body=b"other")
    drill.mirror.finish()

    assert all("read back with other bytes" in reason for reason in drill.reasons)
    assert len(drill.reasons) == 2


def test_a_value_known_to_be_secret_is_not_uploaded(tmp_path, bucket):
    drill = Drill(tmp_path / "drill-1", bucket, masker=Redactor(("hunter2hunter2",)))
    drill.write("receipts/01-bringup.json", b'{"said":"hunter2hunter2"}')
    drill.mirror.finish()
    drill.journal.close()

    assert "bringup.json" not in drill.names
    (reason,) = drill.reasons
    assert reason == "receipts/01-bringup.json: it holds a value that is known to be secret, and is not uploaded"
    assert not any(b"hunter2" in kept.body for kept in bucket.held.values())


def test_the_closing_is_announced_in_the_journal_and_stored_after_it_is_sealed(drill, bucket):
    drill.mirror.announce_closing()
    announced = effects_of(drill.journal.records())[-1]
    drill.write("closing.dsse.json", b'{"closing":1}')
    before = (drill.directory / "journal.log").read_bytes()
    bucket.after = [LOST]

    assert drill.mirror.store_closing() == ""
    assert bucket.puts[-1] == (f"{FOLDER}/bundle/closing.dsse.json", announced.intent)
    assert (drill.directory / "journal.log").read_bytes() == before


def test_a_closing_that_is_not_stored_says_why(drill, bucket):
    drill.mirror.announce_closing()
    drill.write("closing.dsse.json", b'{"closing":1}')
    bucket.before = [DENIED]

    assert drill.mirror.store_closing() == str(DENIED)


def test_an_effect_is_announced_in_the_store_before_it_happens(drill, bucket):
    with drill.effects().intend("provisioner.up", "runner", {"name": "atlas"}) as pending:
        number = pending.intent.number
        (kept,) = [bucket.held[key] for key in bucket.held if key == f"{FOLDER}/journal/{number}.json"]
        record = json.loads(kept.body)
        assert kept.retention.mode == "COMPLIANCE"
    drill.mirror.finish()

    assert record == next(one for one in drill.journal.records() if one["number"] == number)
    assert (record["kind"], record["verb"], record["details"]) == ("intent", "provisioner.up", {"name": "atlas"})
    assert (drill.said["intents"], drill.said["intents_missing"]) == (1, [])
    assert drill.reasons == ()


def test_a_store_that_refuses_an_announcement_does_not_keep_the_effect_from_happening(drill, bucket):
    happened = []
    bucket.before = [DENIED] * 9
    with drill.effects().intend("provisioner.up", "runner"):
        happened.append(True)
    number = drill.journal.records()[0]["number"]
    drill.mirror.finish()

    assert happened
    assert drill.said["intents_missing"] == [number]
    assert f"the journal's records {number}, which announce effects, are not stored" in drill.reasons


def test_a_silent_store_is_told_at_the_end_what_it_did_not_take_before(drill, bucket):
    bucket.before, bucket.looking = [LOST], [LOST]
    for name in ("one", "two", "three"):
        with drill.effects().intend("cluster.apply", name):
            pass
    assert len(bucket.puts) == 1
    drill.mirror.finish()

    assert drill.said["intents"] == 3
    assert drill.reasons == ()


def test_a_resumed_drill_announces_what_its_journal_holds_and_nothing_twice(drill, bucket):
    with drill.effects().intend("cluster.apply", "one"):
        pass
    bucket.before, bucket.looking = [LOST], [LOST]
    with drill.effects().intend("cluster.apply", "two"):
        pass
    drill.journal.close()

    drill.again().finish()

    assert drill.said["intents"] == 2
    assert {name for name in drill.names if name.startswith("journal/")} == {"journal/1.json", "journal/3.json"}
    assert drill.reasons == ()


def test_an_announcement_never_takes_the_name_of_another_drills(drill, bucket):
    theirs = StoredObject(body=b"theirs", etag="t", version="vt", retention=None)
    bucket.held = {f"{FOLDER}/journal/1.json": theirs}
    with drill.effects().intend("cluster.apply", "one"):
        pass

    assert bucket.held[f"{FOLDER}/journal/1.json"] == theirs
    assert json.loads(bucket.held[f"{FOLDER}/journal/1.2.json"].body)["resource"] == "one"
