"""`drproof control-plane publish`: the same content once, at its own name, and never turned back unseen."""

import hashlib
import io
import json
import tarfile

import pytest

from drproof.cli.control_plane import publishing
from drproof.formats.control_plane_bundle import Content, packed
from drproof.model.errors import GuardError
from drproof.targets.aws.s3 import AwsObjectStore

from .conftest import ACCOUNT, BUCKET, CREATED, EPOCH, FILES, IMAGE, INTENT

SUMMARY = {"BUNDLE_URI", "BUNDLE_SHA256", "CURRENT_URI", "MANIFEST_PATH", "BUNDLE_FILE", "DRY_RUN", "RECEIPT_DIR"}


def test_a_bundle_is_published_and_its_receipts_are_the_references(hand):
    done = hand.publish("--receipt-dir", "receipts")

    assert done.status == 0, done.error
    assert "rehearsal: an embedded world, not AWS" in done.out
    assert "published: the pointer names it now" in done.out
    receipts = hand.folder / "receipts"
    sha256 = done.values["BUNDLE_SHA256"]
    bundle = f"control-plane-bundle-{CREATED}-{sha256[:12]}.tar.gz"
    assert {path.name for path in receipts.iterdir()} == {
        "manifest.json", "current.json", "bundle.sha256", bundle, "publish.summary.env",
    }  # fmt: skip
    assert (receipts / "bundle.sha256").read_text() == f"{sha256}\n"
    data = (receipts / bundle).read_bytes()
    assert hashlib.sha256(data).hexdigest() == sha256
    assert hand.store.read(BUCKET, hand.key(f"bundles/{CREATED}-{sha256[:12]}.tar.gz"))[1] == data
    assert hand.store.read(BUCKET, hand.key("current.json"))[1] == (receipts / "current.json").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        inside = tar.extractfile("control-plane/manifest.json")
        assert inside is not None
        assert inside.read() == (receipts / "manifest.json").read_bytes()
    assert hand.pointer == {
        "schema_version": 1,
        "current_uri": f"s3://{BUCKET}/{hand.key('current.json')}",
        "bundle_uri": f"s3://{BUCKET}/{hand.key('bundles')}/{CREATED}-{sha256[:12]}.tar.gz",
        "bundle_sha256": sha256,
        "created_at": CREATED,
        "git_sha": "",
        "image_ref_digest": IMAGE,
    }
    assert set(done.values) == SUMMARY | {"BUNDLE_MADE", "POINTER_MOVED", "REHEARSAL"}
    assert (receipts / "publish.summary.env").read_text() in done.out
    assert (done.values["DRY_RUN"], done.values["RECEIPT_DIR"]) == ("0", "receipts")
    assert done.values["MANIFEST_PATH"] == "receipts/manifest.json"
    assert done.values["BUNDLE_FILE"] == f"receipts/{bundle}"
    assert (done.values["BUNDLE_MADE"], done.values["POINTER_MOVED"]) == ("1", "1")


def test_the_same_content_is_recognised_and_nothing_is_written(hand):
    first = hand.publish()
    before = hand.pointer
    since = len(hand.world.calls())

    again = hand.publish(source=hand.source(name="a copy elsewhere"))

    assert "unchanged: this content is published already" in again.out
    assert again.values["BUNDLE_SHA256"] == first.values["BUNDLE_SHA256"]
    assert (again.values["BUNDLE_MADE"], again.values["POINTER_MOVED"]) == ("0", "0")
    assert {call["action"] for call in hand.calls(since)} == {"GetObject", "HeadObject"}
    assert hand.pointer == before


def test_every_call_names_the_owner_and_the_account_was_asked_first(hand):
    since = len(hand.world.calls())

    assert hand.publish().status == 0

    calls = hand.world.calls()[since:]
    assert calls[0]["action"] == "GetCallerIdentity"
    mine = hand.calls(since)
    assert [call["action"] for call in mine] == [
        "GetObject", "HeadObject", "PutObject", "GetObject", "PutObject", "GetObject",
    ]  # fmt: skip
    assert {call["expected_owner"] for call in mine} == {ACCOUNT}


def test_another_account_is_refused_before_the_bucket_is_asked(hand):
    since = len(hand.world.calls())

    refused = hand.publish(EXPECTED_ACCOUNT_ID="999999999999")

    assert refused.status == 2
    assert "the credentials are of account" in refused.error
    assert "expected 999999999999" in refused.error
    assert "next:" in refused.error
    assert hand.calls(since) == []


def test_a_bucket_of_another_owner_is_refused_by_the_store(hand):
    refused = hand.publish("--bucket-owner", "999999999999")

    assert refused.status == 2
    assert "AccessDenied" in refused.error
    assert hand.objects() == []


def test_a_dry_run_asks_nobody_and_makes_the_same_bundle(hand):
    since = len(hand.world.calls())
    source = hand.source()

    dry = hand(
        "publish", "--bucket", BUCKET, "--prefix", hand.prefix, "--source-dir", source, "--dry-run",
        "--receipt-dir", "receipts", EXPECTED_ACCOUNT_ID="",
    )  # fmt: skip

    assert dry.status == 0, dry.error
    assert "dry run: nothing was asked" in dry.out
    assert hand.world.calls()[since:] == []
    assert hand.objects() == []
    assert (set(dry.values), dry.values["DRY_RUN"]) == (SUMMARY, "1")
    assert json.loads((hand.folder / "receipts/current.json").read_bytes())["created_at"] == CREATED
    assert hand.publish().values["BUNDLE_SHA256"] == dry.values["BUNDLE_SHA256"]


def test_what_is_older_does_not_replace_what_is_newer_without_a_reason(hand):
    newer = hand.publish()
    older = {"SOURCE_DATE_EPOCH": str(EPOCH - 1)}

    for words in ((), ("--allow-rollback", " ")):
        refused = hand.publish(*words, **older)
        assert refused.status == 2
        assert "this would turn the control plane back" in refused.error
        assert f"is of {CREATED}, which is newer than 20260131T105959Z" in refused.error
    assert hand.pointer["bundle_sha256"] == newer.values["BUNDLE_SHA256"]
    assert len(hand.objects()) == 2

    back = hand.publish("--allow-rollback", "INC-7: the new scoring is wrong", **older)

    assert back.status == 0, back.error
    assert back.values["ROLLBACK_REASON"] == "INC-7: the new scoring is wrong"
    assert hand.pointer["created_at"] == "20260131T105959Z"


def test_another_content_of_the_same_second_replaces_the_pointer_and_leaves_the_bundle(hand):
    first = hand.publish()
    second = hand.publish(source=hand.source({**FILES, "alerts/more.json": b"{}"}, name="more"))

    assert second.status == 0, second.error
    assert hand.pointer["bundle_sha256"] == second.values["BUNDLE_SHA256"] != first.values["BUNDLE_SHA256"]
    assert len(hand.objects()) == 3


def test_other_bytes_under_the_bundles_name_are_found_and_left(hand):
    digest = hand.publish("--dry-run").values["BUNDLE_SHA256"]
    hand.put(f"bundles/{CREATED}-{digest[:12]}.tar.gz", b"planted")

    refused = hand.publish()

    assert refused.status == 2
    assert "holds other bytes than were published" in refused.error
    assert hand.objects() == [f"bundles/{CREATED}-{digest[:12]}.tar.gz"]


def test_a_bundle_that_was_lost_under_its_pointer_is_put_back(hand):
    published = hand.publish().values
    key = published["BUNDLE_URI"].removeprefix(f"s3://{BUCKET}/")
    hand.store.delete(INTENT, BUCKET, [key])

    again = hand.publish()

    assert "mended" in again.out
    assert (again.values["BUNDLE_MADE"], again.values["POINTER_MOVED"]) == ("1", "0")


@pytest.mark.parametrize(
    ("pointer", "said"),
    [
        (b"not JSON", "cannot be read, so nobody knows what would be replaced"),
        (b'{"bundle_uri": "s3://b/k", "bundle_sha256": "x", "created_at": "y"}', "cannot be read"),
        (
            json.dumps({"bundle_uri": "s3://b/k", "bundle_sha256": "ab" * 32, "created_at": "yesterday"}).encode(),
            "is of 'yesterday', which is no instant that can be compared",
        ),
        (
            json.dumps(
                {
                    "schema_version": 2,
                    "bundle_uri": "s3://b/k",
                    "bundle_sha256": "ab" * 32,
                    "created_at": "20200131T110000Z",
                }
            ).encode(),
            "is written in version 2, and this would be in version 1",
        ),
    ],
)
def test_a_pointer_that_says_nothing_is_not_replaced(hand, pointer, said):
    hand.put("current.json", pointer)

    refused = hand.publish()

    assert refused.status == 2
    assert said in refused.error
    assert hand.objects() == ["current.json"]


class Rival(AwsObjectStore):
    """The bucket, in which somebody else acts once a key was looked at for the first time."""

    seen = ""
    act = staticmethod(lambda: None)

    def read(self, bucket, key, **how):
        return self._then(key, super().read, bucket, key, **how)

    def head(self, bucket, key):
        return self._then(key, super().head, bucket, key)

    def _then(self, key, ask, *arguments, **how):
        try:
            return ask(*arguments, **how)
        finally:
            if key.endswith(self.seen):
                act, self.act = self.act, lambda: None
                act()


class Faulty(AwsObjectStore):
    """The bucket, behind something that changes what is written."""

    def put(self, intent, bucket, key, body, **how):
        return super().put(intent, bucket, key, body + b" ", **how)


def release_of(hand):
    content = Content(
        files={**FILES, "alerts/mine.json": b"{}"},
        sections=("candidates", "alerts", "providers", "scoring"),
        created_at="20260131T110002Z",
        git_sha="",
        image_ref=IMAGE,
    )
    manifest, bundle = packed(content)
    prefix = f"{hand.prefix}/control-plane"
    return publishing.Release(content=content, manifest=manifest, bundle=bundle, bucket=BUCKET, prefix=prefix)


@pytest.mark.parametrize("first", [True, False])
def test_whoever_publishes_at_the_same_time_is_not_overwritten(hand, first):
    if not first:
        assert hand.publish().status == 0
    rival = Rival(hand.store._client, owner=ACCOUNT)
    theirs = {}
    rival.seen = "current.json"
    rival.act = lambda: theirs.update(hand.publish(SOURCE_DATE_EPOCH=str(EPOCH + 1)).values)

    with pytest.raises(GuardError, match="somebody else publishes as well"):
        publishing.publish(rival, release_of(hand), repository=hand.folder)

    assert hand.pointer["bundle_sha256"] == theirs["BUNDLE_SHA256"]


def test_the_same_bundle_of_somebody_else_is_taken_and_another_is_not_written_over(hand):
    release = release_of(hand)
    name = release.key.rpartition("control-plane/")[2]
    rival = Rival(hand.store._client, owner=ACCOUNT)
    rival.seen = name
    rival.act = lambda: hand.put(name, b"planted")
    with pytest.raises(GuardError, match="holds other bytes"):
        publishing.publish(rival, release, repository=hand.folder)
    assert hand.objects() == [name]
    assert hand.store.read(BUCKET, hand.key(name))[1] == b"planted"
    hand.store.delete(INTENT, BUCKET, [hand.key(name)])

    rival.act = lambda: hand.put(name, release.bundle)
    done = publishing.publish(rival, release, repository=hand.folder)

    assert (done.bundle_made, done.pointer_moved) == (False, True)


def test_a_bundle_that_was_not_stored_as_it_was_sent_is_never_pointed_to(hand):
    release = release_of(hand)

    with pytest.raises(GuardError, match="holds other bytes than were published"):
        publishing.publish(Faulty(hand.store._client, owner=ACCOUNT), release, repository=hand.folder)

    assert "current.json" not in hand.objects()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--image-ref-digest", "atlas:latest"), "not pinned by digest"),
        (("--image-ref-digest", "x@sha256:"), "not pinned by digest"),
        (("--image-ref-digest", "x@sha256:" + "AB" * 32), "not pinned by digest"),
        (("--bucket", "UPPER"), "expected a bucket name"),
        (("--prefix", "a/../b"), "expected a key prefix"),
        (("--source-dir", "absent"), "--source-dir absent is no folder"),
        (("--expected-account-id", "12345"), "--expected-account-id is not an account"),
        (("--bucket-owner", "me"), "--bucket-owner is not an account"),
        (("--embedded", "http://192.0.2.1:1"), "expected http://127.0.0.1:<port>"),
    ],
)
def test_what_is_wrong_is_refused_by_name(hand, words, said):
    refused = hand.publish(*words)

    assert refused.status == 2
    assert said in refused.error
    assert "Traceback" not in refused.error
    assert hand.objects() == []


def test_without_an_account_and_without_a_region_nothing_of_aws_is_asked(hand):
    source = ("--bucket", BUCKET, "--prefix", "p", "--source-dir", hand.source())
    assert "--expected-account-id is not an account" in hand("publish", *source, EXPECTED_ACCOUNT_ID="").error
    assert (
        "nothing says in which region the bucket lies; expected --region, AWS_REGION" in hand("publish", *source).error
    )
    assert "NoSuchProfile" in hand("publish", *source, "--region", "us-east-1", "--profile", "NoSuchProfile").error


def test_an_image_must_be_named(hand):
    refused = hand.publish(IMAGE_REF_DIGEST="")

    assert refused.status == 2
    assert "--image-ref-digest" in refused.error


@pytest.mark.parametrize("epoch", ["", "-1", "yesterday", "1.5", "253402300800"])
def test_a_source_date_that_is_no_instant_is_refused(hand, epoch):
    refused = hand.publish("--dry-run", SOURCE_DATE_EPOCH=epoch)

    assert refused.status == 2
    assert "SOURCE_DATE_EPOCH is" in refused.error


def test_receipts_are_never_written_over(hand):
    assert hand.publish("--receipt-dir", "receipts").status == 0
    before = {path.name: path.read_bytes() for path in (hand.folder / "receipts").iterdir()}

    refused = hand.publish("--receipt-dir", "receipts")

    assert "--receipt-dir receipts holds bundle.sha256 already" in refused.error
    assert {path.name: path.read_bytes() for path in (hand.folder / "receipts").iterdir()} == before


def test_the_command_that_a_refusal_names_can_be_run_with_the_same_receipt_folder(hand):
    hand.publish()
    older = {"SOURCE_DATE_EPOCH": str(EPOCH - 1)}

    refused = hand.publish("--receipt-dir", "receipts", **older)
    assert "--allow-rollback" in refused.error
    assert list((hand.folder / "receipts").iterdir()) == []

    again = hand.publish("--receipt-dir", "receipts", "--allow-rollback", "INC-7", **older)
    assert again.status == 0, again.error
    assert "ROLLBACK_REASON=INC-7" in (hand.folder / "receipts/publish.summary.env").read_text()


def test_a_receipt_folder_that_cannot_be_written_to_stops_it_before_anything_is_published(hand):
    (hand.folder / "file").write_text("")

    refused = hand.publish("--receipt-dir", "file/receipts")

    assert refused.status == 2
    assert hand.objects() == []
