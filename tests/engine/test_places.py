"""Places and names that cannot be what they are meant for are refused before anything exists."""

from pathlib import Path

import pytest

from drproof.engine.leaves import BY_PATH
from drproof.engine.preparation import DrillRequest, prepare
from drproof.engine.refusal import Refusal
from drproof.model.criteria import Storing
from drproof.model.settings import Limits


def _prepared(folder: Path, text: str = "", **options: str):
    (folder / "drproof.toml").write_text(f'target = "embedded"\n{text}')
    return prepare(DrillRequest(plan="recovery", options=options, environment={}, directory=folder))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[cluster]\nnamespace = "Atlas"\n', "cluster.namespace is no name"),
        (f'[cluster]\nnamespace = "{"a" * 64}"\n', "cluster.namespace is no name"),
        ('[cluster]\nservice_account = "a/b"\n', "cluster.service_account is no name"),
        ('[cluster]\npull_secret = "ecr pull"\n', "cluster.pull_secret is no name"),
        ('[cluster]\ncronjob = "-daily"\n', "cluster.cronjob is no name"),
        ('[cluster.publishing]\nconfig_map = "a_b"\n', "cluster.publishing.config_map is no name"),
        ('[cluster]\ncontrol_plane_name = "atlas"\n', "names every section of the control plane alike"),
        ('[cluster]\nkinds = ["Pod", "ConfigMap"]\n', "both name Pod"),
        ("[cluster]\nkinds = []\n", "cluster.kinds is empty"),
        ("[cluster.publishing]\noff = {}\n", "the criteria name no switch of publishing"),
        ('[job]\nrun_id_pattern = "("\n', "is no regular expression"),
        ('[job]\nrun_id_pattern = ".*"\n', "finds a run in an empty log"),
        ('[job]\nenvironment = { A = "b" }\n', "does not point the workload at the restored state"),
        ('[job]\nlimit_memory = "lots"\n', "job.limit_memory is no quantity"),
        ('[job]\nrequest_cpu = "0"\n', "job.request_cpu asks for nothing"),
        ('[job]\ntimeout = "0s"\n', "job.timeout gives the workload no time"),
        ('[cluster]\nmanifests = "other.tar.zst"\n', "is no archive of the restore point"),
        ('[cluster]\nbaseline = "absent"\n', "is no folder"),
        ('[criteria]\ngrade = "nearly"\n', "expected one of existence"),
        ('[job]\nsource = "pod"\n', "expected one of auto"),
    ],
)
def test_a_name_or_a_list_that_no_cluster_could_be_given_is_refused_with_the_next_step(tmp_path, text, said):
    with pytest.raises(Refusal, match="next:") as refused:
        _prepared(tmp_path, text)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        ("arn:aws:sns:us-west-2:999988887777:of-strangers", "got 999988887777"),
        ("arn:aws:sns:us-west-2::atlas", "got no account"),
        ("arn:aws:sns:eu-west-1:444455556666:atlas", "is not in the region of the recovery site"),
        ("atlas", "no ARN of a topic"),
    ],
)
def test_a_topic_of_another_account_or_region_is_refused(tmp_path, arn, said):
    with pytest.raises(Refusal, match=r"next: mend .*recovery\.topic_arn") as refused:
        _prepared(tmp_path, f'[recovery]\ntopic_arn = "{arn}"\n')

    assert said in " ".join(str(refused.value).split())


def test_a_topic_of_the_owner_of_the_buckets_is_the_teams_own(tmp_path):
    text = (
        '[sites.recovery]\nowner = "999988887777"\n[recovery]\ntopic_arn = "arn:aws:sns:us-west-2:999988887777:atlas"\n'
    )

    assert _prepared(tmp_path, text).settings.recovery.topic_arn.endswith(":999988887777:atlas")


def test_no_pull_secret_is_a_choice(tmp_path):
    assert _prepared(tmp_path, '[cluster]\npull_secret = ""\n').settings.cluster.pull_secret == ""


def test_files_are_named_from_the_root_because_a_guardian_goes_on_from_elsewhere(tmp_path):
    (tmp_path / "k8s/base").mkdir(parents=True)
    cluster = _prepared(tmp_path, '[cluster]\nbaseline = "k8s/base"\n', kubeconfig="theirs.yaml").settings.cluster

    assert cluster.baseline == str(tmp_path / "k8s/base")
    assert cluster.kubeconfig == str(tmp_path / "theirs.yaml")


@pytest.mark.parametrize(
    ("said", "options", "names"),
    [
        ("", {"kubeconfig": "theirs.yaml"}, "cluster.kubeconfig is set"),
        ('[cluster]\nexec_plugins = ["aws"]\n', {}, "cluster.exec_plugins is set"),
        ("[cluster]\nkubectl = []\n", {}, "cluster.kubectl is empty"),
    ],
)
def test_what_contradicts_a_cluster_that_is_asked_on_its_machine_is_refused(tmp_path, said, options, names):
    with pytest.raises(Refusal, match="next:") as refused:
        _prepared(tmp_path, said, cluster_access="ssm", **options)
    assert names in str(refused.value)

    assert _prepared(tmp_path, cluster_access="ssm").settings.recovery.cluster_access == "ssm"
    assert _prepared(tmp_path, said, **options).settings.recovery.cluster_access == "kubeconfig"


def test_a_preflight_refuses_the_same_contradiction_before_it_asks_anything(tmp_path):
    options = {"target": "embedded", "cluster_access": "ssm", "kubeconfig": "theirs.yaml"}

    with pytest.raises(Refusal, match="cluster.kubeconfig is set"):
        prepare(DrillRequest(plan="preflight", options=options, environment={}, directory=tmp_path))


def test_each_drill_has_a_challenge_of_its_own(tmp_path):
    challenges = {_prepared(tmp_path).criteria.workload.challenge for _ in range(3)}

    assert len(challenges) == 3
    assert all(len(challenge) == 64 for challenge in challenges)


def test_a_missing_workload_asks_for_no_cronjob(tmp_path):
    strict, lenient = _prepared(tmp_path), _prepared(tmp_path, "[job]\nskip_workload_assume = true\n")

    assert strict.criteria.workload.cronjobs == ("atlas-daily",)
    assert lenient.criteria.workload.cronjobs == ()
    assert "workload_cronjob_is_there" not in {row.name for row in lenient.contracts}


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("/tmp/receipts", "expected a URI that starts with s3://"),
        ("https://bucket/receipts", "expected a URI that starts with s3://"),
        ("s3://atlas-receipts", "expected a key prefix after the bucket"),
        ("s3://atlas-receipts/a/../b", "expected a key prefix after the bucket"),
        ("", "option --receipt-uri is empty"),
        ("s3://somebody-elses/receipts", "the embedded world has no s3://somebody-elses/receipts"),
    ],
)
def test_a_receipt_store_that_is_no_place_is_refused(tmp_path, uri, said):
    with pytest.raises(Refusal, match="next:") as refused:
        _prepared(tmp_path, receipt_uri=uri)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "uri"),
    [
        ('[recovery]\nbucket = "atlas-receipts"\nprefix = "drills"\n', "s3://atlas-receipts/drills/receipts"),
        ('[recovery]\nbucket = "atlas-receipts"\nprefix = "drills/a"\n', "s3://atlas-receipts/drills"),
    ],
)
def test_receipts_do_not_lie_where_a_drill_writes_its_state(tmp_path, changed, uri):
    with pytest.raises(Refusal, match=f"--receipt-uri {uri} and the state of drills, s3://atlas-receipts/drills"):
        _prepared(tmp_path, changed, receipt_uri=uri)


def test_a_receipt_store_is_part_of_the_bar_and_belongs_to_the_recovery_site_where_nobody_says_otherwise(tmp_path):
    uri = "s3://atlas-receipts/dr/receipts"
    plain = _prepared(tmp_path, receipt_uri=f"{uri}/").criteria.storing
    said = '[receipts]\nowner = "999988887777"\nretention_mode = "COMPLIANCE"\nretention_days = 365\n'
    theirs = _prepared(tmp_path, said, receipt_uri=uri).criteria.storing

    assert plain == Storing(uri=uri, owner="444455556666", retention_mode="GOVERNANCE", retention_days=30)
    assert theirs == Storing(uri=uri, owner="999988887777", retention_mode="COMPLIANCE", retention_days=365)
    assert _prepared(tmp_path).criteria.storing is None


def test_an_empty_variable_does_not_turn_the_receipt_store_off(tmp_path):
    (tmp_path / "drproof.toml").write_text((Path(__file__).parents[2] / "drproof/embedded/settings.toml").read_text())
    environment = {"RECEIPT_URI": "", "DRPROOF_TARGET": "aws", "ALLOW_FULL_DRILL": "1"}

    with pytest.raises(Refusal, match="environment RECEIPT_URI is empty"):
        prepare(DrillRequest(plan="recovery", options={}, environment=environment, directory=tmp_path))


def test_a_rehearsal_waits_less_for_what_may_never_happen_than_a_live_drill(tmp_path):
    rehearsed = _prepared(tmp_path).settings.limits
    asked = _prepared(tmp_path, '[limits]\nalarms = "1m"\nrecount = "2m"\n').settings.limits
    live = Limits()

    assert (live.alarms_ms, live.recount_ms) == (6_000, 10_000)
    assert (BY_PATH["limits.alarms"].default, BY_PATH["limits.recount"].default) == ("6s", "10s")
    assert (rehearsed.alarms_ms, rehearsed.recount_ms) == (3_000, 3_000)
    assert (asked.alarms_ms, asked.recount_ms) == (60_000, 120_000)


def test_a_drill_of_an_encrypted_backup_is_refused_with_what_is_missing(tmp_path):
    with pytest.raises(Refusal) as refused:
        _prepared(tmp_path, backup_layout="onprem")

    said = str(refused.value)
    assert "cannot be drilled" in said
    assert "artifacts" in said
    assert "db_backup.enc" in said
    assert "next: pytest -m backup-check --backup-layout onprem --backup-uri s3://" in said


def _criteria(folder: Path, text: str = "", **options: str):
    (folder / "drproof.toml").write_text(f'target = "embedded"\n{text}')
    request = DrillRequest(plan="backup", options=options, environment={}, directory=folder)
    prepared = prepare(request)
    return prepared.criteria.backup, {row.name: row.subjects for row in prepared.contracts}


def test_the_layout_decides_before_anything_is_read_what_is_expected(tmp_path):
    archives, asked = _criteria(tmp_path)
    assert archives.layout == "archives"
    assert asked["archive_is_sound"] == ("state.tar.zst", "manifests.tar.zst")
    assert not {name for name in asked if name.startswith("encrypted_")}

    onprem, asked = _criteria(tmp_path, backup_layout="onprem")
    assert (onprem.layout, onprem.archives) == ("onprem", ())
    files = ("metadata.json", "checksums.json", "db_backup.enc", "artifacts_backup.enc")
    assert onprem.objects == asked["encrypted_file_is_what_was_written"] == files
    assert not {name for name in asked if name.startswith(("archive_", "backup_", "control_plane_", "metadata_"))}
    assert {"restore_point_is_within_rpo", "restore_point_did_not_change_while_it_was_read"} <= asked.keys()


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("[backup]\nplausible_share = 0\n", {"restore_point_is_plausible"}),
        ('[backup]\nfailure_domain = "none"\n', {"restore_point_outlives_the_primary"}),
        ('[backup]\nprotection = "none"\n', {"restore_point_is_protected_from_writers"}),
        ('[backup]\nmember_manifests = "promised"\n', {"archive_members_equal_their_manifest"}),
        ('[backup]\nchecksums = "ignored"\n', {"archive_has_a_checksum"}),
    ],
)
def test_what_is_not_demanded_is_not_asked(tmp_path, text, left_out):
    _, everything = _criteria(tmp_path)
    _, asked = _criteria(tmp_path, text)

    assert everything.keys() - asked.keys() == left_out


def test_without_a_place_of_publication_nothing_is_compared_with_it(tmp_path):
    (tmp_path / "drproof.toml").write_text(
        'target = "aws"\n[sites.primary]\naccount_id = "111122223333"\nregion = "us-east-1"\n'
        '[drill]\nbackup_uri = "s3://theirs/atlas/backups/one"\n[criteria]\nrpo = "1d"\n'
    )
    prepared = prepare(DrillRequest(plan="backup", environment={}, directory=tmp_path))

    assert prepared.criteria.backup.published is None
    asked = {row.name for row in prepared.contracts}
    assert not {"restore_point_is_plausible", "restore_point_outlives_the_primary"} & asked


def test_checksums_are_not_ignored_by_an_unknown_word(tmp_path):
    with pytest.raises(Refusal, match="expected one of ignored, promised, required"):
        _criteria(tmp_path, '[backup]\nchecksums = "no"\n')
