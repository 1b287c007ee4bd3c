"""What was backed up of the cluster is in the recovery cluster, object by object."""

from dataclasses import replace
from typing import Any

from drproof.analysis.covering import differences
from drproof.contracts.digests import other
from drproof.formats import control_plane_objects
from drproof.model.cluster import named
from drproof.model.contract import NotApplicableError, contract, discovered, expected
from drproof.model.criteria import Criteria
from drproof.model.receipt import Receipt
from drproof.model.verdict import Finding, Status, compare, hold, undecided
from drproof.phases.backup.observed import RestorePointObserved
from drproof.phases.recovery.inspect_cluster import ClusterInspected
from drproof.phases.recovery.restore import RestoreObserved
from drproof.phases.recovery.sources import SUFFIXES, DocumentSeen

CONTROLS = ["NIST CP-10", "NIST CP-9(1)", "ISO 27001 A.8.13"]
CONTROL_PLANE = "control_plane"
OF_EVERY_OBJECT = frozenset({"apiVersion", "kind", "metadata", "status"})
Objects = dict[str, dict[str, Any]]


def _but_the_control_plane(restore: Receipt[RestoreObserved]) -> tuple[str, ...]:
    # A contract of its own compares the control plane with its bundle.
    return tuple(one.name for one in restore.facts.objects if one.origin != CONTROL_PLANE)


@contract(
    needs=["restore", "inspect_cluster"],
    reads={"wanted": ("restore", "wanted"), "live": ("inspect_cluster", "live")},
    subjects=discovered("restored object", "restore", _but_the_control_plane),
    controls=CONTROLS,
)
def restored_object_is_what_was_backed_up(wanted: Objects, live: Objects, subject: str) -> Finding:
    """Each restored object is in the cluster, and has everything that its manifest says."""
    if subject not in wanted or named(wanted[subject]) != subject:
        return undecided(f"the evidence does not say what {subject} must be")
    if subject not in live:
        return compare(observed="absent", expected="present", reason=f"{subject} is not in the cluster")
    found = differences(wanted[subject], live[subject])
    return compare(observed=list(found), expected=[], reason=f"{subject} is not what was backed up")


@restored_object_is_what_was_backed_up.sabotage("the object is gone", spoils="live")
def object_gone(live: Objects, subject: str) -> Objects:
    """Lose the object."""
    return {name: one for name, one in live.items() if name != subject}


@restored_object_is_what_was_backed_up.sabotage("the object lost what it holds", spoils="live")
def object_emptied(live: Objects, wanted: Objects, subject: str) -> Objects:
    """Take away the first thing that the object holds."""
    held = (key for key, value in wanted[subject].items() if value and key not in OF_EVERY_OBJECT)
    content = next((key for key in held if key in live[subject]), "")
    if not content:
        msg = f"{subject} holds nothing but its name"
        raise NotApplicableError(msg)
    return {**live, subject: {key: value for key, value in live[subject].items() if key != content}}


@contract(
    needs=["read_restore_point", "restore"],
    reads={"members": ("read_restore_point", "members")},
    controls=CONTROLS,
)
def every_manifest_was_restored(
    restore: Receipt[RestoreObserved], members: dict[str, Any], criteria: Criteria
) -> Finding:
    """Every file of manifests in the backup was read, and each object in it was restored or is named as left out."""
    backed_up = {
        (row["path"], row["sha256"])
        for row in members.get(criteria.workload.manifests, ())
        if row["kind"] == "file" and row["path"].endswith(SUFFIXES)
    }
    if not backed_up:
        return undecided(f"{criteria.workload.manifests} holds no manifest: there is nothing to restore")
    read = {(one.path, one.sha256) for one in _manifests(restore)}
    accounted = {*_but_the_control_plane(restore), *restore.facts.left_out}
    lost = sorted({name for one in restore.facts.documents for name in one.objects} - accounted)
    unread = sorted(path for path, _ in backed_up - read)
    strange = sorted(path for path, _ in read - backed_up)
    found = compare(
        observed={"unread": unread[:5], "strange": strange[:5], "lost": lost[:5]},
        expected={"unread": [], "strange": [], "lost": []},
        reason=f"{len(unread)} files not read, {len(strange)} that nobody backed up, {len(lost)} objects lost",
    )
    if found.status is Status.PROVEN and not _restored(restore):
        return undecided("no object of the backup was restored: all of them are left out")
    return found


@every_manifest_was_restored.sabotage("one file was not read", spoils="restore")
def file_not_read(restore: Receipt[RestoreObserved]) -> Receipt[RestoreObserved]:
    """Leave a file unread."""
    first = _manifests(restore)[0]
    kept = tuple(one for one in restore.facts.documents if one is not first)
    return replace(restore, observed=replace(restore.facts, documents=kept))


@every_manifest_was_restored.sabotage("one file was read with other bytes", spoils="restore")
def file_with_other_bytes(restore: Receipt[RestoreObserved]) -> Receipt[RestoreObserved]:
    """Read other bytes."""
    first = _manifests(restore)[0]
    spoiled = replace(first, sha256=other(first.sha256))
    documents = tuple(spoiled if one is first else one for one in restore.facts.documents)
    return replace(restore, observed=replace(restore.facts, documents=documents))


@every_manifest_was_restored.sabotage("one object of the backup was not restored", spoils="restore")
def object_not_restored(restore: Receipt[RestoreObserved]) -> Receipt[RestoreObserved]:
    """Lose an object."""
    facts = restore.facts
    backed_up = _restored(restore)
    lost = min(backed_up)
    return replace(restore, observed=replace(facts, objects=tuple(one for one in facts.objects if one.name != lost)))


@contract(
    needs=["read_restore_point", "restore", "inspect_cluster"],
    reads={"control_plane": ("read_restore_point", "control_plane"), "live": ("inspect_cluster", "live")},
    subjects=expected("section of the control plane", lambda criteria: criteria.control_plane_sections),
    controls=[*CONTROLS, "NIST CM-6"],
)
def control_plane_in_the_cluster_is_the_bundle(
    read_restore_point: Receipt[RestorePointObserved],
    control_plane: dict[str, str],
    live: Objects,
    criteria: Criteria,
    subject: str,
) -> Finding:
    """The ConfigMap of each section holds the files of the verified bundle, byte for byte, and says which bundle."""
    name = _section(criteria, subject)
    sha256 = read_restore_point.facts.control_plane.bundle_sha256
    if not sha256:
        return undecided("no bundle of the control plane was verified")
    wanted = control_plane_objects.expected_keys(control_plane, subject)
    if not wanted:
        return undecided(f"the verified bundle has no file in section {subject}")
    found = live.get(name)
    if found is None:
        return compare(observed="absent", expected="present", reason=f"{name} is not in the cluster")
    keys = control_plane_objects.contents(found)
    annotations = found["metadata"].get("annotations") or {}
    bundle = str(annotations.get(control_plane_objects.BUNDLE_ANNOTATION, ""))
    return hold(
        (keys, bundle) == (wanted, sha256),
        observed={
            "bundle": bundle,
            "missing": sorted(wanted.keys() - keys.keys()),
            "extra": sorted(keys.keys() - wanted.keys()),
            "different": sorted(key for key in wanted.keys() & keys.keys() if wanted[key] != keys[key]),
        },
        expected={"bundle": sha256, "missing": [], "extra": [], "different": []},
        reason=f"{name} is not the section {subject} of the verified bundle",
    )


@control_plane_in_the_cluster_is_the_bundle.sabotage("a key has one character more", spoils="live")
def key_edited(live: Objects, criteria: Criteria, subject: str) -> Objects:
    """Edit a key."""
    name = _section(criteria, subject)
    found = live[name]
    data = found.get("data") or {}
    if not data:
        msg = f"{name} holds no text"
        raise NotApplicableError(msg)
    key = min(data)
    return {**live, name: {**found, "data": {**data, key: data[key] + " "}}}


@control_plane_in_the_cluster_is_the_bundle.sabotage("there is one key more", spoils="live")
def key_added(live: Objects, criteria: Criteria, subject: str) -> Objects:
    """Add a key."""
    name = _section(criteria, subject)
    data = live[name].get("data") or {}
    return {**live, name: {**live[name], "data": {**data, "slipped-in.json": "{}"}}}


@control_plane_in_the_cluster_is_the_bundle.sabotage("the ConfigMap is of another bundle", spoils="live")
def other_bundle(live: Objects, criteria: Criteria, subject: str) -> Objects:
    """Exchange the bundle."""
    name = _section(criteria, subject)
    metadata = live[name]["metadata"]
    annotations = metadata["annotations"]
    key = control_plane_objects.BUNDLE_ANNOTATION
    changed = {**metadata, "annotations": {**annotations, key: other(annotations[key])}}
    return {**live, name: {**live[name], "metadata": changed}}


@control_plane_in_the_cluster_is_the_bundle.sabotage("the ConfigMap is gone", spoils="live")
def config_map_gone(live: Objects, criteria: Criteria, subject: str) -> Objects:
    """Lose the ConfigMap."""
    gone = _section(criteria, subject)
    return {name: one for name, one in live.items() if name != gone}


@contract(needs=["restore", "inspect_cluster"], controls=CONTROLS)
def nothing_restored_has_gone(restore: Receipt[RestoreObserved], inspect_cluster: Receipt[ClusterInspected]) -> Finding:
    """Everything that the restore put into the cluster was still there when the cluster was looked at."""
    if not restore.facts.objects:
        return undecided("the restore put nothing into the cluster")
    return compare(
        observed=list(inspect_cluster.facts.missing), expected=[], reason="objects have gone since they were restored"
    )


@nothing_restored_has_gone.sabotage("an object has gone", spoils="inspect_cluster")
def has_gone(
    inspect_cluster: Receipt[ClusterInspected], restore: Receipt[RestoreObserved]
) -> Receipt[ClusterInspected]:
    """Miss an object."""
    missing = (restore.facts.objects[0].name,)
    return replace(inspect_cluster, observed=replace(inspect_cluster.facts, missing=missing))


def _section(criteria: Criteria, section: str) -> str:
    pattern, namespace = criteria.workload.control_plane_name, criteria.workload.namespace
    # As restore makes the name: other braces in it are letters.
    return f"ConfigMap/{pattern.replace('{namespace}', namespace).replace(control_plane_objects.SECTION, section)}"


def _manifests(restore: Receipt[RestoreObserved]) -> tuple[DocumentSeen, ...]:
    return tuple(one for one in restore.facts.documents if one.path.endswith(SUFFIXES))


def _restored(restore: Receipt[RestoreObserved]) -> frozenset[str]:
    """Return the objects of the backup that were to be restored."""
    return frozenset(name for one in _manifests(restore) for name in one.objects).difference(restore.facts.left_out)
