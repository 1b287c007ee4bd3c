"""The API of one cluster: who calls, what fails, and which answer a request gets."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from drproof.embedded.kubernetes import discovery, logs, routes, subresources
from drproof.embedded.kubernetes.calls import Call
from drproof.embedded.kubernetes.errors import ApiError, NotFound, Unauthorized
from drproof.embedded.kubernetes.faults import Fault
from drproof.embedded.kubernetes.http import Answer, Request, Reset, refusal
from drproof.embedded.kubernetes.listing import Lists, shown
from drproof.embedded.kubernetes.resources import Object, Resource
from drproof.embedded.kubernetes.routes import Target
from drproof.embedded.kubernetes.selectors import parse
from drproof.embedded.kubernetes.store import Store
from drproof.embedded.kubernetes.watching import Watch
from drproof.embedded.kubernetes.writing import Mutator, Writer, Written

Plant = Callable[[Call], Fault | None]
"""Decides for a call whether it fails."""


class Api:
    """Answers the requests of one store."""

    def __init__(self, store: Store, on_call: Callable[[Call], None] | None = None) -> None:
        self.store = store
        self.faults: list[Plant] = []
        self.mutators: list[Mutator] = []
        self.log_files: logs.LogFiles | None = None
        self.stopping = threading.Event()
        self._on_call = on_call
        self._numbers = itertools.count(1)
        self._lists = Lists(store)
        self._writer = Writer(store, self.mutators)

    def answer(self, request: Request) -> Answer:
        """Return the answer of a request; Reset where it gets none."""
        target, refused = _targeted(request)
        call = _call(next(self._numbers), request, target)
        fault = self._planted(call)
        if fault is not None and fault.hang_seconds:
            self.stopping.wait(fault.hang_seconds)
        fails = fault is not None and (fault.status or fault.reset)
        if fault is None or not fails or fault.after:
            answer = self._executed(request, target, refused)
        if fault is not None and fails:
            if fault.reset:
                self._note(call)
                raise Reset
            answer = _failed(fault)
        self._note(replace(call, status=answer.status))
        return answer

    def _planted(self, call: Call) -> Fault | None:
        return next((fault for plant in list(self.faults) if (fault := plant(call)) is not None), None)

    def _note(self, call: Call) -> None:
        if self._on_call is not None:
            self._on_call(call)

    def _executed(self, request: Request, target: Target, refused: ApiError | None) -> Answer:
        try:
            if not request.user:
                raise Unauthorized
            if refused is not None:
                raise refused
            if target.review is not None:
                return subresources.review(request, target.review)
            if target.resource is None:
                return discovery.answer(target.path)
            if target.subresource:
                return self._of_subresource(request, target, target.resource)
            return self._of_resource(request, target, target.resource)
        except ApiError as error:
            return refusal(error)

    def _of_resource(self, request: Request, target: Target, resource: Resource) -> Answer:
        namespace, name = target.namespace, target.name
        match target.verb:
            case "list":
                return Answer(document=self._lists.answer(request, resource, namespace))
            case "watch":
                return Answer(stream=Watch(self.store, request, resource, namespace))
            case "get" if request.flag("watch"):
                return Answer(stream=Watch(self.store, request, resource, namespace, name))
            case "get":
                return Answer(document=shown(request, resource, self._found(resource, namespace, name)))
            case "create":
                return _written(request, resource, self._writer.create(request, resource, namespace))
            case "update":
                return _written(request, resource, self._writer.update(request, resource, namespace, name))
            case "patch":
                return _written(request, resource, self._writer.patch(request, resource, namespace, name))
            case "delete":
                return Answer(document=self._writer.delete(request, resource, namespace, name))
            case _:
                return self._delete_collection(request, resource, namespace)

    def _of_subresource(self, request: Request, target: Target, resource: Resource) -> Answer:
        namespace, name, subresource = target.namespace, target.name, target.subresource
        match subresource, target.verb:
            case "log", _:
                return logs.answer(self.store, self.log_files, request, namespace, name)
            case "scale", _:
                return subresources.scale(self._writer, request, target, resource)
            case "eviction", _:
                return subresources.evict(self.store, request, target)
            case "binding", _:
                return subresources.bind(self.store, request, target)
            case "finalize", _:
                return subresources.finalize(self.store, request, target)
            case _, "get":
                return Answer(document=shown(request, resource, self._found(resource, namespace, name)))
            case _, "patch":
                return _written(request, resource, self._writer.patch(request, resource, namespace, name, subresource))
            case _:
                return _written(request, resource, self._writer.update(request, resource, namespace, name, subresource))

    def _found(self, resource: Resource, namespace: str, name: str) -> Object:
        found = self.store.get(resource, namespace, name)
        if found is None:
            raise NotFound(resource.plural, resource.group, name)
        return found

    def _delete_collection(self, request: Request, resource: Resource, namespace: str) -> Answer:
        selector = parse(resource, request.parameter("labelSelector"), request.parameter("fieldSelector"))
        found, revision = self.store.list(resource, namespace)
        chosen = [each for each in found if selector(each)]
        for each in chosen:
            meta = each["metadata"]
            self._writer.delete(request, resource, meta.get("namespace", ""), meta["name"])
        kind = f"{resource.kind}List"
        meta = {"resourceVersion": str(revision)}
        return Answer(document={"kind": kind, "apiVersion": resource.api_version, "metadata": meta, "items": chosen})


def _targeted(request: Request) -> tuple[Target, ApiError | None]:
    try:
        return routes.target(request), None
    except ApiError as error:
        return Target(path=("",)), error


def _written(request: Request, resource: Resource, written: Written) -> Answer:
    return Answer(written.status, shown(request, resource, written.object), warnings=written.warnings)


def _failed(fault: Fault) -> Answer:
    error = ApiError(fault.status, fault.reason, fault.message or fault.reason)
    error.retry_after = fault.retry_after
    return refusal(error)


def _call(number: int, request: Request, target: Target) -> Call:
    group, plural = target.names
    return Call(
        number=number,
        at=time.time(),
        user=request.user,
        method=request.method,
        path=request.path,
        verb=target.verb,
        group=group,
        resource=plural,
        subresource=target.subresource,
        namespace=target.namespace,
        name=target.name,
        dry_run="All" in request.query.get("dryRun", []),
        field_manager=request.parameter("fieldManager"),
        user_agent=request.headers.get("user-agent", ""),
    )
