"""Reading a published run: what is there, what may not be read, what moves meanwhile, and where a pointer may lead."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.formats import pointers
from drproof.formats.published_runs import OUTPUTS
from drproof.model.capabilities import ObjectInfo
from drproof.model.criteria import Published
from drproof.model.errors import NotFoundError, PhaseError, TargetError, ThrottledError
from drproof.phases.published.observed import PublishedRunObserved
from drproof.phases.published.read_published_run import COUNTED, read_published_run
from tests.contracts.evidence import PASSING
from tests.contracts.reasoning_of_runs import RUN
from tests.phases.site import SETTINGS

PRIMARY = replace(SETTINGS.primary, outputs=OUTPUTS)
PATH = f"atlas/runs/{RUN}"
KEYS = pointers.keys(PRIMARY.prefix, PRIMARY.candidate, PRIMARY.provider, PRIMARY.profile)
POINTER = {
    "schema_version": 1,
    "run_id": RUN,
    "run_path": PATH,
    "ended_at": "2026-01-31T11:00:00Z",
    "providers": ["openai"],
    "profiles": ["cs"],
    "provider_profiles": {"openai:cs": RUN},
}


class Store:
    """A bucket in memory; `refuses` holds what reading a key raises, `before` is called before each read."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.refuses: dict[str, Exception] = {}
        self.before: Callable[[str], None] = lambda _: None
        self.streamed: list[str] = []

    def _info(self, key: str) -> ObjectInfo:
        return ObjectInfo(bucket=PRIMARY.bucket, key=key, size=len(self.held[key]), etag="", modified_at="")

    def read(self, bucket: str, key: str) -> tuple[ObjectInfo, bytes]:
        assert bucket == PRIMARY.bucket
        self.before(key)
        if key in self.refuses:
            raise self.refuses[key]
        if key not in self.held:
            raise NotFoundError(key, code="NoSuchKey")
        return self._info(key), self.held[key]

    def stream(self, bucket: str, key: str) -> tuple[ObjectInfo, Iterator[bytes]]:
        info, body = self.read(bucket, key)
        self.streamed.append(key)
        return info, iter((body[:2], body[2:]))

    def list(self, bucket: str, prefix: str) -> Iterator[ObjectInfo]:
        assert prefix.endswith("/")
        return (self._info(key) for key in sorted(self.held) if key.startswith(prefix))

    def point(self, label: str = "", **changes: Any) -> None:
        """Write one pointer, or all of them."""
        for key in [KEYS[label]] if label else KEYS.values():
            self.held[key] = json.dumps({**POINTER, **changes}).encode()


@pytest.fixture
def store() -> Store:
    """A whole run with its latest copies and pointers."""
    made = Store()
    artifacts = {}
    for output in OUTPUTS:
        name, body = PRIMARY.file_name(output), output.encode()
        made.held[f"{PATH}/openai/cs/{name}"] = made.held[f"atlas/latest/openai/cs/{name}"] = body
        artifacts[f"openai:cs:{output}"] = {
            "path": f"state/{name}",
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
    report = {"run_id": RUN, "verifiable_artifacts": artifacts}
    made.held[f"{PATH}/run_report.json"] = json.dumps(report).encode()
    made.point()
    return made


def read(store: Store, **changes: Any) -> PublishedRunObserved:
    published = Published(prefix="atlas", provider="openai", profile="cs", outputs=tuple(sorted(OUTPUTS)))
    criteria = replace(PASSING.criteria, pointers=pointers.LABELS, published=published)
    settings = replace(SETTINGS, primary=replace(PRIMARY, **changes))
    target = SimpleNamespace(primary=SimpleNamespace(objects=store))
    context: Any = SimpleNamespace(plan=SimpleNamespace(criteria=criteria), settings=settings, target=target)
    return read_published_run.act(context)


def test_every_object_is_read_once_beside_what_was_promised_and_beside_its_latest_copy(store):
    observed = read(store)

    assert (observed.run_id, observed.run_path) == (RUN, PATH)
    assert {one.status for one in (*observed.objects, *observed.latest)} == {"ok"}
    assert {one.status for one in observed.pointers} == {observed.report.status} == {"ok"}
    assert {one.name for one in observed.objects} == {f"openai:cs:{output}" for output in OUTPUTS}
    assert all((one.size, one.sha256) == (one.promised_size, one.promised_sha256) for one in observed.objects)
    assert [one.name for one in observed.latest] == sorted(OUTPUTS)
    assert {one.objects for one in observed.pointers} == {len(OUTPUTS) + 1}
    assert len(store.streamed) == len(set(store.streamed)) == 2 * len(OUTPUTS)


def test_a_marker_that_is_no_output_has_its_latest_copy_read_too(store):
    observed = read(store, marker="done.{provider}.txt")

    assert (observed.latest[-1].name, observed.latest[-1].status) == ("done.openai.txt", "not_found")


def test_what_is_promised_and_gone_and_what_is_there_unpromised_are_both_told(store):
    name = PRIMARY.file_name("top_md")
    del store.held[f"{PATH}/openai/cs/{name}"]
    store.held[f"{PATH}/stray/file"] = b""

    found = {one.name: one for one in read(store).objects}

    assert (found["openai:cs:top_md"].status, found["openai:cs:top_md"].promised) == ("not_found", True)
    assert (found["stray/file"].status, found["stray/file"].promised, found["stray/file"].size) == ("ok", False, 0)


def test_what_may_not_be_read_is_denied_and_any_other_refusal_ends_the_attempt(store):
    denied = TargetError("no", code="AccessDenied")
    file = f"{PATH}/openai/cs/{PRIMARY.file_name('ranked_csv')}"
    store.refuses = {file: denied, KEYS["provider"]: denied}

    observed = read(store)

    assert {one.key for one in observed.objects if one.status == "access_denied"} == {file}
    assert [one.label for one in observed.pointers if one.status == "access_denied"] == ["provider"]
    for key in (file, KEYS["provider"], f"{PATH}/run_report.json"):
        store.refuses = {key: ThrottledError("slow down", code="SlowDown")}
        with pytest.raises(ThrottledError):
            read(store)


@pytest.mark.parametrize(
    ("body", "status"),
    [(None, "not_found"), (b"{", "json-syntax"), (b'{"run_id": "x", "verifiable_artifacts": []}', "run-report")],
)
def test_a_run_without_a_report_promises_nothing_and_is_read_all_the_same(store, body, status):
    key = f"{PATH}/run_report.json"
    if body is None:
        del store.held[key]
    else:
        store.held[key] = body

    observed = read(store)

    assert observed.report.status == status
    assert len(observed.objects) == len(OUTPUTS)
    assert not any(one.promised for one in observed.objects)
    store.refuses = {key: TargetError("no", code="AccessDenied")}
    assert read(store).report.status == "access_denied"


def test_pointers_that_move_while_the_run_is_read_end_the_attempt(store):
    def publish(key: str) -> None:
        if "latest" in key:
            store.point(run_id="another", run_path="atlas/runs/another")

    store.before = publish

    with pytest.raises(PhaseError, match="the pointers moved while the run was read"):
        read(store)
    store.before = lambda _: None
    assert read(store).run_id == "another"


def test_a_pointer_cannot_lead_to_all_that_is_published(store):
    store.held |= {f"atlas/other/{number}": b"" for number in range(COUNTED + 1)}
    store.point(run_path="atlas")

    observed = read(store)

    assert {one.objects for one in observed.pointers} == {COUNTED}
    assert len(observed.objects) == len(OUTPUTS), "the run is read where it must lie"
    store.point(run_path="/")
    assert {one.objects for one in read(store).pointers} == {0}


def test_without_a_pointer_there_is_no_run(store):
    for key in KEYS.values():
        store.held[key] = b""

    observed = read(store)

    assert (observed.run_id, observed.run_path, observed.objects) == ("", "", ())
    assert {one.status for one in observed.pointers} == {"pointer-empty"}
    assert observed.report.status == "not_found"


def test_promises_of_one_place_are_all_kept_and_the_object_is_read_once(store):
    key = f"{PATH}/run_report.json"
    report = json.loads(store.held[key])
    file = PRIMARY.file_name("top_md")
    report["verifiable_artifacts"]["openai:cs:other"] = {"path": f"else/{file}", "bytes": 1, "sha256": "ab" * 32}
    report["verifiable_artifacts"]["itself"] = {"path": "run_report.json", "bytes": 1, "sha256": "ab" * 32}
    store.held[key] = json.dumps(report).encode()

    found = {one.name: one for one in read(store).objects}

    assert {"openai:cs:top_md", "openai:cs:other", "itself"} <= found.keys()
    assert (found["openai:cs:other"].promised_size, found["openai:cs:top_md"].promised_size) == (1, len("top_md"))
    assert found["openai:cs:other"].key == found["openai:cs:top_md"].key
    assert (found["itself"].key, found["itself"].promised, found["itself"].status) == (key, True, "ok")
    assert len(store.streamed) == len(set(store.streamed))
