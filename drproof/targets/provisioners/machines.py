"""The one machine of a drill: how it is described to a child process, marked, found again and ended."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from drproof.formats.strict_json import parse
from drproof.model.capabilities import Intent, Runner, RunnerSpec
from drproof.model.codec import decode, encode
from drproof.model.context import DRILL_TAG
from drproof.targets.aws.ec2 import AwsFleet

MANAGED_BY = "terraform"
"""The mark by which teams tell a recovery machine from others; the direct provisioner sets it too."""


def marked(spec: RunnerSpec, origin: str) -> RunnerSpec:
    """Return the specification with all tags that the machine must carry.

    Raises:
        ValueError: it does not carry the drill's own tag, so that nobody could remove what it makes.
    """
    if spec.tags.get(DRILL_TAG) != origin:
        msg = f"runner {spec.name}: expected the tag {DRILL_TAG}={origin}, got {spec.tags.get(DRILL_TAG)!r}"
        raise ValueError(msg)
    own = {"Name": spec.name, "Purpose": spec.purpose, "ManagedBy": MANAGED_BY}
    return replace(spec, tags={**spec.tags, **own})


def sought(spec: RunnerSpec) -> Mapping[str, str]:
    """Return the tags that the drill's own machine carries and no other does, from whichever machine it is asked."""
    return {DRILL_TAG: spec.tags[DRILL_TAG], "Name": spec.name}


def end_all(fleet: AwsFleet, intent: Intent, spec: RunnerSpec, *, timeout_ms: int) -> tuple[str, ...]:
    """End every machine of the drill, return once they are terminated, and say which they were."""
    found = fleet.runners(sought(spec))
    for runner in found:
        if runner.state != "shutting-down":
            fleet.terminate(intent, runner.instance_id)
    for runner in found:
        fleet.wait_until(runner.instance_id, "terminated", timeout_ms=timeout_ms)
    return tuple(runner.instance_id for runner in found)


def outputs(spec: RunnerSpec, runners: tuple[Runner, ...]) -> dict[str, str]:
    """Return what a provisioner says about the machine that is up."""
    return {
        "drill": spec.tags[DRILL_TAG],
        "instance_id": ",".join(found.instance_id for found in runners),
        "name": spec.name,
    }


def plain(value: RunnerSpec | Intent) -> dict[str, object]:
    """Return a specification or an intent as plain JSON."""
    plain_value: dict[str, object] = encode(asdict(value))
    return plain_value


def spec_of(text: str) -> RunnerSpec:
    """Return the specification that a text holds; `EvidenceError` when it holds none."""
    return decode(RunnerSpec, parse(text))


def intent_of(text: str) -> Intent:
    """Return the intent that a text holds; `EvidenceError` when it holds none."""
    return decode(Intent, parse(text))
