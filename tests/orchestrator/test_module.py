"""The orchestrator's module: valid, planned and applied by the real binary, planned clean again, and taken away."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from drproof.model.settings import Settings
from drproof.orchestrator import package
from drproof.orchestrator.deployment import module_variables, settings_in
from drproof.targets import embedded
from tests.orchestrator.test_package import HERE, LIVE
from tests.roles.applied import deployed, granted, meant
from tests.targets.decoys import Yard, yard_in
from tests.targets.lock_notes import make_table
from tests.terraform_here import configuration, needs_provider, needs_terraform

pytestmark = pytest.mark.costly("the orchestrator by Terraform")

DEPLOY = Path(str(files("drproof.deploy")))
MODULE = DEPLOY / "terraform" / "orchestrator"
SERVICES = (
    "cloudwatch",
    "cloudwatchevents",
    "codebuild",
    "dynamodb",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sfn",
    "sts",
)
ROLES = ("builds", "function", "machine", "schedule", "watcher")


class Deployment:
    """The module in a folder of its own, against one embedded world."""

    def __init__(self, yard: Yard, folder: Path, variables: dict[str, Any], settings: Settings) -> None:
        self.yard = yard
        self.variables = variables
        self.settings = settings
        self.folder = folder / "terraform" / "orchestrator"
        shutil.copytree(DEPLOY, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "v.auto.tfvars.json").write_text(json.dumps(variables))
        # The world answers every service at one place, and its state is nobody's business.
        (self.folder / "world_override.tf.json").write_text(
            json.dumps(
                {
                    "terraform": {"backend": {"local": {}}},
                    "provider": {
                        "aws": {
                            "endpoints": [dict.fromkeys(SERVICES, yard.world.endpoint)],
                            "s3_use_path_style": True,
                            "skip_credentials_validation": True,
                            "skip_metadata_api_check": True,
                            "skip_region_validation": True,
                        }
                    },
                }
            )
        )
        issued = embedded.credentials(yard.world.endpoint)["recovery"]
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TF_CLI_CONFIG_FILE": str(configuration(folder)),
            "CHECKPOINT_DISABLE": "1",
            "AWS_ACCESS_KEY_ID": issued["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": issued["secret_access_key"],
        }

    def terraform(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            ["terraform", *words, "-no-color"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@needs_terraform
def test_the_module_is_formatted_as_terraform_formats() -> None:
    done = subprocess.run(["terraform", "fmt", "-check", str(MODULE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_guardrails_of_the_module_are_in_its_text() -> None:
    text = {path.name: path.read_text() for path in MODULE.glob("*.tf")}
    whole = "\n".join(text.values())

    assert 'backend "s3" {\n    use_lockfile = true\n  }' in text["versions.tf"]
    assert re.search(r'variable "enable_triggers" \{[^}]*default\s+= false', text["variables.tf"])
    assert re.search(r'variable "dr_instance_type" \{[^}]*default\s+= "t4g\.medium"', text["variables.tf"])
    assert re.findall(r"ami-[0-9a-f]{8,}", whole) == []
    assert "most_recent" not in whole
    assert re.findall(r"include_execution_data\s+= true", whole) == []


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    settings = folder / "drproof.toml"
    settings.write_text(LIVE)
    built = package.build(folder / "functions.zip", settings, architecture=HERE, installed=True)
    yard = yard_in(tmp_path_factory.mktemp("yard"))
    subnet = yard.client("ec2").describe_subnets()["Subnets"][0]
    variables = {
        **module_variables(settings_in(settings, {}), built),
        "project": "atlas",
        "tf_state_bucket_name": "atlas-orchestrated-tfstate",
        "tf_lock_table_name": "atlas-dr-tf-lock",
        "codebuild_project": "atlas-orchestrated-infra",
        "dr_vpc_id": subnet["VpcId"],
        "dr_subnet_id": subnet["SubnetId"],
    }
    yield Deployment(yard, folder / "deploy", variables, settings_in(settings, {}))
    yard.world.stop()


@needs_provider
@pytest.mark.exhaustive
def test_the_module_comes_up_with_its_triggers_off_is_planned_clean_again_and_goes_away(deployment: Deployment) -> None:
    deployment.terraform("init", "-input=false")
    deployment.terraform("validate")
    # A lock table that somebody made before is taken over.
    make_table(deployment.yard.client("dynamodb"), "atlas-dr-tf-lock")
    said = deployment.terraform("apply", "-input=false", "-auto-approve", "-var", "import_lock_table=true")
    assert "1 imported" in said
    outputs = {name: one["value"] for name, one in json.loads(deployment.terraform("output", "-json")).items()}

    events = deployment.yard.client("events")
    assert outputs["schedule_rule_enabled"] is False
    assert events.describe_rule(Name=outputs["schedule_rule_name"])["State"] == "DISABLED"
    alarms = deployment.yard.client("cloudwatch").describe_alarms(
        AlarmNames=[outputs["pipeline_freshness_alarm_name"], outputs["publish_correctness_alarm_name"]]
    )["MetricAlarms"]
    assert [alarm["ActionsEnabled"] for alarm in alarms] == [False, False]
    machine = deployment.yard.client("stepfunctions").describe_state_machine(
        stateMachineArn=outputs["state_machine_arn"]
    )
    assert "${" not in machine["definition"]
    function = deployment.yard.client("lambda").get_function_configuration(FunctionName=outputs["runner_lambda_name"])
    assert function["Handler"] == "drproof.orchestrator.handler.handler"
    assert function["FunctionArn"] in machine["definition"]

    # Each role may do what the table says that it is for, on the same resources, under the same conditions.
    settings = deployed(deployment.settings, deployment.variables, outputs)
    iam = deployment.yard.client("iam")
    for role in ROLES:
        has, should = granted(iam, f"atlas-dr-orchestrator-{role}"), meant(role, settings, deployment.settings)
        assert (has - should, should - has) == (set(), set()), role

    deployment.terraform("plan", "-input=false", "-detailed-exitcode")

    deployment.terraform("destroy", "-input=false", "-auto-approve")
    assert deployment.yard.client("stepfunctions").list_state_machines()["stateMachines"] == []


@needs_provider
def test_another_package_than_the_variables_were_written_for_is_refused(deployment: Deployment) -> None:
    deployment.terraform("init", "-input=false")

    said = deployment.terraform("plan", "-input=false", "-var", f"package_sha256={'0' * 64}", status=1)

    assert "another one than these variables were written for" in " ".join(said.split())


REFUSED = {
    "codebuild_image=public.ecr.aws/x/builder:latest": "names no release",
    "dr_instance_type=m5.large": "of no ARM family",
    "lambda_timeout_seconds=3600": "900 seconds at most",
    'phase_policy={"Statement":[{"Action":["s3:*"]}]}': "allows every action",
    "project=Atlas Jobs": "is no name of lower-case letters",
    "notification_topic_arn=people": "is no ARN of a topic",
    "alarm_missing_data=fine": "is one of missing, ignore",
}


@needs_provider
def test_what_a_guardrail_forbids_is_refused(deployment: Deployment) -> None:
    deployment.terraform("init", "-input=false")
    words = [word for variable in REFUSED for word in ("-var", variable)]

    said = " ".join(re.sub(r"[│╷╵]", " ", deployment.terraform("plan", "-input=false", *words, status=1)).split())

    assert [variable for variable, says in REFUSED.items() if says not in said] == []
