"""Where the comparisons turn that speak of the recovery cluster: what it is, what it holds, and that it keeps still."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

from drproof.phases.recovery.sources import DocumentSeen
from tests.contracts.boundary import PROVEN, REFUTED, UNPROVEN, boundary, expect
from tests.contracts.checks import House
from tests.contracts.evidence import PASSING, Evidence
from tests.contracts.observed import CLUSTER, CRITERIA, INSPECTED, LIVE, MEMBERS, NAMESPACE, RESTORED, WANTED, sha256

OTHER = "0b5c1d6e-1111-4222-8333-944445555667"
DAILY, CONFIG, ALERTS = "CronJob/atlas-daily", "ConfigMap/atlas-config", f"ConfigMap/{NAMESPACE}-control-plane-alerts"
README = RESTORED.documents[-1]


def _asking(**changes: Any) -> Evidence:
    return PASSING.asking(workload=replace(CRITERIA.workload, **changes))


def _live(name: str, **changes: Any) -> Evidence:
    return PASSING.file("live", {**LIVE, name: {**LIVE[name], **changes}})


@boundary
def a_cluster_is_known_by_the_machine_it_runs_on_or_by_the_name_that_the_operator_gave_it(house: House) -> None:
    contract = "cluster_is_the_one_that_was_meant"
    given = PASSING.facts("reach_cluster", source="arg_kubeconfig", machine_uid="")
    named = replace(CRITERIA.workload, cluster_uid=CLUSTER)
    expect(
        house,
        contract,
        (PASSING.facts("reach_cluster", machine_uid=""), REFUTED),
        (PASSING.facts("reach_cluster", machine_uid=OTHER), REFUTED),
        (PASSING.facts("reach_cluster", uid=OTHER), REFUTED),
        (PASSING.facts("reach_cluster", uid="", machine_uid=""), UNPROVEN),
        (PASSING.facts("reach_cluster", source="receipt_dir_autoload"), PROVEN),
        (PASSING.facts("reach_cluster", source="receipt_dir_autoload", machine_uid=""), REFUTED),
        (PASSING.asking(workload=named), PROVEN),
        (_asking(cluster_uid=OTHER), REFUTED),
        (given, UNPROVEN),
        (given.asking(workload=named), PROVEN),
        (given.asking(workload=named).facts("reach_cluster", uid=""), UNPROVEN),
        (given.asking(workload=replace(named, cluster_uid=OTHER)), REFUTED),
        # A machine says nothing of a cluster that somebody gave.
        (given.asking(workload=named).facts("reach_cluster", machine_uid=OTHER), PROVEN),
    )
    assert "named no UID" in house.verdict(contract, given).reason
    controls = house.verdict(contract, given.asking(workload=named)).controls
    assert [one.result.value for one in controls if one.kind == "sabotage"] == ["not_applicable", "refuted"]


@boundary
def phases_that_name_another_place_or_none_did_not_act_in_one(house: House) -> None:
    nobody = PASSING
    for phase in ("reach_cluster", "restore", "inspect_cluster", "validate"):
        nobody = nobody.facts(phase, uid="")
        expect(house, "one_cluster_throughout", (PASSING.facts(phase, uid=OTHER), REFUTED))
        if phase != "reach_cluster":
            expect(house, "one_cluster_throughout", (PASSING.facts(phase, namespace="another"), REFUTED))
    expect(
        house,
        "one_cluster_throughout",
        (nobody, UNPROVEN),
        (_asking(namespace="another"), REFUTED),
        (PASSING.facts("reach_cluster", machine_uid=""), PROVEN),
    )


@boundary
def an_object_is_what_its_manifest_says_and_a_manifest_that_says_nothing_proves_nothing(house: House) -> None:
    contract = "restored_object_is_what_was_backed_up"

    def wanted(one: Any) -> Evidence:
        return PASSING.file("wanted", {**WANTED, DAILY: one})

    lost = {name: one for name, one in WANTED.items() if name != DAILY}
    bare = {key: WANTED[DAILY][key] for key in ("apiVersion", "kind", "metadata")}
    expect(
        house,
        contract,
        (_live(DAILY, spec={"schedule": "0 13 * * *", "suspend": False}), REFUTED),
        (_live(DAILY, spec={"schedule": "0 13 * * *"}), REFUTED),
        (_live(DAILY, kind="Job"), REFUTED),
        (PASSING.file("live", {name: one for name, one in LIVE.items() if name != DAILY}), REFUTED),
        (PASSING.file("live", {name: one for name, one in LIVE.items() if name != CONFIG}), PROVEN),
        (PASSING.file("wanted", lost), UNPROVEN),
        (wanted({}), UNPROVEN),
        (wanted(WANTED[CONFIG]), UNPROVEN),
        (PASSING.file("live", {**LIVE, DAILY: []}), UNPROVEN),
        (wanted(bare), REFUTED),
        (wanted(bare).file("live", {**LIVE, DAILY: bare}), PROVEN),
        subject=DAILY,
    )
    both_bare = wanted(bare).file("live", {**LIVE, DAILY: bare})
    gone, emptied = (
        one.result.value for one in house.verdict(contract, both_bare, DAILY).controls if one.kind == "sabotage"
    )
    assert (gone, emptied) == ("refuted", "not_applicable")


@boundary
def whatever_an_object_holds_is_taken_from_it_once(house: House) -> None:
    contract, name = "restored_object_is_what_was_backed_up", "RoleBinding/atlas"
    metadata = {"name": "atlas", "namespace": NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "atlas"}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata}
    objects = (*RESTORED.objects, replace(RESTORED.objects[0], name=name))
    for content in ({"roleRef": role}, {"status": {}, "roleRef": role}, {"subjects": [], "roleRef": role}):
        both = {**binding, **content}
        evidence = PASSING.facts("restore", objects=objects)
        evidence = evidence.file("wanted", {**WANTED, name: both}).file("live", {**LIVE, name: both})
        verdict = house.verdict(contract, evidence, name)
        assert [one.reason for one in verdict.controls if one.kind == "sabotage"] == [
            f"{name} is not in the cluster",
            f"{name} is not what was backed up",
        ]


@boundary
def every_object_but_the_control_plane_is_compared_with_its_manifest_wherever_it_came_from(house: House) -> None:
    contract = house.contracts["restored_object_is_what_was_backed_up"]
    own = {verdict.subject for verdict in PASSING.verdicts(contract)}
    assert own == {"ServiceAccount/atlas", CONFIG, DAILY}
    for origin in ("baseline", "drill"):
        objects = tuple(replace(one, origin=origin) if one.name == CONFIG else one for one in RESTORED.objects)
        assert {verdict.subject for verdict in PASSING.facts("restore", objects=objects).verdicts(contract)} == own
    (nothing,) = PASSING.facts("restore", objects=()).verdicts(contract)
    assert nothing.status is UNPROVEN


@boundary
def every_file_of_manifests_is_read_as_it_was_backed_up_and_no_object_in_it_is_lost(house: House) -> None:
    contract = "every_manifest_was_restored"
    first, *rest = RESTORED.documents

    def documents(*kept: Any) -> Evidence:
        return PASSING.facts("restore", documents=kept)

    def rows(*kept: Any) -> Evidence:
        return PASSING.file("members", {**MEMBERS, "manifests.tar.zst": list(kept)})

    backed_up = MEMBERS["manifests.tar.zst"]
    folder = {"path": "manifests/old.yaml", "kind": "directory", "size": 0, "sha256": ""}
    (daily,) = (one for one in RESTORED.objects if one.name == DAILY)
    others = tuple(one for one in RESTORED.objects if one is not daily)
    strange = DocumentSeen(path="more.yml", sha256=sha256("more"), objects=())
    expect(
        house,
        contract,
        (documents(README, *rest[:-1], first), PROVEN),
        (documents(*RESTORED.documents[:-1]), PROVEN),
        (documents(*rest), REFUTED),
        (documents(), REFUTED),
        (documents(replace(first, sha256=sha256("x")), *rest), REFUTED),
        (documents(replace(first, sha256=sha256("x")), first, *rest), REFUTED),
        (documents(*RESTORED.documents, strange), REFUTED),
        (documents(*RESTORED.documents, replace(README, path="NOTES.md")), PROVEN),
        (documents(*RESTORED.documents, replace(README, path="NOTES.md", objects=("Secret/lost",))), REFUTED),
        (rows(folder, *backed_up), PROVEN),
        (rows(*backed_up[1:]), REFUTED),
        (rows(backed_up[-1]), UNPROVEN),
        (PASSING.file("members", {"state.tar.zst": MEMBERS["state.tar.zst"]}), UNPROVEN),
        (_asking(manifests="state.tar.zst"), REFUTED),
        (PASSING.facts("restore", objects=others), REFUTED),
        (PASSING.facts("restore", objects=others, left_out=(DAILY,)), PROVEN),
        (PASSING.facts("restore", objects=(*others, replace(daily, origin="baseline"))), PROVEN),
        (PASSING.facts("restore", objects=(*others, replace(daily, origin="control_plane"))), REFUTED),
    )
    nothing_left = PASSING.facts("restore", objects=(), left_out=tuple(WANTED))
    assert house.status(contract, nothing_left) is UNPROVEN


@boundary
def a_section_is_its_files_byte_for_byte_and_the_bundle_that_was_verified(house: House) -> None:
    contract = "control_plane_in_the_cluster_is_the_bundle"
    data, metadata = LIVE[ALERTS]["data"], LIVE[ALERTS]["metadata"]
    plane = PASSING.receipts["read_restore_point"].facts.control_plane

    def annotated(value: dict[str, str] | None) -> Evidence:
        return _live(ALERTS, metadata={**metadata, "annotations": value})

    unread = replace(plane, bundle_sha256="")
    expect(
        house,
        contract,
        (_live(ALERTS, data={key: f"{text} " for key, text in data.items()}), REFUTED),
        (_live(ALERTS, data={"alerts.json": data["alerts.json"]}), REFUTED),
        (_live(ALERTS, data={**data, "more.json": ""}), REFUTED),
        (_live(ALERTS, data={}), REFUTED),
        (_live(ALERTS, data=[]), REFUTED),
        (_live(ALERTS, data={**data, "alerts.json": 1}), UNPROVEN),
        (annotated({}), REFUTED),
        (annotated(None), REFUTED),
        (annotated({"drproof.io/bundle-sha256": sha256("another")}), REFUTED),
        (PASSING.file("live", {}), REFUTED),
        (PASSING.file("control_plane", {"queries/all.json": sha256("x")}), UNPROVEN),
        (PASSING.facts("read_restore_point", control_plane=unread), UNPROVEN),
        (annotated({"drproof.io/bundle-sha256": ""}).facts("read_restore_point", control_plane=unread), UNPROVEN),
        (_asking(control_plane_name="{section}"), REFUTED),
        subject="alerts",
    )
    verdict = house.verdict(contract, _live(ALERTS, data={"alerts.json": "x", "extra": ""}), "alerts")
    assert verdict.observed == {
        "bundle": sha256("bundle"),
        "missing": ["deep__more.json"],
        "extra": ["extra"],
        "different": ["alerts.json"],
    }


@boundary
def a_sections_object_is_looked_for_under_the_name_that_restore_gives_it(house: House) -> None:
    contract = "control_plane_in_the_cluster_is_the_bundle"
    odd = {**LIVE, "ConfigMap/{x}-alerts-atlas": LIVE[ALERTS]}
    evidence = _asking(control_plane_name="{x}-{section}-{namespace}").file("live", odd)
    expect(house, contract, (evidence, PROVEN), subject="alerts")


@boundary
def a_section_without_text_is_put_to_the_sabotages_that_need_none(house: House) -> None:
    listing = {"alerts/alerts.bin": sha256("//8=")}
    binary = {**LIVE, ALERTS: {**LIVE[ALERTS], "binaryData": {"alerts.bin": "Ly84PQ=="}}}
    del binary[ALERTS]["data"]
    evidence = PASSING.file("live", binary).file("control_plane", listing)
    verdict = house.verdict("control_plane_in_the_cluster_is_the_bundle", evidence, "alerts")
    assert verdict.status is PROVEN
    assert [one.result.value for one in verdict.controls if one.kind == "sabotage"] == [
        "not_applicable",
        "refuted",
        "refuted",
        "refuted",
    ]


@boundary
def what_has_gone_refutes_and_a_restore_of_nothing_proves_nothing(house: House) -> None:
    expect(
        house,
        "nothing_restored_has_gone",
        (PASSING.facts("inspect_cluster", missing=(DAILY,)), REFUTED),
        (PASSING.facts("restore", objects=()), UNPROVEN),
    )


@boundary
def a_namespace_is_the_one_that_was_restored_into_and_none_is_not(house: House) -> None:
    unknown = PASSING.facts("restore", namespace_uid="").facts("inspect_cluster", namespace_uid="")
    expect(
        house,
        "recovery_namespace_is_the_restored_one",
        (PASSING.facts("inspect_cluster", namespace_uid="another"), REFUTED),
        (PASSING.facts("inspect_cluster", namespace="another"), REFUTED),
        (unknown, REFUTED),
        subject=NAMESPACE,
    )


@boundary
def one_ready_node_is_enough_and_one_lame_node_is_too_many(house: House) -> None:
    (node,) = INSPECTED.nodes
    lame = replace(node, name="lame", ready=False)
    expect(
        house,
        "cluster_nodes_are_ready",
        (PASSING.facts("inspect_cluster", nodes=(node, replace(node, name="second"))), PROVEN),
        (PASSING.facts("inspect_cluster", nodes=(node, lame)), REFUTED),
        (PASSING.facts("inspect_cluster", nodes=(lame,)), REFUTED),
        (PASSING.facts("inspect_cluster", nodes=()), REFUTED),
    )


@boundary
def a_pull_secret_is_asked_for_where_the_images_registry_needs_one(house: House) -> None:
    contract = house.contracts["pull_secret_is_linked"]
    assert contract.applies is not None
    elsewhere = replace(CRITERIA, image_ref="ghcr.io/atlas@sha256:" + "ab" * 32)
    nameless = replace(CRITERIA, workload=replace(CRITERIA.workload, pull_secret=""))
    neither = replace(elsewhere, workload=nameless.workload)
    assert [contract.applies(one) for one in (CRITERIA, elsewhere, nameless, neither)] == [True, False, False, False]

    def secret(**changes: Any) -> Evidence:
        return PASSING.facts("inspect_cluster", pull_secret=replace(INSPECTED.pull_secret, **changes))

    (registry,) = INSPECTED.pull_secret.registries
    expect(
        house,
        contract.name,
        (secret(registries=("quay.io", registry)), PROVEN),
        (secret(registries=()), REFUTED),
        (secret(linked=("other", "ecr-pull")), PROVEN),
        (secret(linked=("other",)), REFUTED),
        (secret(name="", present=False), REFUTED),
        (secret(name="other"), UNPROVEN),
        (secret(service_account="default"), REFUTED),
        subject="ecr-pull",
    )


@boundary
def a_switch_counts_where_it_stands_as_the_criteria_say(house: House) -> None:
    off = CRITERIA.workload.publishing_off
    odd = _asking(publishing_off={**off, "PUBLISH_S3": "absent"})
    expect(
        house,
        "publishing_is_off",
        (PASSING.facts("inspect_cluster", publishing={**off, "PUBLISH_S3": "1"}), REFUTED),
        (PASSING.facts("inspect_cluster", publishing={**off, "PUBLISH_S3": ""}), REFUTED),
        (PASSING.facts("inspect_cluster", publishing={"PUBLISH_S3": "0"}), PROVEN),
        (PASSING.facts("inspect_cluster", publishing={}), REFUTED),
        (odd.facts("inspect_cluster", publishing={}), UNPROVEN),
        subject="PUBLISH_S3",
    )
    (nothing,) = _asking(publishing_off={}).verdicts(house.contracts["publishing_is_off"])
    assert nothing.status is UNPROVEN


@boundary
def a_cronjob_is_there_and_suspended_and_no_other_schedule_runs(house: House) -> None:
    (daily,) = INSPECTED.cronjobs
    other = replace(daily, name="other", present=False)

    def cronjobs(*seen: Any) -> Evidence:
        return PASSING.facts("inspect_cluster", cronjobs=seen)

    contract = house.contracts["workload_cronjob_is_there"]
    expect(
        house,
        contract.name,
        (cronjobs(other, daily), PROVEN),
        (cronjobs(daily, other), PROVEN),
        (cronjobs(other), REFUTED),
        (cronjobs(), REFUTED),
        (cronjobs(replace(daily, present=False)), REFUTED),
        (cronjobs(replace(daily, suspended=False)), REFUTED),
        subject="atlas-daily",
    )
    controls = house.verdict(contract.name, cronjobs(other, daily), "atlas-daily").controls
    assert all(one.result.value == "refuted" for one in controls if one.kind == "sabotage")
    assert contract.applies is not None
    without = replace(CRITERIA, workload=replace(CRITERIA.workload, cronjobs=()))
    assert [contract.applies(one) for one in (CRITERIA, without)] == [True, False]
    expect(
        house,
        "no_schedule_runs",
        (PASSING.facts("inspect_cluster", schedules_that_run=("atlas-daily",)), REFUTED),
        (PASSING.facts("inspect_cluster", schedules_that_run=()), PROVEN),
    )


@boundary
def what_a_server_adds_to_an_object_does_not_refute_it(house: House) -> None:
    stored = deepcopy(LIVE[DAILY])
    stored["spec"]["successfulJobsHistoryLimit"] = 3
    touched = deepcopy(stored)
    touched["metadata"]["annotations"] = {"somebody.else/was": "here"}
    expect(
        house,
        "restored_object_is_what_was_backed_up",
        (PASSING.file("live", {**LIVE, DAILY: stored}), PROVEN),
        (PASSING.file("live", {**LIVE, DAILY: touched}), REFUTED),
        subject=DAILY,
    )
