"""What is deployed: drproof and what it needs there, pinned, below the platform's limit, and nothing else."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from drproof.analysis.terraform.evaluating import Scope, value_of
from drproof.engine.keys import init
from drproof.engine.leaves import LEAVES
from drproof.engine.refusal import Refusal
from drproof.formats import durations, hcl
from drproof.formats.hcl import Expression
from drproof.model.settings import Promotion
from drproof.model.signing import Role
from drproof.orchestrator import package
from drproof.orchestrator.definition import APPROVAL_SECONDS
from drproof.orchestrator.demands import DECIDED_WITHIN
from drproof.orchestrator.deployment import module_variables, permissions_of, settings_in, watched_in
from drproof.targets.aws.permissions import needed
from tests.drill.conftest import Operator
from tests.shares import FEW

HERE = {machine: name for name, machine in package.ARCHITECTURES.items()}.get(platform.machine(), "")
MODULE = Path(str(files("drproof.deploy") / "terraform" / "orchestrator"))
WORLD = (files("drproof") / "embedded" / "settings.toml").read_text(encoding="utf-8")
LIVE = (
    'target = "aws"\n'
    + WORLD.replace('"embedded"', '"vpc-1"')
    + '\n[receipts]\nuri = "s3://atlas-receipts/r"\n\n[signing]\nsigner = "awskms:alias/atlas"\n'
)
DEPLOYED = (
    LIVE.replace('kind = "auto"', 'kind = "codebuild"')
    .replace("[recovery.provisioner.codebuild]\n", '[recovery.provisioner.codebuild]\nterraform_version = "1.11.4"\n')
    .replace("[receipts]\n", '[receipts]\ndigest_key = "awskms:alias/atlas-digests"\n')
    + 'trust = "trust.json"\n'
)
"""Settings by which functions run: those above describe a site, and leave out what nobody beside an execution could say."""
pytestmark = [
    pytest.mark.costly(days=FEW),
    pytest.mark.skipif(not HERE, reason=f"functions do not run on {platform.machine()}: nothing is packed here"),
]


def with_people(folder: Path, text: str) -> Path:
    """Lay settings down beside a trust file that names an approver, and return their file."""
    init(folder / "hers", Role.APPROVER)
    shutil.copy(folder / "hers" / "trust.json", folder)
    file = folder / "drproof.toml"
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "drproof.toml"
    path.write_text(LIVE)
    return path


@pytest.fixture(scope="module")
def built(settings: Path) -> package.Package:
    return package.build(settings.with_name("functions.zip"), settings, architecture=HERE, installed=True)


def names(built: package.Package) -> list[str]:
    with zipfile.ZipFile(built.path) as archive:
        return archive.namelist()


def test_the_package_holds_what_functions_need_and_nothing_of_the_drivers(built: package.Package) -> None:
    found = names(built)

    tops = {name.split("/")[0] for name in found}
    assert {"drproof", "boto3", "cryptography", "msgspec", "zstandard"} <= tops
    assert not {"pytest", "_pytest", "moto", "typer", "rich"} & tops
    assert [name for name in found if re.match(r"kubernetes(_|-|/|\.)", name)] == []
    assert "kubernetes" not in built.pins
    rooms = {name.split("/")[1] for name in found if name.startswith("drproof/")}
    assert {"engine", "orchestrator", "phases", "contracts", "schemas", "deploy"} <= rooms
    assert not {"plugin", "cli", "checks"} & rooms
    assert {Path(name).suffix for name in found if name.startswith("drproof/embedded/")} == {".toml"}
    assert [name for name in found if name.endswith(".pyc")] == []


def test_what_was_packed_is_pinned_and_said_inside(built: package.Package, settings: Path) -> None:
    with zipfile.ZipFile(built.path) as archive:
        said = json.loads(archive.read(package.CONTENTS))
        assert archive.read("drproof.toml") == settings.read_bytes()

    assert said["distributions"] == dict(built.pins)
    assert all(re.fullmatch(r"\d[\w.+]*", version) for version in built.pins.values()), built.pins
    assert said["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_it_is_below_the_platforms_limit(built: package.Package) -> None:
    with zipfile.ZipFile(built.path) as archive:
        assert sum(one.file_size for one in archive.infolist()) == built.unzipped
    assert built.unzipped < package.LARGEST // 2


def test_the_same_content_has_the_same_bytes(built: package.Package, settings: Path, tmp_path: Path) -> None:
    again = package.build(tmp_path / "again.zip", settings, architecture=HERE, installed=True)

    assert again.sha256 == built.sha256


@pytest.mark.parametrize("entry", ["handler", "watcher", "reaper", "fleet_handler"])
def test_a_function_starts_with_nothing_but_its_package(entry: str, built: package.Package, tmp_path: Path) -> None:
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(tmp_path)

    # -I and -S: neither this environment nor this folder lends it anything.
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import drproof.orchestrator.{entry} as it; print(it.__file__, it.handler)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))


def test_a_package_that_is_too_large_is_refused_with_what_makes_it_so(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "LARGEST", 1_000_000)

    with pytest.raises(package.PackageError, match=r"a function may have 1,000,000; the largest: \w+ \d"):
        package.build(tmp_path / "p.zip", settings, architecture=HERE, installed=True)
    assert not (tmp_path / "p.zip").exists()


def test_files_of_this_machine_are_not_packed_for_another_kind(settings: Path, tmp_path: Path) -> None:
    (other,) = set(package.ARCHITECTURES) - {HERE}

    with pytest.raises(package.PackageError, match=f"do not run on {other}\n.* --architecture {HERE}, or"):
        package.build(tmp_path / "p.zip", settings, architecture=other, installed=True)


def test_the_trust_file_that_the_settings_name_is_packed(tmp_path: Path) -> None:
    settings = tmp_path / "drproof.toml"
    settings.write_text('target = "aws"\n[signing]\ntrust = "trust.json"\n')
    (tmp_path / "trust.json").write_text("{}")

    with zipfile.ZipFile(
        package.build(tmp_path / "p.zip", settings, architecture=HERE, installed=True).path
    ) as archive:
        assert archive.read("trust.json") == b"{}"


@pytest.mark.parametrize("named", ["nowhere.json", "/etc/hostname", "../trust.json"])
def test_a_trust_file_that_no_function_could_read_is_refused(named: str, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "trust.json").write_text("{}")
    settings = tmp_path / "below" / "drproof.toml"
    settings.write_text(f'target = "aws"\n[signing]\ntrust = "{named}"\n')

    with pytest.raises(package.PackageError, match="expected a file below the folder of the settings"):
        package.build(tmp_path / "p.zip", settings, architecture=HERE, installed=True)


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("uri = ", "receipts.uri"),
        ("topic_arn = ", "recovery.topic_arn"),
        ('project = "atlas-dr-infra"', "codebuild.project"),
        ("module_uri = ", "codebuild.module_uri"),
        ("state_bucket = ", "state_bucket"),
    ],
)
def test_settings_that_leave_out_what_an_execution_needs_are_refused(gone: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "drproof.toml"
    path.write_text("\n".join(line for line in LIVE.splitlines() if not line.startswith(gone)))

    with pytest.raises(Refusal, match=re.escape(says)):
        settings_in(path, {})


def test_settings_that_reach_the_cluster_by_kubeconfig_are_refused_because_nothing_there_could(tmp_path: Path) -> None:
    path = tmp_path / "drproof.toml"
    path.write_text(LIVE.replace("[recovery]\n", '[recovery]\ncluster_access = "kubeconfig"\n'))

    with pytest.raises(Refusal, match="functions have no client of Kubernetes"):
        settings_in(path, {})

    path.write_text(LIVE.replace("[recovery]\n", '[recovery]\ncluster_access = "ssm"\n'))
    assert settings_in(path, {}).recovery.cluster_access == "ssm"


def test_functions_reach_the_cluster_over_ssm_and_may_do_so_in_each_phase_that_asks_it(settings: Path) -> None:
    found = settings_in(settings, {})

    assert found.recovery.cluster_access == "ssm"
    assert needed(["cluster.read"], "recovery", found, provisioner="codebuild")[-1].action == "ssm:SendCommand"
    by_kubeconfig = replace(found, recovery=replace(found.recovery, cluster_access="kubeconfig"))
    assert needed(["cluster.read"], "recovery", by_kubeconfig, provisioner="codebuild") == ()
    assert needed(["cluster.read"], "primary", found, provisioner="codebuild") == ()


def declared() -> dict[str, bool]:
    """The variables of the module, and whether each has a default."""
    text = "\n".join(path.read_text() for path in sorted(MODULE.glob("*variables.tf")))
    return {
        name: re.search(r"^  default ", body, re.MULTILINE) is not None
        for name, body in re.findall(r'variable "(\w+)" \{\n(.*?)\n\}', text, re.DOTALL)
    }


def given(built: package.Package, settings: Path) -> dict[str, Any]:
    """The variables that settings and package decide."""
    return module_variables(settings_in(settings, {}), watched_in(settings, {}), built)


def test_settings_and_package_say_all_that_the_module_must_know(built: package.Package, settings: Path) -> None:
    known = given(built, settings)

    variables = declared()
    assert set(known) <= set(variables)
    assert {name for name, optional in variables.items() if not optional} - set(known) == {"project"}
    assert known["manual_approval_timeout_seconds"] == APPROVAL_SECONDS == durations.parse(DECIDED_WITHIN) // 1000
    patient = replace(settings_in(settings, {}), promotion=Promotion(await_ms=14_400_000))
    assert module_variables(patient, watched_in(settings, {}), built)["manual_approval_timeout_seconds"] == 4 * 3600
    assert known["tf_state_bucket_name"] == "atlas-dr-tfstate"
    assert (known["receipt_bucket"], known["receipt_prefix"]) == ("atlas-receipts", "r")


def test_the_alarms_on_the_original_site_are_set_by_its_settings_and_tell_of_silence(
    built: package.Package, settings: Path
) -> None:
    site, known = settings_in(settings, {}).primary, given(built, settings)
    resources = hcl.parse((MODULE / "alarms.tf").read_bytes()).inside("resource")
    alarms = {one.labels[1]: one for one in resources if one.labels[0] == "aws_cloudwatch_metric_alarm"}

    assert sorted(alarms) == ["pipeline_freshness", "publish_correctness"]
    for alarm in alarms.values():
        said = {name: value_of(value, Scope(variables=known)) for name, value in alarm.attributes.items()}
        assert alarm.attributes["provider"] == Expression("aws.primary")
        assert alarm.attributes["insufficient_data_actions"] == alarm.attributes["alarm_actions"]
        assert (said["namespace"], said["dimensions"]) == (site.metrics.namespace, site.metrics.dimensions)
        assert said["period"] == 60
    age = alarms["pipeline_freshness"].attributes["metric_name"]
    assert value_of(age, Scope(variables=known)) == "PipelineFreshnessHours"
    assert (known["max_freshness_hours"], known["freshness_unit_seconds"]) == (26, 3600)
    assert known["fault_values"] == {"PublishCorrectness": "1"}
    assert (known["primary_account_id"], known["primary_region"]) == ("111122223333", "us-east-1")


@pytest.mark.parametrize(
    ("line", "variable", "is_then"),
    [
        ('metrics_every = "15m"', "alarm_period_seconds", 900),
        ('metrics_every = "61s"', "alarm_period_seconds", 120),
        ('metrics_every = "0s"', "alarm_period_seconds", 0),
        ('freshness_limit = "90m"', "max_freshness_hours", 1.5),
        ('age_unit = "1m"', "freshness_unit_seconds", 60),
    ],
)
def test_an_alarm_never_looks_more_often_than_metrics_come(
    line: str, variable: str, is_then: float, built: package.Package, tmp_path: Path
) -> None:
    name = line.partition(" ")[0]
    path = tmp_path / "drproof.toml"
    path.write_text(re.sub(rf"^{name} = .*$", line, LIVE, flags=re.MULTILINE))

    assert given(built, path)[variable] == is_then


def test_the_functions_policy_allows_no_wildcard_action_and_takes_no_machine_away(settings: Path) -> None:
    found = {one.action for one in permissions_of(settings_in(settings, {}))}

    assert [action for action in found if "*" in action] == []
    assert "ec2:TerminateInstances" not in found
    assert {"ssm:SendCommand", "sns:Publish", "kms:Sign"} <= found


def test_the_command_prints_each_pin_and_the_size(tmp_path: Path) -> None:
    settings = with_people(tmp_path, DEPLOYED)
    variables = tmp_path / "x.auto.tfvars.json"
    words = ("package", "--settings", str(settings), "--architecture", HERE, "--installed")

    done = Operator(tmp_path).cli(*words, "--out", "p.zip", "--variables", str(variables))

    assert done.returncode == 0, done.stderr
    assert re.search(r"^  boto3 \d", done.stdout, re.MULTILINE)
    assert re.search(r"unzipped [\d,]+ of 262,144,000 bytes; python3\.\d+ on", done.stdout)
    assert json.loads(variables.read_text())["package"] == str(tmp_path / "p.zip")


def test_settings_that_are_not_there_are_named_with_the_next_command(tmp_path: Path) -> None:
    done = Operator(tmp_path).cli("package", "--settings", "nowhere.toml")

    assert done.returncode == 2
    assert "nowhere.toml is not there" in done.stderr
    assert "drproof package --settings FILE" in done.stderr


def statements(name: str) -> dict[str, Any]:
    """The statements of a role's file, by their names, as text."""
    text = (MODULE / name).read_text()
    return dict(re.findall(r'sid\s+=\s"(\w+)"(.*?)\n  \}\n', text, re.DOTALL))


@pytest.mark.parametrize("name", ["roles.tf", "build_role.tf"])
def test_no_role_may_do_everything_of_a_service_or_pass_any_role(name: str) -> None:
    found = statements(name)

    assert found
    for sid, body in found.items():
        assert not re.search(r'"[a-z0-9]+:\*"', body), sid
        if "iam:PassRole" in body or "iam:AttachRolePolicy" in body:
            assert "condition" in body, sid
            assert "local.runner" in body, sid


def test_no_function_is_given_a_name_that_the_platform_keeps_for_itself() -> None:
    text = (MODULE / "functions.tf").read_text()
    (environment,) = re.findall(r"environment = \{\n(.*?)\n  \}", text, re.DOTALL)

    given = re.findall(r"^\s+(\w+)\s+=", environment, re.MULTILINE)
    assert given
    reserved = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    assert not reserved & set(given)
    assert not [name for name in given if name.startswith(("AWS_LAMBDA_", "LAMBDA_", "_"))]


ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
GATES = {"allow_non_arm_instance_type", "dr_instance_type"}
"""Variables that make nothing and refuse something: what the functions would order of the builds."""
OF_THE_REFERENCE = 43
"""How many variables the reference's module has."""


def test_each_variable_of_the_reference_is_one_of_ours_or_a_setting_and_the_page_says_which() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (`\w+`|-) \| (.+) \|$", PAGE.partition("### The reference's variables")[2], re.MULTILINE
    )
    settings = {leaf.path for leaf in LEAVES}

    assert len({row[0] for row in rows}) == len(rows) == OF_THE_REFERENCE
    assert {here.strip("`") for _, here, _ in rows if here != "-"} <= set(declared())
    named = {one for _, _, whence in rows for one in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", whence)}
    assert named <= settings, named - settings
    unexplained = [name for name, here, whence in rows if here == "-" and "`" not in whence and len(whence) < 30]
    assert unexplained == []


def test_each_variable_of_the_module_is_used_in_it() -> None:
    text = "\n".join(path.read_text() for path in MODULE.glob("*.tf") if not path.match("*variables.tf"))

    unused = {name for name in declared() if not re.search(rf"\bvar\.{name}\b", text)}
    assert unused == GATES


def test_the_zip_of_the_recovery_module_is_made_by_the_commands_of_the_page(tmp_path: Path) -> None:
    (block,) = re.findall(
        r"((?:^    .+\n)+)", PAGE.partition("## The recovery module's zip")[2].partition("\n## ")[0], re.MULTILINE
    )
    lines = [line.strip() for line in block.splitlines()]
    here = [line for line in lines if line.split()[0] not in {"aws", "terraform"}]
    assert [line.split()[0] for line in lines if line not in here] == ["terraform", "aws"]
    (tmp_path / "deploy").symlink_to(MODULE.parents[1])
    plugins = "mkdir -p runner-module/.terraform/providers && touch runner-module/.terraform/providers/x runner-module/.terraform.lock.hcl"

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([*here[:2], plugins, *here[2:]])],
        cwd=tmp_path,
        env={**os.environ, "K3S_SHA256": "0" * 64},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    made = tmp_path / "dr-runner.zip"
    assert hashlib.sha256(made.read_bytes()).hexdigest() in done.stdout
    with zipfile.ZipFile(made) as archive:
        found = {name for name in archive.namelist() if not name.endswith("/")}
        said = archive.read("site.auto.tfvars").decode()
    recovery = MODULE.with_name("recovery")
    shipped = {path.relative_to(recovery).as_posix() for path in recovery.rglob("*") if path.is_file()}
    assert found == shipped | {"site.auto.tfvars", ".terraform.lock.hcl"}
    assert hcl.parse(said.encode()).attributes == {
        "account_id": "444455556666",
        "ami_id": "ami-0123456789abcdef0",
        "k3s_sha256": "0" * 64,
    }
