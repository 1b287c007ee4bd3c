"""Where the guardrails of Terraform's sources turn."""

from dataclasses import replace
from typing import Any

from drproof.analysis.terraform.facts import Backend, LockTable, Provider, Written
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed_terraform import DIGEST, FILE, GUARDRAILS, RUNNER, SITE

STATE, TRIGGERS = "terraform_state_is_remote_and_locked", "triggers_are_off_by_default"
MACHINES, AMI = "machines_are_of_an_arm_family", "no_machine_image_is_written_down"
IMAGES, PROVIDERS = "container_images_are_pinned", "providers_are_pinned"
RESERVED, LOCKS = "no_function_is_given_a_reserved_variable", "no_lock_table_collides_with_one_that_is_there"
EVERY = (STATE, TRIGGERS, MACHINES, AMI, IMAGES, PROVIDERS, RESERVED, LOCKS)


def _site(**changes: Any) -> Evidence:
    return PASSING.facts("read_terraform", modules=(replace(SITE, **changes), RUNNER))


def _backend(**changes: Any) -> Evidence:
    return _site(backend=replace(SITE.backend, **changes))


@boundary
def what_was_not_read_leaves_every_guardrail_open_and_says_how_much_was(house: House) -> None:
    broken = replace(FILE, name="b.tf", blocks=0, problem="expected HCL, got something else at line 1")
    for contract in EVERY:
        subject = "site"
        expect(
            house,
            contract,
            (_site(files=(FILE, broken)), UNPROVEN),
            (_site(unread=("module.a from ../a",)), UNPROVEN),
            (_site(files=(replace(FILE, blocks=0),)), UNPROVEN),
            (_site(files=()), UNPROVEN),
            (_site(files=(replace(FILE, blocks=1),)), PROVEN),
            (PASSING.facts("read_terraform", modules=(RUNNER,)), UNPROVEN),
            subject=subject,
        )
        assert house.verdict(contract, _site(files=()), subject).reason == (
            "nothing was read (0 of 0 files, 0 bytes, 0 blocks read)"
        )
        assert house.verdict(contract, _site(files=(FILE, broken)), subject).reason == (
            "b.tf: expected HCL, got something else at line 1 (1 of 2 files, 400 bytes, 9 blocks read)"
        )
        gone = house.verdict(contract, PASSING.facts("read_terraform", modules=(RUNNER,)), subject)
        assert gone.reason == "the receipt does not speak of this module"
        assert house.verdict(contract, PASSING, subject).observed["read"] == "2 of 2 files, 490 bytes, 12 blocks"
        assert not house.contracts[contract].is_asked(
            PASSING.asking(guardrails=replace(GUARDRAILS, sources=())).criteria
        )
    both = _site(files=(broken,), machine_images=(Written(at="a", value="ami-01234567"),))
    expect(house, AMI, (both, REFUTED), subject="site")
    many = _site(unread=tuple(f"module.{name} from x" for name in "abcde"))
    assert "and 2 more (" in house.verdict(AMI, many, "site").reason
    three = _site(unread=tuple(f"module.{name} from x" for name in "abc"))
    assert "more" not in house.verdict(AMI, three, "site").reason


@boundary
def a_state_is_remote_and_locked_or_it_is_refuted(house: House) -> None:
    expect(
        house,
        STATE,
        (_backend(kind="local"), REFUTED),
        (_backend(kind="inmem"), REFUTED),
        (_site(backend=Backend()), REFUTED),
        (_backend(lock="none"), REFUTED),
        (_backend(lock="unknown", why="said at init"), UNPROVEN),
        (_backend(kind="gcs"), PROVEN),
        subject="site",
    )
    assert house.verdict(STATE, _backend(lock="unknown", why="said at init"), "site").reason.startswith(
        "site: said at init"
    )
    assert house.verdict(STATE, PASSING, "runner").observed["seen"] == ["site: s3, lock held"]
    assert house.verdict(STATE, _site(backend=Backend()), "site").observed["seen"] == ["site: none, lock none"]
    expect(house, STATE, (_backend(lock="none"), REFUTED), (PASSING, PROVEN), subject="runner")
    own = PASSING.facts("read_terraform", modules=(SITE, replace(RUNNER, called_by=())))
    expect(house, STATE, (own, REFUTED), subject="runner")
    lost = PASSING.facts("read_terraform", modules=(SITE, replace(RUNNER, called_by=("nobody",))))
    expect(house, STATE, (lost, REFUTED), subject="runner")
    circle = PASSING.facts("read_terraform", modules=(replace(SITE, called_by=("runner",)), RUNNER))
    expect(house, STATE, (circle, REFUTED), subject="runner")


@boundary
def what_is_on_is_refuted_unless_it_was_accepted_by_name(house: House) -> None:
    def row(**changes: str) -> Evidence:
        first, second, watcher = SITE.switches
        return _site(switches=(first, replace(second, **changes), watcher))

    expect(
        house,
        TRIGGERS,
        (row(value="on"), REFUTED),
        (row(value="", why="known when it is planned"), UNPROVEN),
        (_site(switches=()), PROVEN),
        (PASSING.asking(guardrails=replace(GUARDRAILS, always_on=())), REFUTED),
        (
            PASSING.asking(guardrails=replace(GUARDRAILS, always_on=("runner/aws_cloudwatch_event_rule.watcher",))),
            REFUTED,
        ),
        (PASSING.asking(guardrails=replace(GUARDRAILS, always_on=("site/aws_cloudwatch_event_rule.watch",))), REFUTED),
        subject="site",
    )
    told = house.verdict(TRIGGERS, row(value="on"), "site").reason
    assert "aws_cloudwatch_event_rule.schedule.state is on by default" in told
    assert "var.enable_triggers" in told
    assert "site/aws_cloudwatch_event_rule.schedule in guardrails.always_on" in told
    assert house.verdict(TRIGGERS, PASSING, "site").observed["seen"] == {
        "switches": ["variable.enable_triggers = off", "aws_cloudwatch_event_rule.schedule.state = off"],
        "accepted": ["aws_cloudwatch_event_rule.watcher"],
    }


@boundary
def machines_are_judged_by_their_family_and_what_is_no_type_is_open(house: House) -> None:
    def of(value: str, why: str = "") -> Evidence:
        return _site(machines=(Written(at="a.b.instance_type", value=value, why=why),))

    expect(
        house,
        MACHINES,
        (of("m7gd.large"), PROVEN),
        (of("a1.large"), PROVEN),
        (of("t3.large"), REFUTED),
        (of("g4dn.xlarge"), REFUTED),
        (of("large"), UNPROVEN),
        (of("", "var.size has no default"), UNPROVEN),
        (_site(machines=()), PROVEN),
        subject="site",
    )
    assert "is no type of a machine" in house.verdict(MACHINES, of("large"), "site").reason
    assert house.verdict(MACHINES, of("", "none"), "site").reason.startswith("a.b.instance_type: none (")
    assert house.verdict(MACHINES, of("", "none"), "site").observed["seen"] == ["a.b.instance_type = not known"]


@boundary
def images_are_pinned_by_digest_and_only_the_platforms_own_by_release(house: House) -> None:
    def of(value: str, why: str = "") -> Evidence:
        return _site(images=(Written(at="a.b.image", value=value, why=why),))

    expect(
        house,
        IMAGES,
        (of(f"atlas@{DIGEST}"), PROVEN),
        (of(f"atlas:1@{DIGEST}"), PROVEN),
        (of("aws/codebuild/standard:7.0"), PROVEN),
        (of("aws/codebuild/standard"), REFUTED),
        (of("aws/codebuild/standard:latest"), REFUTED),
        (of("mirror/aws/codebuild/standard:7.0"), REFUTED),
        (of("atlas"), REFUTED),
        (of("atlas:1"), REFUTED),
        (of("atlas@sha256:abcd"), REFUTED),
        (of("", "known when it is planned"), UNPROVEN),
        subject="site",
    )


@boundary
def providers_have_one_version(house: House) -> None:
    def of(constraint: str, locked: str = "") -> Evidence:
        return _site(providers=(Provider(name="aws", constraint=constraint, locked=locked),))

    expect(
        house,
        PROVIDERS,
        (of("5.100.0"), PROVEN),
        (of("= 5.100.0"), PROVEN),
        (of("5.100.0-beta1"), PROVEN),
        (of("~> 5.100.0"), REFUTED),
        (of(">= 5.0"), REFUTED),
        (of("5.100"), REFUTED),
        (of("5.100.0, < 6"), REFUTED),
        (of(""), REFUTED),
        (of(">= 5.0", "5.1.0"), PROVEN),
        (of("", "5.1.0"), PROVEN),
        subject="site",
    )
    assert house.verdict(PROVIDERS, PASSING, "site").observed["seen"] == ["aws 5.100.0", "random 3.7.2"]
    assert house.verdict(PROVIDERS, of(""), "site").observed["seen"] == ["aws any"]
    assert "may be any version\n" in house.verdict(PROVIDERS, of(""), "site").reason
    assert "may be any version >= 5.0\n" in house.verdict(PROVIDERS, of(">= 5.0"), "site").reason


DOCUMENTED = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
]


@boundary
def a_function_is_given_no_name_that_the_platform_keeps_and_may_be_given_any_other(house: House) -> None:
    def of(value: str, why: str = "") -> Evidence:
        return _site(
            function_variables=(Written(at="aws_lambda_function.a.environment.variables", value=value, why=why),)
        )

    refused = [(of(name), REFUTED) for name in DOCUMENTED]
    allowed = [
        (of(name), PROVEN)
        for name in ("TZ", "LANG", "PATH", "AWS_REGIONS", "aws_region", "HANDLER", "ATLAS_AWS_REGION")
    ]
    expect(house, RESERVED, *refused, *allowed, (of("", "it is passed in"), UNPROVEN), subject="site")
    expect(house, RESERVED, (_site(function_variables=()), PROVEN), subject="site")
    told = house.verdict(RESERVED, of("AWS_REGION"), "site").reason
    assert told.startswith("aws_lambda_function.a.environment.variables has AWS_REGION, with which Lambda refuses")
    assert "next: take it out" in told


@boundary
def a_lock_table_that_is_made_unconditionally_is_refuted(house: House) -> None:
    def of(guard: Any, why: str = "") -> Evidence:
        return _site(lock_tables=(LockTable(at="aws_dynamodb_table.a", name="atlas-lock", guard=guard, why=why),))

    expect(
        house,
        LOCKS,
        (of("import"), PROVEN),
        (of("condition"), PROVEN),
        (of("off"), PROVEN),
        (of("none"), REFUTED),
        (of("unknown", "its count is not understood"), UNPROVEN),
        (_site(lock_tables=()), PROVEN),
        subject="site",
    )
    assert house.verdict(LOCKS, of("unknown", "strange"), "site").reason.startswith("aws_dynamodb_table.a: strange (")
    assert "aws_dynamodb_table.a is made unconditionally" in house.verdict(LOCKS, of("none"), "site").reason
    assert house.verdict(LOCKS, PASSING, "site").observed["seen"] == [
        "aws_dynamodb_table.lock (atlas-lock): import",
        "aws_dynamodb_table.other (named when it is planned): condition",
        "aws_dynamodb_table.none (gone): off",
    ]
