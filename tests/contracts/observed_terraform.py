"""Sources that pass every guardrail, and a drill that triggers may follow, as the phases that read them observe both."""

import hashlib

from drproof.analysis.terraform.facts import Backend, LockTable, ModuleRead, Provider, SourceFile, Written
from drproof.model.collection import DrillSeen
from drproof.model.criteria import ByItself, Guardrails
from drproof.phases.orchestrator.read_terraform import TerraformObserved
from drproof.phases.orchestrator.read_verified_drill import VerifiedDrillObserved

DIGEST = "sha256:" + "cd" * 32
READ_AT = "2026-06-01T00:00:00.000Z"
DAY = 86_400_000
STATE_MACHINE = "arn:aws:states:us-west-2:444455556666:stateMachine:atlas"

FILE = SourceFile(name="main.tf", sha256=hashlib.sha256(b"main").hexdigest(), bytes=400, blocks=9)
SITE = ModuleRead(
    name="site",
    files=(FILE, SourceFile(name="versions.tf", sha256=hashlib.sha256(b"versions").hexdigest(), bytes=90, blocks=3)),
    backend=Backend(kind="s3", lock="held"),
    switches=(
        Written(at="variable.enable_triggers", value="off"),
        Written(at="aws_cloudwatch_event_rule.schedule.state", value="off"),
        Written(at="aws_cloudwatch_event_rule.watcher.state", value="on"),
    ),
    machines=(Written(at="variable.instance_type", value="t4g.small"),),
    images=(
        Written(at="aws_codebuild_project.infra.image", value="aws/codebuild/amazonlinux-aarch64-standard:3.0"),
        Written(at="aws_lambda_function.reader.image_uri", value=f"registry.example/atlas@{DIGEST}"),
    ),
    providers=(Provider(name="aws", constraint="5.100.0"), Provider(name="random", constraint=">= 3", locked="3.7.2")),
    function_variables=(Written(at="aws_lambda_function.reader.environment.variables", value="EXPECTED_ACCOUNT_ID"),),
    lock_tables=(
        LockTable(at="aws_dynamodb_table.lock", name="atlas-lock", guard="import"),
        LockTable(at="aws_dynamodb_table.other", guard="condition"),
        LockTable(at="aws_dynamodb_table.none", name="gone", guard="off"),
    ),
)
RUNNER = ModuleRead(
    name="runner", files=(FILE,), called_by=("site",), providers=(Provider(name="aws", constraint="= 5.1.0"),)
)
SOURCES = TerraformObserved(modules=(SITE, RUNNER))
GUARDRAILS = Guardrails(
    sources=("site", "runner"),
    always_on=("site/aws_cloudwatch_event_rule.watcher",),
    trigger_variable="enable_triggers",
)

DRILL_BEHIND = DrillSeen(
    name="drill-7",
    status=0,
    codes=(),
    drill_id="drill-7",
    mode="live",
    plan="recovery",
    outcome="proven",
    level=3,
    closed_at="2026-05-01T00:00:00.000Z",
    account_id="444455556666",
    region="us-west-2",
    machine=STATE_MACHINE,
    closing=hashlib.sha256(b"closing").hexdigest(),
    signers=(hashlib.sha256(b"key").hexdigest(),),
)
NO_DRILL = VerifiedDrillObserved(read_at=READ_AT, drills=())
DRILLS = VerifiedDrillObserved(read_at=READ_AT, drills=(DRILL_BEHIND,))
BY_ITSELF = ByItself(drill_max_age_ms=31 * DAY, account_id="444455556666", region="us-west-2", machine=STATE_MACHINE)
