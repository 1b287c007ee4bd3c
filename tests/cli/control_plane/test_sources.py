"""What is published: which files, of which commit, made when."""

import json

import pytest

from .conftest import BUCKET, CREATED, EPOCH, FILES

WORKLOAD = {
    "state/candidates/registry.json": json.dumps(
        {
            "schema_version": 1,
            "candidates": [
                {"candidate_id": "ada", "profile_path": "state/candidates/ada.json"},
                {"candidate_id": "local", "profile_path": "state/candidates/local.json"},
            ],
        }
    ).encode(),
    "state/candidates/ada.json": b'{"who": "ada"}',
    "data/candidate_profile.json": b'{"who": "local"}',
    "config/providers.json": b'{"schema_version": 3}',
    "config/scoring.v1.json": b'{"version": "v1"}',
    "config/alerts.json": b'{"schema_version": 1}',
}


def workload(hand, **registry):
    files = dict(WORKLOAD)
    if registry:
        files["state/candidates/registry.json"] = json.dumps(registry).encode()
    hand.source(files, name=".")


def dry(hand, *words, **environment):
    return hand("publish", "--bucket", BUCKET, "--prefix", hand.prefix, "--dry-run", *words, **environment)


def manifest_of(hand, *words, **environment):
    done = dry(hand, "--receipt-dir", "receipts", *words, **environment)
    assert done.status == 0, done.error
    return json.loads((hand.folder / "receipts/manifest.json").read_bytes())


def test_without_a_folder_the_workloads_own_files_are_taken_from_where_they_lie(hand):
    workload(hand)

    manifest = manifest_of(hand)

    assert [row["path"] for row in manifest["files"]] == [
        "alerts/alerts.json",
        "candidates/ada/candidate_profile.json",
        "candidates/local/candidate_profile.json",
        "candidates/registry.json",
        "providers/providers.json",
        "scoring/scoring.v1.json",
    ]
    assert manifest["schema_versions"] == {"candidate_registry": 1, "alerts": 1, "providers": 3, "scoring": "v1"}


@pytest.mark.parametrize(
    ("registry", "said"),
    [
        ({"candidates": []}, "candidates is no list with an entry in it"),
        ({"candidates": {}}, "candidates is no list with an entry in it"),
        ({"candidates": ["ada"]}, "candidate_id is None"),
        ({"candidates": [{"candidate_id": "../ada", "profile_path": "x"}]}, "no name of a folder"),
        ({"candidates": [{"candidate_id": "ada"}]}, "profile_path of ada is None"),
        ({"candidates": [{"candidate_id": "ada", "profile_path": "/etc/hostname"}]}, "profile_path of ada is"),
        ({"candidates": [{"candidate_id": "ada", "profile_path": "../x.json"}]}, "is no regular file of"),
        ({"candidates": [{"candidate_id": "bob", "profile_path": "gone.json"}]}, "is no regular file of"),
        (
            {"candidates": [{"candidate_id": "ada", "profile_path": "state/candidates/ada.json"}] * 2},
            "missing, twice",
        ),
    ],
)
def test_a_registry_that_leads_astray_is_refused(hand, registry, said):
    workload(hand, **registry)

    refused = dry(hand)

    assert refused.status == 2
    assert said in refused.error
    assert "next:" in refused.error


def test_a_workloads_file_that_is_missing_is_named(hand):
    workload(hand)
    (hand.folder / "config/alerts.json").unlink()

    assert "config/alerts.json is no regular file" in dry(hand).error


@pytest.mark.parametrize("link", ["alerts/link.json", "alerts/folder"])
def test_a_link_out_of_the_folder_is_not_followed(hand, link):
    source = hand.source()
    (hand.folder / "secret").mkdir()
    (hand.folder / "secret/key.json").write_text("{}")
    target = "secret/key.json" if link.endswith(".json") else "secret"
    (hand.folder / "source" / link).symlink_to(hand.folder / target)

    refused = dry(hand, "--source-dir", source)

    assert refused.status == 2
    assert "is no regular file of" in refused.error


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        ("manifest.json", b"{}", "manifest.json of the root is made by publishing"),
        ("elsewhere/a.json", b"{}", "elsewhere/a.json lies in no section"),
        ("alerts/a b.json", b"{}", "makes no key of a ConfigMap"),
        ("candidates/local__candidate_profile.json", b"{}", "are both local__candidate_profile.json"),
        ("alerts/big.json", b"x" * (1 << 20), "a ConfigMap holds 1048576"),
        ("scoring/scoring.v1.json", b"{", "scoring/scoring.v1.json: not JSON"),
        ("alerts/ALERTS.json", b"{}", "path comes twice: alerts/alerts.json"),
    ],
)
def test_what_no_cluster_could_be_given_is_refused_before_anything_is_asked(hand, path, data, said):
    since = len(hand.world.calls())

    refused = hand.publish(source=hand.source({**FILES, path: data}))

    assert refused.status == 2
    assert said in refused.error
    assert hand.world.calls()[since:] == []


def test_a_section_that_is_empty_is_refused(hand):
    files = {path: data for path, data in FILES.items() if not path.startswith("scoring/")}
    assert "section scoring has no files" in dry(hand, "--source-dir", hand.source(files)).error


def test_the_sections_are_those_of_the_settings(hand):
    (hand.folder / "drproof.toml").write_text('[control_plane]\nsections = ["alerts"]\n')
    source = hand.source({"alerts/alerts.json": b"{}"})

    assert manifest_of(hand, "--source-dir", source)["supported_sections"] == ["alerts"]


def _repository(hand):
    source = hand.source()
    hand.git("init", "-q")
    hand.git("add", "-A")
    hand.git("commit", "-qm", "one", at=EPOCH)
    return source, hand.git("rev-parse", "HEAD")


def committed(hand, source, **environment):
    """Publish dry without anybody saying when; return the pointer."""
    hand.monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    folder = f"receipts-{len(list(hand.folder.glob('receipts-*')))}"
    done = dry(hand, "--source-dir", source, "--receipt-dir", folder, SOURCE_DATE_EPOCH=None, **environment)
    assert done.status == 0, done.error
    return json.loads((hand.folder / folder / "current.json").read_bytes())


def test_a_bundle_is_dated_by_the_commit_that_last_changed_its_files(hand):
    source, sha = _repository(hand)
    first = committed(hand, source)
    (hand.folder / "README").write_text("elsewhere")
    hand.git("add", "README")
    hand.git("commit", "-qm", "two", at=EPOCH + 100)

    second = committed(hand, source)

    assert (first["created_at"], first["git_sha"]) == (CREATED, sha)
    assert second == first


def test_a_copy_of_the_repository_makes_the_same_bundle(hand):
    source, _ = _repository(hand)
    hand.git("clone", "-q", ".", "clone")

    assert committed(hand, str(hand.folder / "clone/source")) == committed(hand, source)


@pytest.mark.parametrize("how", ["changed", "untracked", "ignored", "no repository", "shallow"])
def test_content_that_no_commit_has_must_be_dated_by_somebody(hand, how):
    source = hand.source()
    if how != "no repository":
        source, _ = _repository(hand)
    alerts = hand.folder / "source/alerts"
    if how == "changed":
        (alerts / "alerts.json").write_text("{}")
    elif how == "untracked":
        (alerts / "more.json").write_text("{}")
    elif how == "ignored":
        (alerts / "more.json").write_text("{}")
        (hand.folder / ".git/info/exclude").write_text("more.json\n")
    elif how == "shallow":
        hand.git("clone", "-q", "--depth", "1", f"file://{hand.folder}", "clone")
        source = str(hand.folder / "clone/source")

    refused = dry(hand, "--source-dir", source, SOURCE_DATE_EPOCH=None)
    assert refused.status == 2
    assert "nothing says when this content was made" in refused.error
    assert "SOURCE_DATE_EPOCH=" in refused.error

    dated = manifest_of(hand, "--source-dir", source)
    assert (dated["created_at"], dated["git_sha"]) == (CREATED, "")


def test_a_commit_that_comes_before_the_published_one_is_refused_whatever_its_date(hand):
    source, first = _repository(hand)
    assert hand.publish(source=source, SOURCE_DATE_EPOCH=None).status == 0
    (hand.folder / "source/alerts/alerts.json").write_text('{"schema_version": 2}')
    hand.git("commit", "-qam", "two", at=EPOCH)
    later = hand.git("rev-parse", "HEAD")
    assert hand.publish(source=source, SOURCE_DATE_EPOCH=None).status == 0
    hand.git("branch", "later")
    hand.git("reset", "-q", "--hard", first)

    refused = hand.publish(source=source, SOURCE_DATE_EPOCH=None)

    assert refused.status == 2
    assert f"is of commit {later}, which comes after {first}" in refused.error
    assert hand.pointer["git_sha"] == later


def test_variables_of_git_do_not_lead_elsewhere(hand):
    source, sha = _repository(hand)
    hand.monkeypatch.setenv("GIT_DIR", str(hand.folder / "nowhere"))

    assert committed(hand, source)["git_sha"] == sha
