"""What is deployed runs: settings by which a function would refuse each act are refused before they are packed."""

import re
import zipfile
from pathlib import Path

import pytest

from drproof.engine.keys import init
from drproof.engine.refusal import Refusal
from drproof.model.signing import Role
from drproof.orchestrator import package
from drproof.orchestrator.asked import asked_of
from drproof.orchestrator.demands import refuse_what_no_function_runs_by
from drproof.orchestrator.execution_run import prepared_for
from tests.drill.conftest import Operator
from tests.orchestrator.acting import SETTINGS, machine
from tests.orchestrator.test_handler import running
from tests.orchestrator.test_package import DEPLOYED, HERE, with_people

ARN = "arn:aws:states:us-west-2:444455556666:execution:atlas-dr:nightly"
pytestmark = pytest.mark.skipif(not HERE, reason="functions do not run on this kind of machine: nothing is packed here")


def refused(folder: Path, text: str) -> str:
    file = with_people(folder, text)
    with pytest.raises(Refusal) as raised:
        refuse_what_no_function_runs_by(file, package.told(file))
    return str(raised.value)


def test_settings_by_which_functions_run_are_taken_also_where_the_input_names_restore_point_and_image(
    tmp_path: Path,
) -> None:
    file = with_people(tmp_path, DEPLOYED)
    refuse_what_no_function_runs_by(file, package.told(file))

    file.write_text(re.sub(r"^(backup_uri|image_ref) = .*$", "", DEPLOYED, flags=re.MULTILINE))
    refuse_what_no_function_runs_by(file, package.told(file))


@pytest.mark.parametrize(
    ("line", "instead", "says"),
    [
        (r"digest_key = .*", "", "needs receipts.digest_key: what one act digested, another compares"),
        (r"signer = .*", "", "signing.signer in drproof.toml"),
        (r"signer = .*", 'signer = "file2:.drproof/runner.key"', "no key lies in a package"),
        (r"trust = .*", "", "no trust file names nobody who may decide"),
        (r'kind = "codebuild"', 'kind = "auto"', "an execution needs recovery.provisioner.kind"),
        (r"module_sha256 = .*", 'module_sha256 = "64 hex digits"', "module_sha256: expected 64 hex digits"),
        (r"terraform_version = .*", "", "terraform_version: expected the version that builds must use"),
        (r"image_ref = .*", 'image_ref = "atlas:latest"', "--image-ref atlas:latest"),
        (r"run_id_pattern = .*", 'run_id_pattern = "("', "job.run_id_pattern '(' is no regular expression"),
        (r"topic_arn = .*", 'topic_arn = "arn:aws:sns:eu-west-1:444455556666:people"', "not in the region"),
    ],
)
def test_settings_by_which_each_act_would_be_refused_are_not_packed(
    line: str, instead: str, says: str, tmp_path: Path
) -> None:
    spoiled, count = re.subn(rf"^{line}$", instead, DEPLOYED, flags=re.MULTILINE)
    assert count == 1

    said = refused(tmp_path, spoiled)

    assert says in said
    assert "next:" in said


def test_a_trust_file_without_an_approver_is_named_where_it_lies(tmp_path: Path) -> None:
    file = with_people(tmp_path, DEPLOYED)
    keys = tmp_path / "keys"
    init(keys, Role.RUNNER)
    (tmp_path / "trust.json").write_bytes((keys / "trust.json").read_bytes())

    with pytest.raises(Refusal) as raised:
        refuse_what_no_function_runs_by(file, package.told(file))

    assert f"{tmp_path}/trust.json names nobody who may decide" in str(raised.value)


def test_what_the_shell_of_whoever_packs_says_is_no_setting_of_a_function(tmp_path: Path) -> None:
    file = with_people(tmp_path, re.sub(r"^topic_arn = .*$", "", DEPLOYED, flags=re.MULTILINE))
    operator = Operator(tmp_path)
    words = ("package", "--settings", str(file), "--architecture", HERE, "--installed", "--variables", "v.tfvars.json")
    heard = {"NOTIFICATION_TOPIC_ARN": "arn:aws:sns:us-west-2:444455556666:atlas-dr-notifications"}

    done = operator.cli(*words, **heard)

    assert done.returncode == 2, done.stdout
    assert "does not name recovery.topic_arn" in done.stderr
    assert not (tmp_path / "v.tfvars.json").exists()


def test_the_baseline_that_the_settings_name_is_packed(tmp_path: Path) -> None:
    file = with_people(tmp_path, DEPLOYED.replace("[cluster]\n", '[cluster]\nbaseline = "baseline"\n'))
    (tmp_path / "baseline" / "more").mkdir(parents=True)
    (tmp_path / "baseline" / "more" / "quota.yaml").write_text("kind: ResourceQuota\n")
    refuse_what_no_function_runs_by(file, package.told(file))

    built = package.build(tmp_path / "p.zip", file, architecture=HERE, installed=True)

    with zipfile.ZipFile(built.path) as archive:
        assert archive.read("baseline/more/quota.yaml") == b"kind: ResourceQuota\n"


@pytest.mark.parametrize("named", ["nowhere", "/etc", "../baseline"])
def test_a_baseline_that_no_function_could_read_is_refused(named: str, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "baseline").mkdir()
    file = with_people(tmp_path / "below", DEPLOYED.replace("[cluster]\n", f'[cluster]\nbaseline = "{named}"\n'))

    with pytest.raises(package.PackageError, match="expected a folder below the folder of the settings"):
        list(package.told(file))


def test_an_execution_without_a_digest_key_is_refused_before_it_would_refute_what_was_restored_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(tmp_path / ".drproof", Role.APPROVER)
    signed = '[signing]\nsigner = "awskms:alias/drproof-drills"\ntrust = ".drproof/trust.json"\n'
    (tmp_path / "drproof.toml").write_text(SETTINGS + signed)
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    asked = asked_of({"act": "check_health", "execution": {"arn": ARN, "name": "nightly"}, "input": {}})

    with pytest.raises(Refusal, match=r"needs receipts\.digest_key"):
        prepared_for(asked, tmp_path / "reports")

    given = SETTINGS.replace("[receipts]\n", '[receipts]\ndigest_key = "awskms:alias/digests"\n')
    (tmp_path / "drproof.toml").write_text(given + signed)
    assert prepared_for(asked, tmp_path / "reports").settings.signing.digest_key == "awskms:alias/digests"


@pytest.mark.costly("an execution by the function, as far as its cluster is looked at")
def test_by_keys_of_a_key_service_what_one_act_digested_another_compares(tmp_path: Path) -> None:
    signed = '[signing]\nsigner = "awskms:alias/drproof-drills"\ntrust = ".drproof/trust.json"\n'
    with machine(tmp_path, "nightly", more=signed) as began:
        made = began.client("kms").create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        file = began.package / "drproof.toml"
        key = f'[receipts]\ndigest_key = "awskms:{made["KeyMetadata"]["Arn"]}"\n'
        file.write_text(file.read_text().replace("[receipts]\n", key))
        played = running(began, "nightly")
        played.brought_up()
        for act in ("resolve_runner", "restore", "inspect_cluster", "inspect_runner"):
            played.act(act)

        # It is blocked where a Secret is found to be another than was restored.
        assert played.act("validate")["outcome"] == "passed"
