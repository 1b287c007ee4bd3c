"""Spoiled requests, many of them: whatever is sent, the answer is a Status or an object, and nobody falls over."""

import json
import random
from typing import Any

import pytest

from drproof.embedded.kubernetes.resources import ALL, Object

from .conftest import Running
from .test_api_kinds import CONTENT, collection

REQUESTS = 500
JUNK: list[Any] = [
    None, 0, -1, 2**40, 2**70, 1.5, "", "a", "\n", "x" * 300, "é", [], {}, [1], [None], [{}], [[]], True,
    {"a": None}, {"name": "x"}, [{"name": 1}], {"$patch": "delete"}, {"$patch": 7}, [{"$patch": "replace"}], {"$retainKeys": 1},
]  # fmt: skip
EXTRA = (
    "foo", "status", "spec", "metadata", "finalizers", "ownerReferences", "labels", "selector", "volumes", "env",
    "deletionTimestamp", "managedFields", "generateName", "resourceVersion", "$setElementOrder/containers",
    "$deleteFromPrimitiveList/finalizers",
)  # fmt: skip
PATCHES = ("json-patch+json", "merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml")
POINTERS = ("", "/spec", "/data/a", "/metadata/labels", "/metadata/finalizers/-", "/spec/template/spec/containers/0")


def spoiled(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.1:
        return chance.choice(JUNK)
    if isinstance(value, dict):
        result = {key: spoiled(each, chance) for key, each in value.items() if chance.random() > 0.04}
        if chance.random() < 0.08:
            result[chance.choice(EXTRA)] = chance.choice(JUNK)
        return result
    return [spoiled(each, chance) for each in value] if isinstance(value, list) else value


def operations(chance: random.Random) -> list[Object]:
    return [
        {
            "op": chance.choice(["add", "remove", "replace", "test", "copy", "move", "dance"]),
            "path": chance.choice(POINTERS),
            "from": chance.choice([*POINTERS, None, 1]),
            "value": chance.choice(JUNK),
        }
        for _ in range(chance.randint(0, 3))
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_request_is_a_defect(running: Running, seed: int):
    """API conventions: errors are Status objects; an internal error here is a defect of ours, not of the caller."""
    chance = random.Random(seed)
    connection = running.connect()
    kinds = [each for each in ALL if each.kind != "Node"]
    codes: set[int] = set()
    for _ in range(REQUESTS):
        resource, name = chance.choice(kinds), chance.choice("pqrs")
        body: Any = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name},
            **CONTENT.get(resource.kind, {}),
        }
        body = spoiled(body, chance) if chance.random() < 0.7 else body
        method = chance.choice(["POST", "POST", "PUT", "PATCH", "PATCH", "PATCH", "DELETE", "GET"])
        path = collection(resource) if method == "POST" else f"{collection(resource)}/{name}"
        kind = chance.choice(PATCHES) if method == "PATCH" else "json"
        if kind == "json-patch+json":
            body = operations(chance)
        if method == "DELETE":
            body = spoiled({"propagationPolicy": "Background", "preconditions": {"uid": "x"}}, chance)
        path += chance.choice(["", "?dryRun=All", "?fieldManager=m", "?fieldManager=n&force=true", "?limit=1"])
        connection.request(method, path, json.dumps(body), {"Content-Type": f"application/{kind}"})
        answer = connection.getresponse()
        document = json.loads(answer.read())
        codes.add(answer.status)
        assert document.get("reason") != "InternalError", (method, path, kind, body, document)
        if answer.status >= 400:
            assert (document["kind"], document["code"]) == ("Status", answer.status)
    connection.close()
    assert {200, 201, 400, 404, 422} <= codes
