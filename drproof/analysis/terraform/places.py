"""Where in a module's sources something is said that a guardrail is about, and what it comes to there."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from drproof.analysis.terraform.evaluating import Scope, Unknown, value_of
from drproof.analysis.terraform.facts import Written
from drproof.formats.hcl import Block, Expression, texts

ON, OFF = "on", "off"
SWITCHES: Mapping[str, tuple[str, ...]] = {
    "aws_cloudwatch_composite_alarm": ("actions_enabled",),
    "aws_cloudwatch_event_rule": ("state", "is_enabled"),
    "aws_cloudwatch_metric_alarm": ("actions_enabled",),
    "aws_pipes_pipe": ("desired_state",),
    "aws_scheduler_schedule": ("state",),
}
"""What starts or acts by itself, and the attributes that switch it; where none is written, it is on."""
ACTIONS = ("alarm_actions", "ok_actions", "insufficient_data_actions")
OFF_WORDS = frozenset({"DISABLED", "STOPPED", "false"})
ON_WORDS = frozenset({"ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", "RUNNING", "true"})

TYPES = ("instance_type", "instance_types")
TYPED = frozenset({"aws_eks_node_group", "aws_instance", "aws_spot_instance_request"})
"""Machines that have a type of their own, one out of a template, or the platform's own default."""
REQUIREMENTS = "instance_requirements"
"""What a machine must have, by which the platform chooses its type."""
IMAGES = ("image", "image_uri", "image_identifier")
IN_DEFINITIONS = ("container_definitions", "container_properties", "ecs_properties", "node_properties")
NAMED_IMAGE = re.compile(r'(?:"image"|\bimage)\s*[=:]\s*(?P<value>"(?:[^"\\]|\\.)*"|[^,}\n]+)')
MACHINE_IMAGE = re.compile(r"\bami-(?:[0-9a-f]{17}|[0-9a-f]{8})\b")
FOR_PEOPLE = frozenset({"description", "error_message"})
"""Attributes that make nothing: they tell people what a value looks like."""
LONGEST = 200
"""Characters of what is not known, in a reason."""


def switches(resources: Iterable[Block], scope: Scope) -> Iterator[Written]:
    """Yield what starts or acts by itself, each `on` or `off` by the sources alone."""
    for block in resources:
        names = SWITCHES.get(block.labels[0], ()) if block.labels else ()
        if not names or (names == ("actions_enabled",) and not _acts(block, scope)):
            # An alarm without actions tells nobody and starts nothing.
            continue
        yield _switch(block, names, scope)


def machines(resources: Iterable[Block], scope: Scope) -> Iterator[Written]:
    """Yield the type of each machine, and of each that templates and groups may make."""
    for block in resources:
        found = list(_named(block, TYPES, scope))
        if any(REQUIREMENTS in (inner.kind, *inner.labels) for inner in block.all_blocks()):
            found.append(Written(at=f"{_address(block)}.{REQUIREMENTS}", why="the platform chooses a type by them"))
        yield from found
        if not found and block.labels and block.labels[0] in TYPED:
            yield Written(at=f"{_address(block)}.instance_type", why="its type is not written here")


def types_of_variables(scope: Scope) -> Iterator[Written]:
    """Yield the types of machines that variables stand for, where somebody else makes the machine."""
    for name, value in sorted(scope.variables.items()):
        # A flag about types is no type.
        if name.endswith(TYPES) and not isinstance(value, bool):
            for one in value if isinstance(value, list) else [value]:
                yield _written(f"variable.{name}", one)


def machine_images(file: Block) -> Iterator[Written]:
    """Yield each id of a machine image that is written down, wherever it stands."""
    for top in file.blocks:
        for block in top.all_blocks():
            # A local may be named as it likes: what it says is used elsewhere.
            yield from _ids(f"{_address(top)}", block.attributes, but=() if top.kind == "locals" else FOR_PEOPLE)
    yield from _ids("", file.attributes, but=())


def images(resources: Iterable[Block], scope: Scope) -> Iterator[Written]:
    """Yield each image of a container."""
    for block in resources:
        yield from _named(block, IMAGES, scope)
        for inner in block.all_blocks():
            for name in IN_DEFINITIONS:
                if name in inner.attributes:
                    yield from _in_definitions(f"{_address(block)}.{name}", inner.attributes[name], scope)


def _address(block: Block) -> str:
    labels = block.labels if block.kind == "resource" else (block.kind, *block.labels)
    return ".".join(labels)


def _acts(alarm: Block, scope: Scope) -> bool:
    return any(value_of(alarm.attributes[name], scope) != [] for name in ACTIONS if name in alarm.attributes)


def _switch(block: Block, names: tuple[str, ...], scope: Scope) -> Written:
    count = value_of(block.attributes.get("count", 1), scope)
    if count == 0 and not isinstance(count, bool):
        # It is made only where something else says so.
        return Written(at=f"{_address(block)}.count", value=OFF)
    name = next((one for one in names if one in block.attributes), names[0])
    at = f"{_address(block)}.{name}"
    value = value_of(block.attributes[name], scope) if name in block.attributes else "ENABLED"
    return switched(at, value)


def switched(at: str, value: object) -> Written:
    """Return a place that switches something, as `on` or `off`; what nobody says is on."""
    word = str(value).lower() if isinstance(value, bool) else value
    if isinstance(word, str) and word in OFF_WORDS:
        return Written(at=at, value=OFF)
    if value is None or (isinstance(word, str) and word in ON_WORDS):
        return Written(at=at, value=ON)
    return Written(at=at, why=_why(value))


def _named(block: Block, names: tuple[str, ...], scope: Scope) -> Iterator[Written]:
    for inner in block.all_blocks():
        for name in names:
            if name not in inner.attributes:
                continue
            value = value_of(inner.attributes[name], scope)
            for one in value if isinstance(value, list) else [value]:
                yield _written(f"{_address(block)}.{name}", one)


def _written(at: str, value: Any) -> Written:  # noqa: ANN401 — what an expression came to
    if isinstance(value, str) and value:
        return Written(at=at, value=value)
    return Written(at=at, why=_why(value))


def _why(value: object) -> str:
    if isinstance(value, Unknown):
        return value.why[:LONGEST]
    return "nothing is said" if value is None or value == "" else "it is no word that is known here"


def _ids(address: str, attributes: Mapping[str, Any], *, but: Collection[str]) -> Iterator[Written]:
    for name, value in attributes.items():
        if name in but:
            continue
        at = f"{address}.{name}" if address else name
        for found in dict.fromkeys(match for text in texts(value) for match in MACHINE_IMAGE.findall(text)):
            yield Written(at=at, value=found)


def _in_definitions(at: str, value: object, scope: Scope) -> Iterator[Written]:
    found = [match["value"].strip() for text in texts(value) for match in NAMED_IMAGE.finditer(text)]
    for one in found:
        yield _written(at, value_of(Expression(one), scope))
    if not found:
        yield Written(at=at, why="its images are not written here")
