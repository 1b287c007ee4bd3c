"""What Jobs, pods and their events say: why one waits, how one ended, what it ran and where its image came from.

The texts are those of kubelet, containerd and scheduler; they differ by version, so they are matched by what they
contain.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from drproof.model.cluster import Manifest

TAIL: Final = 400
"""Characters of a message that are kept, from its end: the cause comes last."""

TroubleKind = Literal["image_pull_auth", "invalid_image", "insufficient_memory", "unschedulable", "config_error"]

PULLING: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"})
INVALID: Final = frozenset({"InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
CONFIGURING: Final = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
REFUSED: Final = (
    *("no basic auth credentials", "pull access denied", "401 Unauthorized", "403 Forbidden"),
    *("unauthorized", "authorization", "denied", "authentication required"),
)
"""What a registry says to somebody whom it does not let in; some say so of an image that is not there, too."""
ABSENT: Final = (": not found", "manifest unknown", "no match for platform")
"""What it says of an image that no login will ever bring."""
FOR_NOW: Final = ("failed to sync", "not registered", "timed out waiting for the condition")
"""A mount that the kubelet tries again before it has seen the cluster's objects."""

CONTAINER_FIELD = re.compile(r"spec\.(?:initContainers|containers|ephemeralContainers)\{(?P<name>[^}]+)\}")
QUOTED = re.compile(r'"(?P<image>[^"]+)"')
REPOSITORY_DIGEST = re.compile(r".+@(?P<digest>sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a pod does not start, and will not by waiting alone."""

    kind: TroubleKind
    container: str
    """Empty where the whole pod waits."""
    reason: str
    message: str
    """The end of what the cluster says."""


class Exit(NamedTuple):
    """How a container ended."""

    container: str
    exit_code: int
    reason: str


def waiting(pod: Manifest, events: Iterable[Manifest] = ()) -> Trouble | None:
    """Return what keeps a pod from starting, or None while it is on its way, runs, or has ended.

    `events` may tell of volumes that cannot be mounted: of these the pod itself says nothing.
    """
    status = pod.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            message = _tail(condition.get("message"))
            short = "Insufficient memory" in (condition.get("message") or "")
            return Trouble(
                kind="insufficient_memory" if short else "unschedulable",
                container="",
                reason=str(condition.get("reason") or ""),
                message=message,
            )
    statuses = _statuses(pod)
    for container in statuses:
        state = (container.get("state") or {}).get("waiting") or {}
        kind = _kind(str(state.get("reason") or ""), str(state.get("message") or ""))
        if kind is not None:
            return Trouble(
                kind=kind, container=container["name"], reason=state["reason"], message=_tail(state.get("message"))
            )
    if status.get("phase") in (None, "", "Pending"):
        for event in events:
            message = _message(event)
            if event.get("reason") == "FailedMount" and _of(event, pod) and not _any(FOR_NOW, message):
                return Trouble(kind="config_error", container="", reason="FailedMount", message=_tail(message))
    return None


def ended(job: Manifest) -> str:
    """Return `Complete`, `Failed:<reason>`, or an empty text for a Job that has not ended."""
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("status") == "True" and condition.get("type") == "Complete":
            return "Complete"
        if condition.get("status") == "True" and condition.get("type") == "Failed":
            return f"Failed:{condition.get('reason') or ''}"
    return ""


def exits(pod: Manifest) -> tuple[Exit, ...]:
    """Return how the containers ended, init containers first; one that waits to start again as it last ended."""
    found = []
    for container in _statuses(pod):
        state = container.get("state") or {}
        last = (container.get("lastState") or {}) if "waiting" in state else {}
        if end := state.get("terminated") or last.get("terminated"):
            found.append(Exit(container["name"], int(end.get("exitCode", -1)), str(end.get("reason") or "")))
    return tuple(found)


def images(pod: Manifest) -> dict[str, tuple[str, str]]:
    """Return for each container the image that was asked for and the digest of what runs.

    The digest is empty while nothing was pulled, and for an image that came from no repository: what identifies that
    one is no digest that anybody else knows.
    """
    asked = _asked(pod)
    found = {}
    for container in _statuses(pod):
        name = container["name"]
        match = REPOSITORY_DIGEST.fullmatch(str(container.get("imageID") or ""))
        found[name] = (asked.get(name) or str(container.get("image") or ""), match["digest"] if match else "")
    return found


def pulled(events: Iterable[Manifest], pod: Manifest) -> dict[str, Literal["registry", "cache"]]:
    """Return for each container whether a registry was asked for its image, or the node had it already.

    A container whose events say neither is not among them; one that was pulled once and started again later counts as
    pulled. An event that names no container counts for each container of its image.
    """
    asked = _asked(pod)
    found: dict[str, Literal["registry", "cache"]] = {}
    for event in events:
        if event.get("reason") != "Pulled" or not _of(event, pod):
            continue
        message = _message(event)
        if "Successfully pulled image" in message:
            source: Literal["registry", "cache"] = "registry"
        elif "already present on machine" in message:
            source = "cache"
        else:
            continue
        match, image = CONTAINER_FIELD.fullmatch(str(_object(event).get("fieldPath") or "")), QUOTED.search(message)
        names = [match["name"]] if match else [name for name in asked if image and asked[name] == image["image"]]
        for name in names:
            if found.get(name) != "registry":
                found[name] = source
    return found


def _kind(reason: str, message: str) -> TroubleKind | None:
    if reason in INVALID:
        return "invalid_image"
    if reason in CONFIGURING:
        return "config_error"
    if reason in PULLING or "failed to pull" in message:
        return "invalid_image" if _any(ABSENT, message) and not _any(REFUSED, message) else "image_pull_auth"
    return None


def _any(texts: Iterable[str], message: str) -> bool:
    return any(text in message for text in texts)


def _tail(message: object) -> str:
    return str(message or "").strip()[-TAIL:]


def _statuses(pod: Manifest) -> list[dict[str, Any]]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _asked(pod: Manifest) -> dict[str, str]:
    spec = pod.get("spec") or {}
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return {container["name"]: str(container.get("image") or "") for container in containers}


def _object(event: Manifest) -> Mapping[str, Any]:
    """Return what an event is about, as either API of events has it."""
    found: Mapping[str, Any] = event.get("involvedObject") or event.get("regarding") or {}
    return found


def _message(event: Manifest) -> str:
    return str(event.get("message") or event.get("note") or "")


def _of(event: Manifest, pod: Manifest) -> bool:
    """Whether an event is about this pod, and not about one of the same name before it."""
    about, metadata = _object(event), pod["metadata"]
    if about.get("uid") and metadata.get("uid"):
        return bool(about["uid"] == metadata["uid"])
    return (about.get("name"), about.get("namespace")) == (metadata["name"], metadata.get("namespace"))
