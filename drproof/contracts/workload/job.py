"""The validation Job ran to its end, from the pinned image, within its bounds, and its log names the run."""

from collections.abc import Mapping
from dataclasses import replace

from drproof.contracts.digests import other
from drproof.formats import quantity
from drproof.formats.image_ref import parse_pinned
from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.errors import FormatError
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.recovery.job import REPORT, WORKLOAD
from drproof.phases.recovery.validate import ContainerSeen, ValidateObserved

CONTROLS = ["NIST CP-4(4)", "SOC 2 A1.3", "ISO 22301 8.5"]
NAMES = (REPORT, WORKLOAD)
CONTAINERS = expected("container of the validation Job", lambda _: NAMES)
COMPLETE, ALWAYS, REGISTRY = "Complete", "Always", "registry"
Validation = Receipt[ValidateObserved]


@contract(needs=["validate"], subjects=CONTAINERS, controls=CONTROLS)
def validation_container_succeeded(validate: Validation, subject: str) -> Finding:
    """The Job is complete, and each of its containers ended with exit status 0."""
    seen = _container(validate, subject)
    if seen is None:
        return undecided(f"the receipt does not say how container {subject} ended")
    return compare(
        observed={"condition": validate.facts.condition, "exit_code": seen.exit_code},
        expected={"condition": COMPLETE, "exit_code": 0},
        reason=f"container {subject} of Job/{validate.facts.job} did not succeed: {seen.reason}",
    )


@validation_container_succeeded.sabotage("the container exited with 1")
def container_exited(validate: Validation, subject: str) -> Validation:
    """End with 1."""
    return _changed(validate, subject, exit_code=1)


@validation_container_succeeded.sabotage("the Job failed")
def job_failed(validate: Validation) -> Validation:
    """Fail the Job."""
    return replace(validate, observed=replace(validate.facts, condition="Failed:BackoffLimitExceeded"))


@contract(needs=["validate"], subjects=CONTAINERS, controls=[*CONTROLS, "NIST CM-14"])
def validation_ran_the_pinned_image(validate: Validation, criteria: Criteria, subject: str) -> Finding:
    """What ran in each container is the image that the criteria pin, as the node itself says."""
    try:
        pinned = parse_pinned(criteria.image_ref)
    except FormatError as exc:
        return undecided(f"the criteria pin no image: {exc}")
    seen = _container(validate, subject)
    if seen is None or not seen.digest:
        return undecided(f"no node says which image ran in container {subject}")
    return compare(
        observed=seen.digest,
        expected=pinned.digest,
        reason=f"container {subject} ran another image than the pinned one",
    )


@validation_ran_the_pinned_image.sabotage("another image ran")
def another_image(validate: Validation, subject: str) -> Validation:
    """Run another image."""
    seen = _container(validate, subject)
    digest = f"sha256:{other(seen.digest.removeprefix('sha256:'))}" if seen else ""
    return _changed(validate, subject, digest=digest)


@contract(needs=["validate"], controls=CONTROLS)
def validation_image_was_pulled_anew(validate: Validation) -> Finding:
    """For each container the node asked the registry during the drill, and was given the image."""
    seen = validate.facts.containers
    policies = sorted({one.policy for one in seen})
    cached = sorted(one.name for one in seen if one.pulled != REGISTRY)
    return hold(
        policies == [ALWAYS] and not cached,
        observed={"policies": policies, "not_from_the_registry": cached},
        expected={"policies": [ALWAYS], "not_from_the_registry": []},
        reason="the node ran an image that it had already: nobody knows whether it could have pulled it",
    )


@validation_image_was_pulled_anew.sabotage("one container ran what the node had")
def from_the_cache(validate: Validation) -> Validation:
    """Run from the cache."""
    return _changed(validate, WORKLOAD, pulled="cache")


@validation_image_was_pulled_anew.sabotage("no event says where the image came from")
def from_nowhere(validate: Validation) -> Validation:
    """Say nothing."""
    return _changed(validate, WORKLOAD, pulled="")


@validation_image_was_pulled_anew.sabotage("the node need not have asked")
def need_not_ask(validate: Validation) -> Validation:
    """Let the node use what it has."""
    return _changed(validate, WORKLOAD, policy="IfNotPresent")


@contract(needs=["validate"], controls=CONTROLS)
def validation_could_not_publish(validate: Validation, criteria: Criteria) -> Finding:
    """Every container of the Job ran with every switch of publishing off."""
    off = dict(criteria.workload.publishing_off)
    seen = validate.facts.containers
    if not off or not seen:
        return undecided("no switch of publishing is known, or no container: there is nothing to compare")
    on = sorted(one.name for one in seen if dict(one.publishing) != off)
    return compare(observed=on, expected=[], reason="a container of the Job could have published")


@validation_could_not_publish.sabotage("one container ran with a switch on")
def ran_with_a_switch_on(validate: Validation) -> Validation:
    """Switch it on."""
    seen = _container(validate, WORKLOAD)
    values = {name: f"not-{value}" for name, value in seen.publishing.items()} if seen else {}
    first = dict(list(values.items())[:1])
    return _changed(validate, WORKLOAD, publishing={**(seen.publishing if seen else {}), **first})


@contract(needs=["validate"], controls=CONTROLS)
def validation_job_was_bounded(validate: Validation, criteria: Criteria) -> Finding:
    """The Job ran with the requests, the limits and the deadline that the criteria give."""
    facts, workload = validate.facts, criteria.workload
    if not workload.deadline_seconds or not workload.limits:
        return undecided("the criteria give the Job no bound")
    same = _same(facts.requests, workload.requests) and _same(facts.limits, workload.limits)
    return hold(
        same and facts.deadline_seconds == workload.deadline_seconds,
        observed={"requests": dict(facts.requests), "limits": dict(facts.limits), "deadline": facts.deadline_seconds},
        expected={
            "requests": dict(workload.requests),
            "limits": dict(workload.limits),
            "deadline": workload.deadline_seconds,
        },
        reason="the Job ran within other bounds",
    )


@validation_job_was_bounded.sabotage("the Job had no deadline")
def no_deadline(validate: Validation) -> Validation:
    """Take the deadline away."""
    return replace(validate, observed=replace(validate.facts, deadline_seconds=0))


@validation_job_was_bounded.sabotage("the Job had no limits")
def no_limits(validate: Validation) -> Validation:
    """Take the limits away."""
    facts = validate.facts
    return replace(validate, observed=replace(facts, limits={**facts.limits, "memory": "unlimited"}))


@validation_job_was_bounded.sabotage("the Job asked for another share")
def other_requests(validate: Validation) -> Validation:
    """Ask for more."""
    facts = validate.facts
    return replace(validate, observed=replace(facts, requests={**facts.requests, "cpu": "1n"}))


@contract(needs=["validate"], controls=CONTROLS)
def validation_run_has_a_name(validate: Validation) -> Finding:
    """The log of the recovered workload names the run that it made."""
    return hold(
        bool(validate.facts.run_id),
        observed=validate.facts.run_id or "none",
        expected="the id of a run",
        reason="the workload ended well and names no run: nobody can say what it did",
    )


@validation_run_has_a_name.sabotage("the log names no run")
def no_run(validate: Validation) -> Validation:
    """Name no run."""
    return replace(validate, observed=replace(validate.facts, run_id=""))


def _container(validate: Validation, name: str) -> ContainerSeen | None:
    found = [one for one in validate.facts.containers if one.name == name]
    return found[0] if len(found) == 1 else None


def _same(these: Mapping[str, str], those: Mapping[str, str]) -> bool:
    # A cluster writes a quantity its own way: 1000m becomes 1.
    return these.keys() == those.keys() and all(quantity.same(these[name], those[name]) for name in those)


def _changed(validate: Validation, name: str, **changes: object) -> Validation:
    def changed(seen: ContainerSeen) -> ContainerSeen:
        return replace(seen, **changes) if seen.name == name else seen  # type: ignore[arg-type] # fields of one value

    facts = validate.facts
    return replace(validate, observed=replace(facts, containers=tuple(map(changed, facts.containers))))
