"""Probes of how a cluster keeps objects: applying, refusing, comparing, watching."""

import base64
import re

from drproof.model.cluster import CONFIG_MAP, JOB, NODE, SERVICE_ACCOUNT, Manifest
from drproof.model.errors import AlreadyExistsError, TargetError
from drproof.targets.kubernetes.ground import Ground, Probe, condition, expect, job_spec

OLDEST = (1, 27)
"""The first version whose Jobs and field validation are as drproof expects."""

TEXTS = {
    "newline": "one\n",
    "newlines": "one\n\n\n",
    "crlf": "a\r\nb\r\n",
    "spaces": "  leading and trailing  ",
    "tab": "\tindented",
    "letters": "Zürich — 東京 🙂\u00a0",
    "empty": "",
    "json": '{"a": 1.10, "a": 2}\n',
    "looks-like-yaml": "yes: no\n---\n- 0o17\n",
}
BYTES = bytes(range(256))


def server_version(ground: Ground) -> str:
    """The version that the server says."""
    version = ground.cluster.identity.version
    found = re.match(r"v?(\d+)\.(\d+)", version)
    expect(found is not None, f"expected a version such as v1.31.5, got {version!r}")
    got = (int(found[1]), int(found[2])) if found else (0, 0)
    expect(got >= OLDEST, f"expected {OLDEST[0]}.{OLDEST[1]} or later, got {version}")
    return version


def nodes_readable(ground: Ground) -> str:
    """The nodes that can be listed."""
    nodes = ground.cluster.list(NODE)
    expect(bool(nodes), "expected at least one node, got none")
    expect(all("allocatable" in node["status"] for node in nodes), "expected every node to say what it has to give")
    ready = sum(1 for node in nodes if condition(node, "Ready"))
    return f"{len(nodes)} nodes, {ready} ready"


def default_service_account(ground: Ground) -> str:
    """The account that comes with the namespace."""
    account = ground.manifest(SERVICE_ACCOUNT, "default")
    ground.wait(account, lambda found: found is not None, "it to appear in a new namespace")
    return "it appeared"


def apply_again(ground: Ground) -> str:
    """Two applies of the same object."""
    manifest = ground.manifest(CONFIG_MAP, "apply-again", data={"a": "1"})
    first, second = ground.apply(manifest), ground.apply(manifest)
    versions = [str(each["metadata"]["resourceVersion"]) for each in (first, second)]
    expect(versions[0] == versions[1], f"expected the resourceVersion to stay {versions[0]}, got {versions[1]}")
    return f"resourceVersion {versions[0]} both times"


def dry_run(ground: Ground) -> str:
    """What a dry run leaves."""
    manifest = ground.manifest(CONFIG_MAP, "dry-run", data={"a": "1"})
    ground.cluster.try_out(manifest)
    expect(_stored(ground, manifest) is None, "expected a dry run to write nothing, and the object is there")
    kept = ground.create(manifest)
    ground.cluster.try_out({**manifest, "data": {"a": "2"}})
    now = _stored(ground, manifest)
    expect(now == kept, "expected a dry run of a change to leave the object as it was")
    return "nothing was written, neither new nor changed"


def unknown_field(ground: Ground) -> str:
    """What strict validation says to a misspelt field."""
    manifest = ground.manifest(JOB, "unknown-field", spec=job_spec(backofLimit=1))
    try:
        ground.cluster.try_out(manifest)
    except TargetError as exc:
        expect(exc.code in {"BadRequest", "Invalid"}, f"expected BadRequest or Invalid, got {exc.code}")
        expect("backofLimit" in str(exc), f"expected the refusal to name backofLimit, got {exc}")
        return f"refused as {exc.code}, and named"
    expect(holds=False, what="expected a misspelt field to be refused, and it was taken")
    return ""


def conflict(ground: Ground) -> str:
    """What becomes of the second of two writers."""
    read = ground.create(ground.manifest(CONFIG_MAP, "conflict", data={"a": "1"}))
    ground.replace({**read, "data": {"a": "2"}})
    try:
        ground.replace({**read, "data": {"a": "3"}})
    except TargetError as exc:
        expect(exc.code == "Conflict", f"expected Conflict, got {exc.code}")
    else:
        expect(holds=False, what="expected an object that has changed not to be overwritten, and it was")
    now = _stored(ground, read)
    expect(now is not None and now["data"] == {"a": "2"}, "expected what the first writer wrote to stay")
    return "the second writer got Conflict"


def name_taken(ground: Ground) -> str:
    """A second create of one name."""
    manifest = ground.manifest(CONFIG_MAP, "name-taken", data={"a": "1"})
    ground.create(manifest)
    try:
        ground.create(manifest)
    except AlreadyExistsError:
        return "the second create got AlreadyExists"
    expect(holds=False, what="expected a name to be given once, and it was given twice")
    return ""


def exact_bytes(ground: Ground) -> str:
    """What a ConfigMap gives back."""
    held = base64.b64encode(BYTES).decode()
    manifest = ground.manifest(CONFIG_MAP, "exact-bytes", data=TEXTS, binaryData={"all": held})
    ground.apply(manifest)
    now = _stored(ground, manifest) or {}
    changed = sorted(key for key, text in TEXTS.items() if now.get("data", {}).get(key) != text)
    expect(not changed, f"expected every value to come back byte by byte, changed: {', '.join(changed)}")
    expect(set(now["data"]) == set(TEXTS), f"expected {len(TEXTS)} keys, got {len(now['data'])}")
    expect(base64.b64decode(now["binaryData"]["all"]) == BYTES, "expected binaryData to come back byte by byte")
    return f"{len(TEXTS)} texts and {len(BYTES)} bytes came back"


def pull_secrets_replaced(ground: Ground) -> str:
    """What an apply makes of a list that somebody else wrote."""
    # Created and not applied: the entry then belongs to another manager than the one that applies.
    ground.create(ground.manifest(SERVICE_ACCOUNT, "pull-secrets", imagePullSecrets=[{"name": "one"}]))
    manifest = ground.manifest(SERVICE_ACCOUNT, "pull-secrets", imagePullSecrets=[{"name": "other"}])
    now = ground.apply(manifest)
    names = [each["name"] for each in now.get("imagePullSecrets") or ()]
    expect(names == ["other"], f"expected the whole list to be replaced by 'other', got {names}")
    return "the list was replaced whole"


def watch_resumes(ground: Ground) -> str:
    """A change that comes between the look and the watch."""
    manifest = ground.manifest(CONFIG_MAP, "watch-resumes", data={"a": "1"})
    ground.apply(manifest)
    seen: list[str] = []

    def changed(found: Manifest | None) -> bool:
        if not seen:
            # The list has been answered, and the watch has not begun.
            ground.apply({**manifest, "data": {"a": "2"}})
        seen.append((found or {}).get("data", {}).get("a", ""))
        return seen[-1] == "2"

    ground.wait(manifest, changed, "the watch to show what happened before it began")
    expect(seen == ["1", "2"], f"expected the values 1 and 2, got {seen}")
    return "what happened before it began was shown"


def _stored(ground: Ground, manifest: Manifest) -> Manifest | None:
    return ground.cluster.get(CONFIG_MAP, str(manifest["metadata"]["name"]), namespace=ground.namespace)


SSA = "Kubernetes documentation: Server-Side Apply"
CONCEPTS = "Kubernetes documentation: API Concepts"

OBJECT_PROBES = (
    Probe(
        name="server_version",
        claim=f"the server is Kubernetes {OLDEST[0]}.{OLDEST[1]} or later",
        source="Kubernetes 1.27 release notes: field validation is generally available",
        show=server_version,
    ),
    Probe(
        name="nodes_readable",
        claim="the nodes can be listed, and say what they have to give",
        source="Kubernetes documentation: Nodes",
        show=nodes_readable,
    ),
    Probe(
        name="default_service_account",
        claim="a new namespace gets a ServiceAccount `default`",
        source="Kubernetes documentation: Service Accounts",
        show=default_service_account,
    ),
    Probe(
        name="apply_again",
        claim="applying the same object again changes nothing: its resourceVersion stays",
        source=SSA,
        show=apply_again,
    ),
    Probe(name="dry_run", claim="a dry run writes nothing", source=f"{CONCEPTS}, Dry-run", show=dry_run),
    Probe(
        name="unknown_field",
        claim="strict validation refuses a field that the server does not know, and names it",
        source=f"{CONCEPTS}, Field validation",
        show=unknown_field,
    ),
    Probe(
        name="conflict",
        claim="an object that has changed since it was read is not overwritten: 409 Conflict",
        source=f"{CONCEPTS}, Resource versions",
        show=conflict,
    ),
    Probe(
        name="name_taken",
        claim="a name is given once: the second create gets 409 AlreadyExists",
        source=CONCEPTS,
        show=name_taken,
    ),
    Probe(
        name="exact_bytes",
        claim="a ConfigMap gives back every byte: line ends, spaces, any letter, any byte",
        source="Kubernetes documentation: ConfigMaps",
        show=exact_bytes,
    ),
    Probe(
        name="pull_secrets_replaced",
        claim="imagePullSecrets of a ServiceAccount is one value: applying a list replaces the whole",
        source=f"{SSA}, Merge strategy; the field has no merge key",
        show=pull_secrets_replaced,
    ),
    Probe(
        name="watch_resumes",
        claim="a watch from a resourceVersion shows everything that came after it",
        source=f"{CONCEPTS}, Efficient detection of changes",
        show=watch_resumes,
    ),
)
