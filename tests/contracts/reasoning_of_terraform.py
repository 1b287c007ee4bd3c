"""What sources of Terraform come to, on both sides of where each comparison turns."""

from dataclasses import replace
from typing import Any

from drproof.formats import hcl
from drproof.formats.hcl import Expression
from tests.contracts.checks import House
from tests.contracts.observed_terraform import BY_ITSELF, DRILL_BEHIND, READ_AT
from tests.contracts.reasoning import reasoning

KNOWN = {
    'true ? "a" : "b"': "a",
    'false ? "a" : "b"': "b",
    '"true" ? "a" : "b"': "a",
    '"false" ? "a" : "b"': "b",
    "!true": False,
    "!false": True,
    "true && true": True,
    "true && false": False,
    "false || false": False,
    "false || true": True,
    "false && data.x": False,
    "data.x && false": False,
    "true || data.x": True,
    "data.x || true": True,
    "1 == 1": True,
    "1 == 2": False,
    "1 != 2": True,
    "1 != 1": False,
    "true == 1": False,
    '1 == "1"': False,
    "1.5": 1.5,
    "(1)": 1,
    "(true ? 1 : 2)": 1,
    "true ? false ? 1 : 2 : 3": 2,
    "null": None,
    "var.on": False,
    "var.on ? 1 : 0": 0,
    "local.named": "atlas",
    "local.on": False,
    '"${var.name}-a"': "atlas-a",
    '"a-${local.named}-${var.on}"': "a-atlas-false",
    '"${local.count}"': "1",
    'data.x ? "a" : "a"': "a",
    '"a$b"': "a$b",
    '"50%"': "50%",
}
OPEN = (
    "data.x",
    "var.nothing",
    "local.nothing",
    "data.x && true",
    "true && data.x",
    "data.x || false",
    "data.x == 1",
    "1 == data.x",
    "data.x != 1",
    "!data.x",
    'data.x ? "a" : "b"',
    "try(var.on, true)",
    "var.list[0]",
    "true ? 1",
    "true ?",
    "(true",
    "1 2",
    ")",
    "",
    "3 ? 1 : 2",
    "1 + 1",
    '"${data.x}"',
    '"a\\n"',
    "local.first",
    "var.none",
)


def _scope(house: House) -> Any:
    return house.modules["evaluating"].Scope(
        variables={
            "on": False,
            "name": "atlas",
            "none": house.modules["evaluating"].Unknown("var.none has no default"),
        },
        locals={
            "named": Expression("var.name"),
            "on": Expression("var.on"),
            "count": 1,
            "first": Expression("local.second"),
            "second": Expression("local.first"),
        },
    )


@reasoning
def an_expression_comes_to_what_defaults_and_locals_say_and_else_to_nothing(house: House) -> None:
    evaluating = house.modules["evaluating"]
    for text, expected in KNOWN.items():
        found = evaluating.value_of(Expression(text), _scope(house))
        assert found == expected, (text, found)
        assert type(found) is type(expected), (text, found)
    for text in OPEN:
        found = evaluating.value_of(Expression(text), _scope(house))
        assert type(found).__name__ == "Unknown", (text, found)
        assert found.why
    listed = evaluating.value_of([Expression("var.on"), {"a": Expression("var.name")}, "x"], _scope(house))
    assert listed == [False, {"a": "atlas"}, "x"]
    assert evaluating.value_of(Expression("local.first"), _scope(house)).why == "its locals lead in a circle"
    assert evaluating.value_of(Expression("var.none"), _scope(house)).why == "var.none has no default"
    assert evaluating.value_of(Expression("f(x)"), _scope(house)).why == "`f(x)` is known only when it is planned"
    chained = evaluating.Scope(locals={f"l{n}": Expression(f"local.l{n + 1}") for n in range(50)} | {"l50": 7})
    assert evaluating.value_of(Expression("local.l0"), chained) == 7
    longer = evaluating.Scope(locals={f"l{n}": Expression(f"local.l{n + 1}") for n in range(51)} | {"l51": 7})
    assert type(evaluating.value_of(Expression("local.l0"), longer)).__name__ == "Unknown"


def _read(house: House, variable: str = "enable_triggers", **texts: str) -> dict[str, Any]:
    """Return what is read of modules: `name__file_tf` is a file of a module, beside the others of that name."""
    reading = house.modules["reading_modules"]
    files: dict[str, dict[str, str]] = {}
    for key, text in texts.items():
        module, _, name = key.partition("__")
        files.setdefault(module, {})[
            {
                "lock": ".terraform.lock.hcl",
                "values": "terraform.tfvars",
                "auto": "b.auto.tfvars",
                "early": "a.auto.tfvars",
            }.get(name, f"{name or 'main'}.tf")
        ] = text
    sources = [
        reading.Source(
            name=module,
            place=f"/a/{module}",
            parsed={name: hcl.parse(text.encode()) for name, text in of.items()},
        )
        for module, of in files.items()
    ]
    return {one.name: one for one in reading.read(sources, variable)}


def _rows(rows: Any) -> list[tuple[str, str]]:
    return [(row.at, row.value or f"? {row.why}") for row in rows]


def _switch(house: House, body: str, kind: str = "aws_cloudwatch_event_rule") -> list[tuple[str, str]]:
    return _rows(_read(house, one=f'resource "{kind}" "a" {{\n{body}\n}}\n')["one"].switches)


@reasoning
def what_starts_by_itself_is_on_until_something_says_off(house: House) -> None:
    rule = "aws_cloudwatch_event_rule.a"
    assert _switch(house, "") == [(f"{rule}.state", "on")]
    assert _switch(house, 'state = "ENABLED"') == [(f"{rule}.state", "on")]
    assert _switch(house, 'state = "DISABLED"') == [(f"{rule}.state", "off")]
    assert _switch(house, "state = null") == [(f"{rule}.state", "on")]
    assert _switch(house, "is_enabled = false") == [(f"{rule}.is_enabled", "off")]
    assert _switch(house, "is_enabled = true") == [(f"{rule}.is_enabled", "on")]
    assert _switch(house, 'is_enabled = "false"') == [(f"{rule}.is_enabled", "off")]
    assert _switch(house, "count = 0") == [(f"{rule}.count", "off")]
    assert _switch(house, "count = 1") == [(f"{rule}.state", "on")]
    assert _switch(house, "count = data.x") == [(f"{rule}.state", "on")]
    assert _switch(house, "count = false") == [(f"{rule}.state", "on")]
    assert _switch(house, 'state = "SOMETIMES"') == [(f"{rule}.state", "? it is no word that is known here")]
    assert _switch(house, "state = []") == [(f"{rule}.state", "? it is no word that is known here")]
    assert _switch(house, 'state = ""') == [(f"{rule}.state", "? nothing is said")]
    assert _switch(house, "state = f(x)") == [(f"{rule}.state", "? `f(x)` is known only when it is planned")]
    assert _switch(house, "", "aws_scheduler_schedule") == [("aws_scheduler_schedule.a.state", "on")]
    assert _switch(house, 'desired_state = "STOPPED"', "aws_pipes_pipe") == [("aws_pipes_pipe.a.desired_state", "off")]
    assert _switch(house, "", "aws_instance") == []
    for kind in ("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"):
        assert _switch(house, "", kind) == []
        assert _switch(house, "ok_actions = []", kind) == []
        assert _switch(house, "alarm_actions = [local.x]", kind) == [(f"{kind}.a.actions_enabled", "on")]
        assert _switch(house, "ok_actions = [local.x]\nactions_enabled = false", kind) == [
            (f"{kind}.a.actions_enabled", "off")
        ]
    bare = _read(house, one="resource {\n}\n")["one"]
    assert (bare.switches, bare.machines, bare.images, bare.providers) == ((), (), (), ())


@reasoning
def variables_come_to_defaults_then_values_files_then_what_callers_say(house: House) -> None:
    def default(**texts: str) -> list[tuple[str, str]]:
        return _rows(_read(house, **texts)["one"].switches)

    declared = 'variable "enable_triggers" {\n  default = false\n}\n'
    at = "variable.enable_triggers"
    assert default(one=declared) == [(at, "off")]
    assert default(one=declared.replace("false", "true")) == [(at, "on")]
    assert default(one='variable "enable_triggers" {\n}\n') == [(at, "? var.enable_triggers has no default")]
    assert default(one='variable "other" {\n  default = true\n}\n') == []
    assert default(one="variable {\n}\n") == []
    assert _rows(_read(house, "armed", one='variable "armed" {\n  default = true\n}\n')["one"].switches) == [
        ("variable.armed", "on")
    ]
    assert default(one=declared, one__values="enable_triggers = true\n") == [(at, "on")]
    assert default(one=declared, one__values="another = true\n") == [(at, "off")]
    assert default(one=declared, one__values="enable_triggers = true\n", one__auto="enable_triggers = false\n") == [
        (at, "off")
    ]
    assert default(one=declared, one__early="enable_triggers = false\n", one__auto="enable_triggers = true\n") == [
        (at, "on")
    ]
    call = 'module "m" {\n  source = "../one"\n%s\n}\n'
    assert default(one=declared, two=call % "  enable_triggers = true") == [(at, "on")]
    assert default(one=declared, two=call % "") == [(at, "off")]
    assert default(one=declared, one__values="enable_triggers = true\n", two=call % "") == [(at, "off")]
    both = default(one=declared, two=call % "  enable_triggers = true", three=call % "  enable_triggers = true")
    assert both == [(at, "on")]
    some = default(one=declared, two=call % "  enable_triggers = true", three=call % "")
    assert some == [(at, "? var.enable_triggers is another one by each caller")]
    differ = default(one=declared, two=call % "  enable_triggers = true", three=call % "  enable_triggers = false")
    assert differ == [(at, "? var.enable_triggers is another one by each caller")]
    circle = default(one=declared + call % "  enable_triggers = var.enable_triggers")
    assert circle == [(at, "? one calls itself")]


@reasoning
def a_call_leads_to_a_module_that_was_handed_in_or_to_what_nobody_read(house: House) -> None:
    def call(source: str) -> str:
        return f'module "m" {{\n  source = {source}\n}}\n'

    found = _read(house, one=call('"../two"'), two='variable "a" {\n}\n')
    assert (found["one"].unread, found["two"].called_by, found["one"].called_by) == ((), ("one",), ())
    assert _read(house, one=call('"../three"'))["one"].unread == ("module.m from ../three",)
    assert _read(house, one=call('"two"'), two="locals {}\n")["one"].unread == ("module.m from two",)
    assert _read(house, one=call("var.x"))["one"].unread == ("module.m from what is known when it is planned",)
    assert _read(house, one='module "m" {\n}\n')["one"].unread == ("module.m from what is known when it is planned",)


@reasoning
def a_backend_is_local_remote_or_of_a_kind_whose_lock_is_not_known(house: House) -> None:
    def backend(body: str) -> tuple[str, str]:
        found = _read(house, one=f"terraform {{\n{body}\n}}\n")["one"].backend
        return found.kind, found.lock

    assert backend("") == ("", "none")
    assert backend('backend "local" {\n}') == ("local", "none")
    assert backend('backend "inmem" {\n}') == ("inmem", "none")
    assert backend("backend {\n}") == ("local", "none")
    assert backend("cloud {\n}") == ("cloud", "held")
    for kind in ("azurerm", "consul", "gcs", "kubernetes", "pg", "remote"):
        assert backend(f'backend "{kind}" {{\n}}') == (kind, "held")
    assert backend('backend "oss" {\n}') == ("oss", "unknown")
    assert backend('backend "s3" {\n}') == ("s3", "unknown")
    assert backend('backend "s3" {\n  use_lockfile = true\n}') == ("s3", "held")
    assert backend('backend "s3" {\n  use_lockfile = "true"\n}') == ("s3", "held")
    assert backend('backend "s3" {\n  use_lockfile = false\n}') == ("s3", "none")
    assert backend('backend "s3" {\n  use_lockfile = "false"\n}') == ("s3", "none")
    assert backend('backend "s3" {\n  dynamodb_table = "a"\n}') == ("s3", "held")
    assert backend('backend "s3" {\n  dynamodb_table = ""\n}') == ("s3", "none")
    assert backend('backend "s3" {\n  use_lockfile = false\n  dynamodb_table = data.x\n}') == ("s3", "unknown")
    assert backend('backend "s3" {\n  use_lockfile = true\n  dynamodb_table = data.x\n}') == ("s3", "held")
    assert backend('backend "http" {\n}') == ("http", "unknown")
    assert backend('backend "http" {\n  lock_address = "https://a"\n}') == ("http", "held")
    assert backend('backend "local" {\n}\nbackend "gcs" {\n}') == ("gcs", "held")
    why = _read(house, one='terraform {\n  backend "s3" {\n  }\n}\n')["one"].backend.why
    assert why.startswith("neither of use_lockfile and dynamodb_table is written")
    assert _read(house, one='terraform {\n  backend "http" {\n  }\n}\n')["one"].backend.why.startswith(
        "lock_address is not written"
    )


@reasoning
def providers_are_those_that_are_required_or_used_and_versions_are_theirs(house: House) -> None:
    def providers(**texts: str) -> list[tuple[str, str, str]]:
        return [(row.name, row.constraint, row.locked) for row in _read(house, **texts)["one"].providers]

    def required(row: str) -> str:
        return f"terraform {{\n  required_providers {{\n    aws = {row}\n  }}\n}}\n"

    locked = (
        'provider "registry.terraform.io/hashicorp/aws" {\n  version = "5.1.0"\n  hashes = ["h1:x"]\n}\n'
        'provider "registry.terraform.io/hashicorp/gone" {\n  hashes = ["h1:x"]\n}\n'
    )
    assert providers(one=required('{ source = "hashicorp/aws", version = "5.0.0" }')) == [("aws", "5.0.0", "")]
    assert providers(one=required('"5.0.0"')) == [("aws", "5.0.0", "")]
    assert providers(one=required("{}")) == [("aws", "", "")]
    assert providers(one=required("{ version = var.x }")) == [("aws", "", "")]
    assert providers(one=required("{}"), one__lock=locked) == [("aws", "", "5.1.0")]
    assert providers(one=required('{ source = "mirror/aws" }'), one__lock=locked) == [("aws", "", "")]
    assert providers(one=required('{ source = "" }'), one__lock=locked) == [("aws", "", "5.1.0")]
    assert providers(one=required('"5.0.0"'), one__lock=locked.replace('["h1:x"]', "[]")) == [("aws", "5.0.0", "")]
    assert providers(one='resource "random_id" "a" {\n}\n') == [("random", "", "")]
    assert providers(one='data "aws_region" "a" {\n}\n') == [("aws", "", "")]
    assert providers(one='resource "terraform_data" "a" {\n}\n') == []
    called = providers(one=required("{}"), two='module "m" {\n  source = "../one"\n}\n', two__lock=locked)
    assert called == [("aws", "", "5.1.0")]


@reasoning
def machines_and_images_are_found_where_they_stand(house: House) -> None:
    def of(text: str) -> Any:
        return _read(house, one=text)["one"]

    spot = 'resource "aws_launch_template" "a" {\n  x {\n    instance_type = "t3.a"\n  }\n}\n'
    assert _rows(of(spot).machines) == [("aws_launch_template.a.instance_type", "t3.a")]
    assert of('resource "aws_launch_template" "a" {\n}\n').machines == ()
    assert _rows(of('resource "aws_instance" "a" {\n}\n').machines) == [
        ("aws_instance.a.instance_type", "? its type is not written here")
    ]
    assert _rows(of('resource "aws_instance" "a" {\n  instance_type = ""\n}\n').machines) == [
        ("aws_instance.a.instance_type", "? nothing is said")
    ]
    assert _rows(of('variable "a_instance_types" {\n  default = ["t4g.a", 1]\n}\n').machines) == [
        ("variable.a_instance_types", "t4g.a"),
        ("variable.a_instance_types", "? it is no word that is known here"),
    ]
    assert of('variable "allow_instance_type" {\n  default = true\n}\n').machines == ()
    assert of('variable "instance" {\n  default = "t3.a"\n}\n').machines == ()
    assert _rows(of('data "a" "b" {\n  x = "ami-01234567 ami-01234567"\n}\n').machine_images) == [
        ("data.a.b.x", "ami-01234567")
    ]
    assert of('locals {\n  a = "ami-0123456 ami-012345678 xami-01234567"\n}\n').machine_images == ()
    assert of('variable "a" {\n  description = "ami-01234567"\n}\n').machine_images == ()
    values = _read(house, one="locals {}\n", one__values='image = "ami-01234567"\n')["one"]
    assert _rows(values.machine_images) == [("image", "ami-01234567")]
    noted = _read(house, one="locals {}\n", one__lock='provider "a" {\n  x = "ami-01234567"\n}\n')["one"]
    assert noted.machine_images == ()
    tasks = 'resource "aws_ecs_task_definition" "a" {\n  container_definitions = %s\n}\n'
    assert _rows(of(tasks % 'jsonencode([{ image = "a:1" }, { "image" : var.x }])').images) == [
        ("aws_ecs_task_definition.a.container_definitions", "a:1"),
        ("aws_ecs_task_definition.a.container_definitions", "? var.x is known only when it is planned"),
    ]
    assert _rows(of(tasks % 'file("a.json")').images) == [
        ("aws_ecs_task_definition.a.container_definitions", "? its images are not written here")
    ]


def _drill(house: House, **changes: Any) -> str:
    bar = replace(BY_ITSELF, **changes.pop("bar", {}))
    told: str = house.modules["drills_behind"].against_it(replace(DRILL_BEHIND, **changes), bar, READ_AT)
    return told


@reasoning
def a_drill_stands_behind_a_trigger_only_if_nothing_speaks_against_it(house: House) -> None:
    assert _drill(house) == ""
    assert _drill(house, status=2) == "it cannot be read"
    assert _drill(house, status=5, codes=("key-unknown",)) == "it is not verified: key-unknown"
    assert _drill(house, status=5, trusted=False) == "no trust file says whose signature counts"
    assert _drill(house, trusted=False) == ""
    assert _drill(house, plan="preflight") == "its plan is preflight, expected recovery"
    assert _drill(house, outcome="refuted") == "its outcome is refuted, expected proven"
    assert _drill(house, account_id="1") == "its account is 1, expected 444455556666"
    assert _drill(house, region="") == "its region is none, expected us-west-2"
    assert _drill(house, machine="").startswith("its state machine is none, expected arn:")
    assert _drill(house, machine="", bar={"machine": ""}) == ""
    assert _drill(house, mode="rehearsal") == "it is a rehearsal, which shows nobody's recovery"
    assert _drill(house, mode="rehearsal", bar={"rehearsal": True}) == ""
    assert _drill(house, mode="live", bar={"rehearsal": True}) == ""
    assert _drill(house, bar={"drill_max_age_ms": 31 * 86_400_000 - 1}).startswith("it was closed at 2026-05-01")
    assert _drill(house, bar={"drill_max_age_ms": 31 * 86_400_000}) == ""


@reasoning
def one_drill_that_counts_is_enough_and_one_that_cannot_be_judged_leaves_it_open(house: House) -> None:
    def status(*drills: Any) -> str:
        found = house.modules["drills_behind"].judged("rule a", drills, BY_ITSELF, READ_AT)
        return str(found.status)

    lost, old = replace(DRILL_BEHIND, name="lost", status=2), replace(DRILL_BEHIND, name="old", outcome="refuted")
    strange = replace(DRILL_BEHIND, name="strange", status=5, trusted=False)
    assert status() == "refuted"
    assert status(DRILL_BEHIND) == "proven"
    assert status(old) == "refuted"
    assert status(replace(old, trusted=False)) == "refuted"
    assert status(lost) == "unproven"
    assert status(strange) == "unproven"
    assert status(old, lost) == "unproven"
    assert status(old, lost, DRILL_BEHIND) == "proven"
