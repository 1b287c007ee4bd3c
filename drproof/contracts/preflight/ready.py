"""A drill could start: identities, restore point, image, and nobody else on the target."""

import re
from collections.abc import Iterator
from dataclasses import replace

from drproof.model.contract import contract, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, compare, hold, undecided
from drproof.phases.preflight.check_preflight import NOT_IN_ECR, Need, PreflightObserved

Preflight = Receipt[PreflightObserved]
SIDES = ("primary", "recovery")
BACKUP = "make a backup, drproof backup create, or name one that is whole with --backup-uri"
GONE = re.compile(r"404|empty|NoSuch[A-Za-z]+|[A-Za-z]*NotFound(Exception)?")
"""How a platform says that something is not there; any other code of it says nothing of that."""
SPOILT = {
    "DigestMismatch": "has another digest",
    "InvalidManifest": "is no manifest of an image",
    "NoArchitecture": "runs on no architecture of Linux",
}
"""How the image that the registry has is told to be none that can run; nobody's rights are in the way."""
MAY_READ = "allow the drill's role what drproof policy --site primary prints, then run pytest -m preflight again"


@contract(needs=["check_preflight"], subjects=expected("site", lambda _: SIDES), controls=["NIST CP-2"])
def site_answers_as_expected(check_preflight: Preflight, criteria: Criteria, subject: str) -> Finding:
    """Each site answers from the account and region that the settings name."""
    caller = getattr(check_preflight.facts, subject)
    site = getattr(criteria.sites, subject)
    return compare(
        observed={"account": caller.account_id, "region": caller.region},
        expected={"account": site.account_id, "region": site.region},
        reason=f"the {subject} site answers from elsewhere\n  next: sign on to {site.account_id}, or mend "
        f"sites.{subject} in drproof.toml",
    )


@site_answers_as_expected.sabotage("another account answers")
def other_account(check_preflight: Preflight, subject: str) -> Preflight:
    """Answer from another account."""
    caller = replace(getattr(check_preflight.facts, subject), account_id="000000000000")
    return replace(check_preflight, observed=replace(check_preflight.facts, **{subject: caller}))


@site_answers_as_expected.sabotage("another region answers")
def other_region(check_preflight: Preflight, subject: str) -> Preflight:
    """Answer from another region."""
    caller = replace(getattr(check_preflight.facts, subject), region="nowhere-1")
    return replace(check_preflight, observed=replace(check_preflight.facts, **{subject: caller}))


@contract(
    needs=["check_preflight"],
    subjects=expected("backup object", lambda criteria: (*criteria.backup.objects, "control plane")),
    controls=["NIST CP-9"],
)
def restore_point_is_present(check_preflight: Preflight, criteria: Criteria, subject: str) -> Finding:
    """Each object of the restore point, and the control plane's pointer, is there and is not empty."""
    facts = check_preflight.facts
    needs = {need.name: need for need in (*facts.restore_point, facts.control_plane)}
    if subject not in needs:
        return undecided(f"the receipt does not speak of {subject}")
    need = needs[subject]
    if _says_nothing(need.status):
        return undecided(
            f"nobody can say whether {need.place} is there: {need.status}\n  next: {MAY_READ}; its bucket must belong "
            "to the account in sites.primary.owner",
            observed=need.status,
        )
    fix = _publish(facts.control_plane, criteria) if subject == facts.control_plane.name else BACKUP
    reason = f"{need.place} is {'empty' if need.status == 'empty' else 'not there'}\n  next: {fix}"
    return compare(observed=need.status, expected="ok", reason=reason)


def _says_nothing(status: str) -> bool:
    """Return whether a platform refused or did not answer, so that nobody knows what is there."""
    return status != "ok" and status.isalnum() and GONE.fullmatch(status) is None


def _publish(pointer: Need, criteria: Criteria) -> str:
    """Return the command that publishes the control plane for the first time."""
    bucket, _, key = pointer.place.removeprefix("s3://").partition("/")
    return (
        f"publish it once from the original site: drproof control-plane publish --bucket {bucket} "
        f"--prefix {key.partition('/control-plane/')[0]} --image-ref-digest {criteria.image_ref}"
    )


@restore_point_is_present.sabotage("the object is gone")
def object_gone(check_preflight: Preflight, subject: str) -> Preflight:
    """Lose the object."""

    def lost(need: Need) -> Need:
        return replace(need, status="NoSuchKey") if need.name == subject else need

    facts = check_preflight.facts
    changed = replace(
        facts,
        restore_point=tuple(lost(need) for need in facts.restore_point),
        control_plane=lost(facts.control_plane),
    )
    return replace(check_preflight, observed=changed)


@contract(needs=["check_preflight"], controls=["NIST SI-7"])
def image_is_in_the_registry(check_preflight: Preflight) -> Finding:
    """The registry has the image under its digest, for at least one architecture."""
    facts = check_preflight.facts
    if facts.image_status == NOT_IN_ECR:
        return undecided(
            "the image lies in no registry of ECR, and no other is asked\n  next: docker buildx imagetools create "
            "--tag <a repository of ECR>:<tag> <the image>, then --image-ref with that repository and the same digest",
            observed=facts.image_status,
        )
    spoilt = SPOILT.get(facts.image_status)
    if spoilt is None and _says_nothing(facts.image_status):
        return undecided(
            f"nobody can say whether the registry has the image: {facts.image_status}\n  next: {MAY_READ}",
            observed=facts.image_status,
        )
    return hold(
        facts.image_status == "ok" and len(facts.architectures) > 0,
        observed={"status": facts.image_status, "architectures": list(facts.architectures)},
        expected={"status": "ok", "architectures": "at least one"},
        reason=f"what the registry has under the digest {spoilt}\n  next: docker buildx build --platform … --push for "
        "each architecture, then --image-ref with the digest of the index"
        if spoilt
        else "the image cannot be pulled\n  next: push it again, or name one that the registry has with --image-ref",
    )


@image_is_in_the_registry.sabotage("the image is gone")
def image_gone(check_preflight: Preflight) -> Preflight:
    """Lose the image."""
    return replace(check_preflight, observed=replace(check_preflight.facts, image_status="ImageNotFoundException"))


@image_is_in_the_registry.sabotage("the image has no architecture")
def image_for_nothing(check_preflight: Preflight) -> Preflight:
    """Empty the index."""
    return replace(check_preflight, observed=replace(check_preflight.facts, architectures=()))


@contract(needs=["check_preflight"], controls=["NIST CP-4"])
def target_is_free(check_preflight: Preflight, criteria: Criteria) -> Finding:
    """The buckets answer, no lock and no lease is held, and no machine carries the runner's tags already."""
    facts = check_preflight.facts
    return compare(
        observed={
            "state_bucket": facts.state_bucket.status,
            "recovery_bucket": facts.recovery_bucket.status,
            "state_lock": facts.state_lock,
            "table_lock": facts.table_lock,
            "lease": facts.lease,
            "runners": list(facts.runners),
        },
        expected={
            "state_bucket": "ok",
            "recovery_bucket": "ok",
            "state_lock": "",
            "table_lock": "",
            "lease": "",
            "runners": [],
        },
        reason="a drill could not start\n  next: " + "; ".join(_ways(facts, criteria.sites.recovery.region)),
    )


def _ways(facts: PreflightObserved, region: str) -> Iterator[str]:
    """Yield what to do about each thing that is in the way of a drill."""
    for bucket in (facts.state_bucket, facts.recovery_bucket):
        if GONE.fullmatch(bucket.status):
            yield f"make {bucket.place}, or mend its name in drproof.toml"
        elif bucket.status != "ok":
            yield f"let the drill's role list {bucket.place}, which must belong to the account in sites.recovery.owner"
    for held in (facts.state_lock, facts.table_lock):
        if _says_nothing(held):
            yield "let the drill's role read the lock: drproof policy --plan preflight prints what it needs"
        elif held:
            yield "wait for whoever holds the lock; where they are dead, drproof gc prints the command for it"
    if _says_nothing(facts.lease):
        yield "let the drill's role read the lease: drproof policy --plan preflight prints what it needs"
    elif facts.lease:
        yield "wait for the drill that holds the lease, or end it: drproof resume <its folder>"
    if facts.runners:
        machines = " ".join(facts.runners)
        yield f"a machine that nobody needs: aws ec2 terminate-instances --region {region} --instance-ids {machines}"


@target_is_free.sabotage("the state bucket is gone")
def no_state_bucket(check_preflight: Preflight) -> Preflight:
    """Lose the state bucket."""
    facts = check_preflight.facts
    spoiled = replace(facts, state_bucket=replace(facts.state_bucket, status="NoSuchBucket"))
    return replace(check_preflight, observed=spoiled)


@target_is_free.sabotage("the recovery bucket is gone")
def no_recovery_bucket(check_preflight: Preflight) -> Preflight:
    """Lose the recovery bucket."""
    facts = check_preflight.facts
    spoiled = replace(facts, recovery_bucket=replace(facts.recovery_bucket, status="NoSuchBucket"))
    return replace(check_preflight, observed=spoiled)


@target_is_free.sabotage("somebody holds the state's lock")
def locked(check_preflight: Preflight) -> Preflight:
    """Hold the lock."""
    return replace(check_preflight, observed=replace(check_preflight.facts, state_lock="somebody"))


@target_is_free.sabotage("somebody holds the lock in the lock table")
def locked_in_the_table(check_preflight: Preflight) -> Preflight:
    """Hold the lock there."""
    return replace(check_preflight, observed=replace(check_preflight.facts, table_lock="somebody"))


@target_is_free.sabotage("another drill holds the lease")
def leased(check_preflight: Preflight) -> Preflight:
    """Hold the lease."""
    return replace(check_preflight, observed=replace(check_preflight.facts, lease="another"))


@target_is_free.sabotage("a machine is there already")
def occupied(check_preflight: Preflight) -> Preflight:
    """Find a machine."""
    return replace(check_preflight, observed=replace(check_preflight.facts, runners=("i-00000000000000000",)))


@contract(needs=["check_preflight"], applies=lambda criteria: criteria.storing is not None, controls=["NIST AU-9"])
def receipt_store_answers(check_preflight: Preflight, criteria: Criteria) -> Finding:
    """The bucket that receipts are stored in besides answers, and belongs to the expected owner."""
    store, storing = check_preflight.facts.receipt_store, criteria.storing
    if store is None or storing is None:
        return undecided("the receipt does not speak of a receipt store")
    return compare(
        observed={"place": store.place, "status": store.status},
        expected={"place": storing.uri, "status": "ok"},
        reason=f"{storing.uri} does not answer as a drill needs it\n  next: mend --receipt-uri, or have the bucket "
        "made, and its owner allow what drproof policy prints",
    )


@receipt_store_answers.sabotage("the bucket belongs to somebody else")
def store_of_others(check_preflight: Preflight) -> Preflight:
    """Refuse the caller."""
    return _with_store(check_preflight, status="AccessDenied")


@receipt_store_answers.sabotage("the bucket is gone")
def no_store(check_preflight: Preflight) -> Preflight:
    """Lose the bucket."""
    return _with_store(check_preflight, status="NoSuchBucket")


@receipt_store_answers.sabotage("another bucket answers")
def other_store(check_preflight: Preflight) -> Preflight:
    """Ask elsewhere."""
    return _with_store(check_preflight, place="s3://somebody-else/receipts")


def _with_store(check_preflight: Preflight, **changes: str) -> Preflight:
    store = check_preflight.facts.receipt_store
    spoiled = replace(store, **changes) if store is not None else None
    return replace(check_preflight, observed=replace(check_preflight.facts, receipt_store=spoiled))
