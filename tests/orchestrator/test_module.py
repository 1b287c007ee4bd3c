"""The orchestrator's module: valid, planned and applied by the real binary, planned clean again, and taken away."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from drproof import catalog
from drproof.engine.settings import resolve
from drproof.model.alarms import AlarmRule
from drproof.model.settings import Settings
from drproof.orchestrator import package
from drproof.orchestrator.asked import SCHEDULE, Given, asked_of
from drproof.orchestrator.deployment import module_variables, settings_in, watched_in
from drproof.targets import embedded
from tests.contracts.evidence import PASSING
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
ALARMS_TO = "arn:aws:sns:us-east-1:111122223333:atlas-dr-alarms"
ROLES = ("builds", "function", "machine", "schedule", "watcher")


class Deployment:
    """The module in a folder of its own, against one embedded world."""

    def __init__(self, yard: Yard, folder: Path, variables: dict[str, Any], settings: Path) -> None:
        self.yard = yard
        self.variables = variables
        self.plans: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
        self.settings_file = settings
        self.settings: Settings = settings_in(settings, {})
        self.folder = folder / "terraform" / "orchestrator"
        shutil.copytree(DEPLOY, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (self.folder / "v.auto.tfvars.json").write_text(json.dumps(variables))
        # The world answers every service at one place, and its state is nobody's business.
        (self.folder / "world_override.tf.json").write_text(
            json.dumps(
                {
                    "terraform": {"backend": {"local": {}}},
                    "provider": {"aws": [self._provider(), {"alias": "primary", **self._provider("primary")}]},
                }
            )
        )
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TF_CLI_CONFIG_FILE": str(configuration(folder)),
            "CHECKPOINT_DISABLE": "1",
        }
        self.terraform("init", "-input=false")

    def _provider(self, side: str = "recovery") -> dict[str, Any]:
        issued = embedded.credentials(self.yard.world.endpoint)[side]
        return {
            "access_key": issued["access_key_id"],
            "secret_key": issued["secret_access_key"],
            "endpoints": [dict.fromkeys(SERVICES, self.yard.world.endpoint)],
            "s3_use_path_style": True,
            "skip_credentials_validation": True,
            "skip_metadata_api_check": True,
            "skip_region_validation": True,
        }

    def planned(self, *words: str) -> dict[str, dict[str, Any]]:
        """Return what a plan would make, by its address: attributes, and `provider`, by which it would be made."""
        if words not in self.plans:
            self.plans[words] = self._planned(*words)
        return self.plans[words]

    def _planned(self, *words: str) -> dict[str, dict[str, Any]]:
        self.terraform("plan", "-input=false", "-out=planned", *words)
        shown = json.loads(self.terraform("show", "-json", "planned"))
        made = shown["planned_values"]["root_module"]["resources"]
        by = {one["address"]: one["provider_config_key"] for one in shown["configuration"]["root_module"]["resources"]}
        return {one["address"]: {**one["values"], "provider": by[one["address"].partition("[")[0]]} for one in made}

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
        **module_variables(settings_in(settings, {}), watched_in(settings, {}), built),
        "project": "atlas",
        "tf_state_bucket_name": "atlas-orchestrated-tfstate",
        "tf_lock_table_name": "atlas-dr-tf-lock",
        "codebuild_project": "atlas-orchestrated-infra",
        "dr_vpc_id": subnet["VpcId"],
        "dr_subnet_id": subnet["SubnetId"],
        "alarm_topic_arn": ALARMS_TO,
    }
    yield Deployment(yard, folder / "deploy", variables, settings)
    yard.world.stop()


@needs_provider
def test_the_module_comes_up_with_its_triggers_off_is_planned_clean_again_and_goes_away(deployment: Deployment) -> None:
    deployment.terraform("validate")
    # A lock table that somebody made before is taken over.
    make_table(deployment.yard.client("dynamodb"), "atlas-dr-tf-lock")
    said = deployment.terraform("apply", "-input=false", "-auto-approve", "-var", "import_lock_table=true")
    assert "1 imported" in said
    outputs = {name: one["value"] for name, one in json.loads(deployment.terraform("output", "-json")).items()}

    events = deployment.yard.client("events")
    assert outputs["schedule_rule_enabled"] is False
    assert events.describe_rule(Name=outputs["schedule_rule_name"])["State"] == "DISABLED"
    names = [outputs["pipeline_freshness_alarm_name"], outputs["publish_correctness_alarm_name"]]
    assert outputs["primary_alarm_names"] == names
    watching = deployment.yard.client("cloudwatch", "primary").describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert [alarm["ActionsEnabled"] for alarm in watching] == [False, False]
    names = ["atlas-dr-orchestrator-watcher-failed"]
    (watcher,) = deployment.yard.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert watcher["ActionsEnabled"]
    assert events.describe_rule(Name="atlas-dr-orchestrator-watcher")["State"] == "ENABLED"
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
def test_another_package_a_topic_that_no_alarm_reaches_and_an_unknown_period_are_refused(
    deployment: Deployment,
) -> None:
    wrong = (f"package_sha256={'0' * 64}", "alarm_topic_arn=", "alarm_period_seconds=0")

    said = deployment.terraform("plan", "-input=false", *(word for one in wrong for word in ("-var", one)), status=1)

    said = " ".join(re.sub(r"[│╷╵]", " ", said).split())
    assert "another one than these variables were written for" in said
    topic = deployment.variables["notification_topic_arn"]
    assert f"expected one in us-east-1, got {topic}: say alarm_topic_arn" in said
    assert "set primary.metrics_every in drproof.toml" in said


REFUSED = {
    "codebuild_image=public.ecr.aws/x/builder:latest": "names no release",
    "dr_instance_type=m5.large": "of no ARM family",
    "lambda_timeout_seconds=3600": "900 seconds at most",
    'phase_policy={"Statement":[{"Action":["s3:*"]}]}': "allows every action",
    "project=Atlas Jobs": "is no name of lower-case letters",
    "notification_topic_arn=people": "is no ARN of a topic",
    "alarm_missing_data=ignore": "takes it for health",
    "alarm_period_seconds=90": "is no whole number of minutes",
    'fault_values={"PublishCorrectness":"bad"}': "fault_values are numbers",
    "dr_runner_name=": "would let builds take away every role",
    "tf_state_key=atlas/*": "is no key of one object",
}


@needs_provider
def test_what_a_guardrail_forbids_is_refused(deployment: Deployment) -> None:
    words = [word for variable in REFUSED for word in ("-var", variable)]

    said = " ".join(re.sub(r"[│╷╵]", " ", deployment.terraform("plan", "-input=false", *words, status=1)).split())

    assert [variable for variable, says in REFUSED.items() if says not in said] == []


FRESHNESS = "aws_cloudwatch_metric_alarm.pipeline_freshness[0]"
CORRECTNESS = 'aws_cloudwatch_metric_alarm.publish_correctness["PublishCorrectness"]'
FAULTS = {"Balance": "-2", "IsWell": "0", "PublishCorrectness": "1"}
"""What metrics say at a fault: of each sign, and none."""
WATCHER_FAILED = "aws_cloudwatch_metric_alarm.watcher"


def alarm_rule(planned: dict[str, Any]) -> AlarmRule:
    """Return a planned alarm as a drill reads one that is there."""
    return AlarmRule(
        state="OK",
        name=planned["alarm_name"],
        kind="metric",
        namespace=planned["namespace"],
        metric=planned["metric_name"],
        dimensions=planned["dimensions"],
        statistic=planned["statistic"],
        comparison=planned["comparison_operator"],
        threshold=str(planned["threshold"]),
        period_ms=planned["period"] * 1000,
        periods=planned["evaluation_periods"],
        datapoints=planned["datapoints_to_alarm"] or planned["evaluation_periods"],
        missing_data=planned["treat_missing_data"],
        actions_enabled=planned["actions_enabled"],
        actions=tuple(planned["alarm_actions"]),
        insufficient_data_actions=tuple(planned["insufficient_data_actions"] or ()),
    )


def judged(deployment: Deployment, rules: tuple[AlarmRule, ...]) -> dict[str, str]:
    """Return what the health contracts say of alarms, where the settings that were packaged are the bar."""
    file = deployment.settings_file
    resolved = resolve({}, {}, file, needed=("criteria.", "primary."), directory=file.parent)
    watched, primary = watched_in(file, {}), deployment.settings.primary
    cadence = replace(watched.cadence, fault_values=FAULTS)
    evidence = PASSING.facts(
        "read_alarms",
        alarms=rules,
        freshness_limit_ms=watched.freshness_limit_ms,
        schedule=cadence.schedule,
        schedule_gap_ms=cadence.longest_gap_ms + cadence.slack_ms,
    )
    evidence = evidence.facts(
        "check_health",
        namespace=primary.metrics.namespace,
        dimensions=primary.metrics.dimensions,
        metrics=(cadence.age_metric, *FAULTS),
    ).asking(
        alarms=tuple(rule.name for rule in rules),
        cadence=cadence,
        freshness_limit_ms=watched.freshness_limit_ms,
        rpo_ms=resolved["criteria.rpo"],
    )
    contracts = [one for one in catalog.plan("health").contracts if "read_alarms" in one.needs]
    assert len(contracts) > 6
    return {
        verdict.name: f"{verdict.status.value}: {verdict.reason}"
        for contract in contracts
        for verdict in evidence.verdicts(contract)
    }


@needs_provider
def test_the_alarms_that_are_planned_are_ones_that_our_health_contracts_accept(deployment: Deployment) -> None:
    planned = deployment.planned("-var", "enable_triggers=true", "-var", f"fault_values={json.dumps(FAULTS)}")

    alarms = {address: one for address, one in planned.items() if one.get("alarm_name")}
    ours = {address: alarm_rule(one) for address, one in alarms.items() if address != WATCHER_FAILED}
    assert {one["provider"] for address, one in alarms.items() if address in ours} == {"aws.primary"}
    assert alarms[WATCHER_FAILED]["provider"] == "aws"
    assert {rule.name.removeprefix("atlas-dr-orchestrator-"): rule.threshold for rule in ours.values()} == {
        "balance": "-1",
        "is-well": "0.5",
        "pipeline-freshness": "26",
        "publish-correctness": "0.5",
    }
    assert {rule.insufficient_data_actions for rule in ours.values()} == {(ALARMS_TO,)}
    rules = (ours.pop(FRESHNESS), *ours.values())
    said = judged(deployment, rules)
    assert len(said) > 4 * 6
    assert {name: one for name, one in said.items() if not one.startswith("proven")} == {}
    # The same contracts refute what was set before: without a schedule's time, without anybody told of silence.
    before = replace(rules[0], threshold="6", period_ms=30_000, insufficient_data_actions=())
    refuted = [name for name, one in judged(deployment, (before,)).items() if one.startswith("refuted")]
    assert refuted == [
        f"alarm_is_quiet_on_a_healthy_day[{before.name}]",
        f"alarm_takes_no_silence_for_health[{before.name}]",
    ]


@needs_provider
def test_with_triggers_off_the_schedule_and_the_alarms_on_the_site_are_off_and_the_watcher_tells(
    deployment: Deployment,
) -> None:
    planned = deployment.planned()

    assert planned["aws_cloudwatch_event_rule.schedule"]["state"] == "DISABLED"
    assert [planned[one]["actions_enabled"] for one in (FRESHNESS, CORRECTNESS)] == [False, False]
    assert planned["aws_cloudwatch_event_rule.watcher"]["state"] == "ENABLED"
    assert planned[WATCHER_FAILED]["actions_enabled"]
    assert planned[WATCHER_FAILED]["alarm_actions"] == [deployment.variables["notification_topic_arn"]]


@needs_provider
def test_what_the_schedule_says_is_an_input_that_the_function_takes_for_a_look_nobody_asked_for(
    deployment: Deployment,
) -> None:
    planned = deployment.planned()
    said = json.loads(planned["aws_cloudwatch_event_target.schedule"]["input"])

    arn = "arn:aws:states:us-west-2:444455556666:execution:atlas-dr-orchestrator:tick"
    asked = asked_of({"act": "check_health", "execution": {"arn": arn, "name": "tick"}, "input": said})
    assert asked.input == Given(backup_uri=deployment.settings.backup_uri, requested_by=SCHEDULE)
    assert asked.input.is_unattended
    assert asked.input.backup_uri.startswith("s3://")
