"""`drproof control-plane render` and `apply`: what the cluster holds is what the bundle lists, byte for byte."""

import hashlib
import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from drproof.embedded.kubernetes.admission import admit
from drproof.embedded.kubernetes.cluster import Cluster
from drproof.embedded.kubernetes.faults import Fault
from drproof.embedded.kubernetes.nodes import Node
from drproof.embedded.kubernetes.registry import Registry
from drproof.embedded.kubernetes.resources import ALL, CONFIGMAPS, NAMESPACES
from drproof.formats import manifests
from drproof.formats.control_plane_objects import contents, expected_keys

from .conftest import CREATED, FILES, IMAGE

CHANGING = {"create", "update", "patch", "delete", "deletecollection"}
SECTIONS = ("candidates", "alerts", "providers", "scoring")
NAMED = [f"atlas-control-plane-{section}" for section in SECTIONS]


class Theirs:
    """A cluster of the operator's, and every change that was made to it."""

    def __init__(self, folder):
        self.calls: list[Any] = []
        self.cluster = Cluster(folder, nodes=(Node("theirs"),), registry=Registry(), on_call=self.calls.append)
        self.cluster.start()
        self.store = self.cluster.store
        self.kubeconfig = folder.parent / "theirs.yaml"
        self.kubeconfig.write_text(self.cluster.kubeconfig())

    def namespace(self, name="atlas"):
        spec = {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        self.store.create(NAMESPACES, {"metadata": {"name": name}, **spec})

    def put(self, name, **data):
        document = {"metadata": {"name": name, "namespace": "atlas"}, "data": data}
        self.store.create(CONFIGMAPS, admit(self.store, CONFIGMAPS, document))

    @property
    def changes(self):
        return [
            (call.verb, call.resource, call.name) for call in self.calls if call.verb in CHANGING and not call.dry_run
        ]

    def held(self):
        """Return what everybody but the cluster itself put into the namespace."""
        kinds = [resource for resource in ALL if resource.namespaced and resource.kind != "Event"]
        found = [one for resource in kinds for one in self.store.list(resource, "atlas")[0]]
        own = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}
        names = {(one["kind"], one["metadata"]["name"]): one for one in found}
        return {name: one for name, one in names.items() if name not in own}


@pytest.fixture
def theirs(tmp_path_factory):
    found = Theirs(tmp_path_factory.mktemp("theirs") / "cluster")
    yield found
    found.cluster.stop()


@pytest.fixture
def fetched(hand):
    """A bundle that was fetched, without any store."""
    done = hand("publish", "--bucket", "b-b", "--prefix", "p", "--source-dir", hand.source(), "--dry-run",
                "--receipt-dir", "receipts")  # fmt: skip
    (bundle,) = (hand.folder / "receipts").glob("*.tar.gz")
    digest = done.values["BUNDLE_SHA256"]
    assert hand("fetch", "--bundle-uri", str(bundle), "--bundle-sha256", digest, "--dest-dir", "fetched").status == 0
    return digest


def apply(hand, theirs, *words):
    return hand(
        "apply", "--bundle-dir", "fetched", "--namespace", "atlas", "--kubeconfig", str(theirs.kubeconfig), *words
    )


def rendered(hand, *words, to="out.yaml"):
    done = hand("render", "--bundle-dir", "fetched", "--namespace", "atlas", "--output-yaml", to, *words)
    assert done.status == 0, done.error
    return manifests.read(to, (hand.folder / to).read_bytes())


def expected(section):
    return expected_keys({path: digest(data) for path, data in FILES.items()}, section)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def bare(live):
    """Return a live object as it was applied."""
    metadata = {name: live["metadata"].get(name) for name in ("name", "namespace", "labels", "annotations")}
    return {**{name: value for name, value in live.items() if name in ("data", "binaryData")}, "metadata": metadata}


def test_config_maps_are_rendered_byte_for_byte_and_say_which_bundle_they_are_of(hand, fetched):
    objects = rendered(hand)

    assert [one["metadata"]["name"] for one in objects] == NAMED
    for section, one in zip(SECTIONS, objects, strict=True):
        assert contents(one) == expected(section)
        assert one["metadata"]["annotations"] == {"drproof.io/bundle-sha256": fetched}
        assert one["metadata"]["labels"] == {
            "drproof.io/made-by": "control-plane",
            "drproof.io/bundle": fetched[:12],
        }
    assert objects[0]["data"]["local__candidate_profile.json"] == '  {"leading": "space"}\n\n\n'
    assert objects[1]["binaryData"].keys() == {"logo.png"}


def test_the_summary_has_the_references_keys_and_says_that_nothing_was_applied(hand, fetched):
    rendered(hand, "--receipt-dir", "rendered")

    said = json.loads((hand.folder / "rendered/apply.summary.json").read_bytes())
    assert said == {
        "schema_version": 1,
        "namespace": "atlas",
        "bundle_dir": "fetched",
        "manifest_sha256": digest((hand.folder / "receipts/manifest.json").read_bytes()),
        "bundle_sha256": fetched,
        "bundle_created_at": CREATED,
        "bundle_git_sha": "",
        "image_ref_digest": IMAGE,
        "candidate_count": 2,
        "alert_count": 2,
        "provider_count": 1,
        "scoring_count": 1,
        "generated_yaml": "out.yaml",
        "receipt_dir": "rendered",
        "applied": False,
    }


@pytest.mark.parametrize("folder", ["fetched", "fetched/bundle", "fetched/bundle/control-plane"])
def test_the_folder_may_be_named_at_any_depth(hand, fetched, folder):
    assert hand("render", "--bundle-dir", folder, "--namespace", "x", "--output-yaml", "one.yaml").status == 0
    assert fetched in (hand.folder / "one.yaml").read_text()


def test_a_folder_without_its_bundle_has_the_digest_that_it_would_be_packed_with(hand, fetched):
    shutil.copytree(hand.folder / "fetched/bundle/control-plane", hand.folder / "alone")

    assert hand("render", "--bundle-dir", "alone", "--namespace", "x", "--output-yaml", "one.yaml").status == 0
    assert fetched in (hand.folder / "one.yaml").read_text()


ALERTS = "fetched/bundle/control-plane/alerts"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda at: (at / ALERTS / "alerts.json").write_text("{}"), "is not what bundle.tar.gz holds: alerts/alerts.json"),
        (lambda at: (at / ALERTS / "manifest.json").write_text("{}"), "alerts/manifest.json"),
        (lambda at: (at / ALERTS / "alerts.json").unlink(), "alerts/alerts.json"),
        (lambda at: (at / ALERTS / "link").symlink_to("/etc/hostname"), "is no regular file"),
        (lambda at: (at / "fetched/bundle.sha256").write_text("ab" * 32), "has not the SHA-256"),
        (lambda at: (at / "fetched/bundle.sha256").write_text(""), "has not the SHA-256"),
        (lambda at: (at / "fetched/bundle.tar.gz").unlink(), "bundle.tar.gz"),
        (lambda at: (at / "fetched/bundle/control-plane/manifest.json").unlink(), "holds no bundle"),
        (lambda at: (at / "out.yaml").write_text("mine"), "--output-yaml out.yaml is there already"),
        (
            lambda at: (at / "drproof.toml").write_text('[cluster]\ncontrol_plane_name = "{section}"\n'
                                                        'publishing.config_map = "alerts"\n'),
            "which switches publishing",
        ),
        (
            lambda at: (at / "drproof.toml").write_text('[cluster]\ncontrol_plane_name = "{section}.{namespace}!"\n'),
            "would be called",
        ),
        (lambda at: (at / "drproof.toml").write_text("[control_plane]\nsections = ['alerts']\n"), "expected alerts"),
        (lambda at: (at / "drproof.toml").write_text("[control_plan]\nx = 1\n"), "does not know"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_was_fetched_is_not_rendered(hand, fetched, spoil, said):
    spoil(hand.folder)
    before = (hand.folder / "out.yaml").read_bytes() if (hand.folder / "out.yaml").exists() else None

    refused = hand("render", "--bundle-dir", "fetched", "--namespace", "atlas", "--output-yaml", "out.yaml")

    assert refused.status == 2
    assert said in refused.error
    after = (hand.folder / "out.yaml").read_bytes() if (hand.folder / "out.yaml").exists() else None
    assert after == before


def test_what_only_the_folder_has_is_refused_where_no_bundle_lies_beside_it(hand, fetched):
    shutil.copytree(hand.folder / "fetched/bundle/control-plane", hand.folder / "alone")
    (hand.folder / "alone/alerts/manifest.json").write_text("{}")

    refused = hand("render", "--bundle-dir", "alone", "--namespace", "x", "--output-yaml", "one.yaml")

    assert "there and not listed: alerts/manifest.json" in refused.error


def test_the_config_map_that_switches_publishing_is_never_one_of_them(hand, fetched):
    files = {**FILES, "config/x.json": b"{}"}
    (hand.folder / "drproof.toml").write_text(
        '[cluster]\ncontrol_plane_name = "{namespace}-{section}"\n[control_plane]\n'
        'sections = ["candidates", "alerts", "providers", "scoring", "config"]\n'
    )
    hand("publish", "--bucket", "b-b", "--prefix", "p", "--source-dir", hand.source(files, name="two"), "--dry-run",
         "--receipt-dir", "two-receipts")  # fmt: skip
    (bundle,) = (hand.folder / "two-receipts").glob("*.tar.gz")
    hand(
        "fetch",
        "--bundle-uri",
        str(bundle),
        "--bundle-sha256",
        digest(bundle.read_bytes()),
        "--dest-dir",
        "fetched-two",
    )

    refused = hand("render", "--bundle-dir", "fetched-two", "--namespace", "atlas", "--output-yaml", "x.yaml")

    assert "a section would become ConfigMap/atlas-config, which switches publishing" in refused.error


def test_what_is_rendered_is_what_the_cluster_holds_once_it_is_applied(hand, fetched, theirs):
    theirs.namespace()

    done = apply(hand, theirs, "--receipt-dir", "applied", "--cluster-uid", theirs.cluster.uid)

    assert done.status == 0, done.error
    assert f"UID {theirs.cluster.uid}" in done.out
    held = theirs.held()
    assert [bare(one) for one in rendered(hand)] == [bare(held["ConfigMap", name]) for name in NAMED]
    assert held.keys() == {("ConfigMap", name) for name in NAMED}
    for section, name in zip(SECTIONS, NAMED, strict=True):
        assert contents(held["ConfigMap", name]) == expected(section)
    said = json.loads((hand.folder / "applied/apply.summary.json").read_bytes())
    assert (said["applied"], said["bundle_sha256"]) == (True, fetched)
    assert (hand.folder / said["generated_yaml"]).read_bytes() == (hand.folder / "out.yaml").read_bytes()
    assert [(verb, resource) for verb, resource, _ in theirs.changes] == [("patch", "configmaps")] * 4


def test_applying_again_changes_nothing(hand, fetched, theirs):
    theirs.namespace()
    assert apply(hand, theirs).status == 0
    before = theirs.held()

    assert apply(hand, theirs).status == 0
    assert theirs.held() == before


def test_a_section_that_lost_a_file_loses_it_in_the_cluster_too(hand, fetched, theirs):
    theirs.namespace()
    assert apply(hand, theirs).status == 0
    fewer = {path: data for path, data in FILES.items() if path != "alerts/logo.png"}
    hand("publish", "--bucket", "b-b", "--prefix", "p", "--source-dir", hand.source(fewer, name="fewer"), "--dry-run",
         "--receipt-dir", "fewer-receipts")  # fmt: skip
    (bundle,) = (hand.folder / "fewer-receipts").glob("*.tar.gz")
    hand("fetch", "--bundle-uri", str(bundle), "--bundle-sha256", digest(bundle.read_bytes()), "--dest-dir", "less")

    assert apply(hand, theirs, "--bundle-dir", "less").status == 0

    assert contents(theirs.held()["ConfigMap", NAMED[1]]).keys() == {"alerts.json"}


def test_neither_secret_nor_switch_nor_account_nor_namespace_is_touched(hand, fetched, theirs):
    refused = apply(hand, theirs, "--receipt-dir", "applied")

    assert refused.status == 2
    assert "there is no namespace atlas, and this command makes none" in refused.error
    assert theirs.changes == []
    theirs.namespace()
    theirs.put("atlas-config", PUBLISH_S3="0")
    switch = theirs.held()["ConfigMap", "atlas-config"]

    assert apply(hand, theirs).status == 0
    assert theirs.held()["ConfigMap", "atlas-config"] == switch
    assert {name for kind, name in theirs.held()} == {*NAMED, "atlas-config"}


def test_the_summary_of_an_apply_that_failed_says_so(hand, fetched, theirs):
    theirs.namespace()
    refusal = Fault(status=403, reason="Forbidden", message="not for you")
    theirs.cluster.faults.append(
        lambda call: refusal if (call.verb, call.name, call.dry_run) == ("patch", NAMED[2], False) else None
    )

    refused = apply(hand, theirs, "--receipt-dir", "applied")

    assert refused.status == 2
    assert "not for you" in refused.error
    assert json.loads((hand.folder / "applied/apply.summary.json").read_bytes())["applied"] is False
    assert "applied: 4 ConfigMaps" not in refused.out


def test_nothing_is_applied_unless_the_cluster_would_take_it_all(hand, fetched, theirs):
    theirs.namespace()
    refusal = Fault(status=403, reason="Forbidden", message="not for you")
    theirs.cluster.faults.append(lambda call: refusal if call.dry_run and call.name == NAMED[3] else None)
    theirs.put(NAMED[3], a="b")

    assert apply(hand, theirs).status == 2
    assert theirs.changes == []


def test_keys_that_somebody_else_keeps_are_found(hand, fetched, theirs):
    theirs.namespace()
    theirs.put(NAMED[1], **{"old.json": "{}"})

    refused = apply(hand, theirs, "--receipt-dir", "applied")

    assert refused.status == 2
    assert "holds old.json, which the bundle does not have" in refused.error
    assert f"kubectl -n atlas delete configmap {NAMED[1]}" in refused.error
    assert json.loads((hand.folder / "applied/apply.summary.json").read_bytes())["applied"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cluster-uid", "another"), "another"),
        (("--context", "another"), "another"),
        (("--kubeconfig", "absent.yaml"), "absent.yaml"),
        (("--bundle-dir", "absent"), "--bundle-dir absent holds no bundle"),
        (("--receipt-dir", "fetched"), "--receipt-dir fetched holds bundle already"),
    ],
)
def test_what_is_wrong_is_refused_by_name(hand, fetched, theirs, words, said):
    theirs.namespace()

    refused = apply(hand, theirs, *words)

    assert refused.status == 2
    assert said in refused.error
    assert theirs.changes == []


@pytest.mark.parametrize("option", ["--bundle-dir", "--namespace", "--kubeconfig"])
def test_what_is_not_said_is_never_guessed(hand, option):
    words = {"--bundle-dir": "a", "--namespace": "b", "--kubeconfig": "c"}
    del words[option]

    refused = hand("apply", *(word for pair in words.items() for word in pair))

    assert refused.status == 2
    assert option in refused.error


def test_a_command_of_a_kubeconfig_runs_only_when_it_is_allowed(hand, fetched, theirs):
    (hand.folder / "exec.yaml").write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
                "users": [
                    {
                        "name": "u",
                        "user": {
                            "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": ["x"]}
                        },
                    }
                ],
                "contexts": [{"name": "k", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "k",
            }
        )
    )

    refused = apply(hand, theirs, "--kubeconfig", "exec.yaml", "--allow-exec", "aws")

    assert "would start 'touch' on this machine; allowed by name: aws" in " ".join(refused.error.split())
    assert not (hand.folder / "x").exists()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="NOT SHOWN: kubectl is not on this machine")
def test_kubectl_applies_what_was_rendered_and_the_cluster_holds_the_same(hand, fetched, theirs):
    theirs.namespace()
    objects = rendered(hand)

    subprocess.run(
        ["kubectl", "--kubeconfig", str(theirs.kubeconfig), "apply", "--server-side", "-f", "out.yaml"],
        cwd=hand.folder, env={**os.environ, "HOME": str(hand.folder)}, check=True, capture_output=True, timeout=120,
    )  # fmt: skip

    assert [bare(one) for one in objects] == [bare(theirs.held()["ConfigMap", name]) for name in NAMED]
