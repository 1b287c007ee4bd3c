"""The one machine of a drill: how it is described to a child process, marked, found again and ended."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from drproof.analysis.ownership import doubts, refuse_too_many
from drproof.formats.strict_json import parse
from drproof.model.capabilities import Intent, RunnerSpec
from drproof.model.codec import decode, encode
from drproof.model.context import DRILL_TAG, EXPIRES_TAG
from drproof.model.machines import Runner
from drproof.model.ownership import Bounds
from drproof.targets.aws.ec2 import AwsFleet

MOST = "limits.max_machines"
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


def own_tags(spec: RunnerSpec) -> Mapping[str, str]:
    """Return the tags that say whose a thing is and when it may go, for what is no machine."""
    return {name: spec.tags[name] for name in (DRILL_TAG, EXPIRES_TAG) if name in spec.tags}


def sought(spec: RunnerSpec) -> Mapping[str, str]:
    """Return the tags that the drill's own machine carries and no other does, from whichever machine it is asked."""
    return {DRILL_TAG: spec.tags[DRILL_TAG], "Name": spec.name}


def end_all(fleet: AwsFleet, intent: Intent, spec: RunnerSpec, bounds: Bounds, *, timeout_ms: int) -> tuple[str, ...]:
    """End every machine of the drill, return once they are terminated, and say which they were.

    They are listed twice, and only what both listings show as the drill's own is ended.

    Raises:
        GuardError: there are more than the bounds allow; none was ended.
    """
    first = {runner.instance_id for runner in own_machines(fleet, spec, bounds)}
    found = tuple(runner for runner in own_machines(fleet, spec, bounds) if runner.instance_id in first)
    refuse_too_many("machines", found, bounds.most, MOST)
    for runner in found:
        if runner.state != "shutting-down":
            fleet.terminate(intent, runner.instance_id)
    for runner in found:
        fleet.wait_until(runner.instance_id, "terminated", timeout_ms=timeout_ms)
    return tuple(runner.instance_id for runner in found)


def own_machines(fleet: AwsFleet, spec: RunnerSpec, bounds: Bounds) -> tuple[Runner, ...]:
    """Return the machines that carry the drill's tag and are its own by everything else that the platform says."""
    known = replace(bounds, network=fleet.network(bounds.network))
    return tuple(runner for runner in fleet.runners(sought(spec)) if not doubts(runner.resource, known))


def outputs(spec: RunnerSpec, runners: tuple[Runner, ...]) -> dict[str, str]:
    """Return what a provisioner says about the machine that is up."""
    return {
        "drill": spec.tags[DRILL_TAG],
        "instance_id": ",".join(found.instance_id for found in runners),
        "name": spec.name,
    }


def plain(value: RunnerSpec | Intent | Bounds) -> dict[str, object]:
    """Return a specification, an intent or bounds as plain JSON."""
    plain_value: dict[str, object] = encode(asdict(value))
    return plain_value


def spec_of(text: str) -> RunnerSpec:
    """Return the specification that a text holds; `EvidenceError` when it holds none."""
    return decode(RunnerSpec, parse(text))


def bounds_of(text: str) -> Bounds:
    """Return the bounds that a text holds; `EvidenceError` when it holds none."""
    return decode(Bounds, parse(text))


def intent_of(text: str) -> Intent:
    """Return the intent that a text holds; `EvidenceError` when it holds none."""
    return decode(Intent, parse(text))
