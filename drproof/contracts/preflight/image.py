"""The image suits the machines that are to run it."""

from dataclasses import replace

from drproof.formats.instance_types import architecture
from drproof.model.contract import NotApplicableError, contract, expected
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, hold, undecided
from drproof.phases.preflight.check_preflight import PreflightObserved

Preflight = Receipt[PreflightObserved]
UNREAD = (
    "the image could not be read: nobody knows for which architectures it is\n"
    "  next: mend what image_is_in_the_registry is refuted for"
)
BUILD = "\n  next: docker buildx build --platform … --push for each, then --image-ref with the digest of the index"


@contract(
    needs=["check_preflight"],
    subjects=expected("architecture", lambda criteria: criteria.architectures),
    controls=["NIST CP-2(8)"],
)
def image_has_every_architecture(check_preflight: Preflight, subject: str) -> Finding:
    """The image exists for each architecture that it must run on."""
    facts = check_preflight.facts
    if not facts.architectures:
        return undecided(UNREAD)
    return hold(
        subject in facts.architectures,
        observed={"architectures": list(facts.architectures), "media_type": facts.image_media_type},
        expected={"architectures": f"{subject} among them"},
        reason=f"the image is for {', '.join(facts.architectures)} alone: a machine of {subject} cannot run it{BUILD}",
    )


@image_has_every_architecture.sabotage("the image is for another architecture alone")
def single(check_preflight: Preflight, subject: str) -> Preflight:
    """Build it for one other architecture."""
    return replace(check_preflight, observed=replace(check_preflight.facts, architectures=(f"not-{subject}",)))


@contract(needs=["check_preflight"], controls=["NIST CP-2(8)", "NIST CP-10"])
def image_runs_on_the_runner(check_preflight: Preflight) -> Finding:
    """The image exists for the architecture of the recovery machine."""
    facts = check_preflight.facts
    if not facts.architectures:
        return undecided(UNREAD)
    wanted = architecture(facts.instance_type)
    if not wanted:
        return undecided(
            f"nobody knows the architecture of a machine of type {facts.instance_type!r}\n"
            "  next: name a type of EC2, such as t4g.medium, as recovery.instance_type in drproof.toml"
        )
    return hold(
        wanted in facts.architectures,
        observed={"architectures": list(facts.architectures)},
        expected={"architectures": f"{wanted} among them", "because_of": facts.instance_type},
        reason=f"a machine of type {facts.instance_type} runs {wanted}, and the image is for "
        f"{', '.join(facts.architectures)}{BUILD}",
    )


@image_runs_on_the_runner.sabotage("the image is for another architecture")
def other_image(check_preflight: Preflight) -> Preflight:
    """Build it for something else."""
    return replace(check_preflight, observed=replace(check_preflight.facts, architectures=("s390x",)))


@image_runs_on_the_runner.sabotage("the machine has another architecture than the image")
def other_machine(check_preflight: Preflight) -> Preflight:
    """Choose a machine that the image is not for."""
    facts = check_preflight.facts
    others = (name for name in ("t3.medium", "t4g.medium") if architecture(name) not in facts.architectures)
    chosen = next(others, "")
    if not chosen:
        msg = "the image runs on every machine that there is"
        raise NotApplicableError(msg)
    return replace(check_preflight, observed=replace(facts, instance_type=chosen))
