"""The direct provisioner: the same machine, state and lock as with Terraform, without Terraform."""

import getpass
import json
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Literal

import drproof
from drproof.formats.remote_states import DIRECT_KIND, DIRECT_SUFFIX, DIRECT_VERSION
from drproof.model.capabilities import Intent, RunnerSpec
from drproof.model.changes import Change, Planned, Say, unsaid
from drproof.model.context import EXPIRES_TAG
from drproof.model.errors import AlreadyExistsError, NotFoundError
from drproof.model.ownership import Bounds
from drproof.targets.provisioners.machines import end_all, marked, outputs, own_tags, sought
from drproof.targets.provisioners.place import LOCK_SUFFIX, OWN_LOCK, Place


class DirectProvisioner:
    """Brings the machine up by EC2's own interface."""

    kind: Literal["direct"] = "direct"

    def __init__(self, place: Place, *, reason: str) -> None:
        """Work at `place`; `reason` says why this is not Terraform."""
        self._place = place
        self._reason = reason

    @property
    def version(self) -> str:
        """The version of drproof, and why Terraform is not used."""
        return f"drproof {drproof.__version__} ({self._reason})"

    @property
    def state(self) -> str:
        """Where the remote state lies."""
        return f"{self._place.uri}{DIRECT_SUFFIX}"

    def up(self, intent: Intent, spec: RunnerSpec, *, say: Say = unsaid) -> Change:
        """Create the machine if the state holds none."""
        place = self._place
        spec = marked(spec, place.origin)
        with self._locked(intent, "OperationTypeApply", spec):
            if (other := place.terraform()).identities:
                raise place.foreign(other)
            held = place.direct()
            if held.identities and held.origin != place.origin:
                raise place.foreign(held)
            if held.identities:
                return Change(
                    created=0,
                    changed=0,
                    destroyed=0,
                    outputs=outputs(spec, place.fleet.runners(sought(spec))),
                    planned=Planned(create=0, change=0, destroy=0),
                )
            say(f"starting {spec.name}")
            runner = place.fleet.launch(intent, spec)
            self._write(intent, runner.instance_id, spec)
        return Change(
            created=1,
            changed=0,
            destroyed=0,
            outputs=outputs(spec, (runner,)),
            created_ids=(runner.instance_id,),
            planned=Planned(create=1, change=0, destroy=0),
        )

    def down(self, intent: Intent, spec: RunnerSpec, bounds: Bounds, *, say: Say = unsaid) -> Change:
        """End the drill's machine, also one that a killed process created and the state does not know."""
        place = self._place
        spec = marked(spec, place.origin)
        say(f"ending what carries the tags of {spec.name}")
        # Machines first: whoever holds the lock, what is ours must not cost on.
        ended = end_all(place.fleet, intent, spec, bounds, timeout_ms=place.ending_ms)
        place.drop_own_lock(intent)
        held = place.direct()
        if held.identities and held.origin == place.origin:
            with self._locked(intent, "OperationTypeApply", spec):
                place.objects.delete_unchanged(intent, place.bucket, place.key + DIRECT_SUFFIX, if_match=held.etag)
        return Change(created=0, changed=0, destroyed=len(ended))

    def holds(self) -> tuple[str, ...]:
        """Return the identities in the remote state."""
        return self._place.direct().identities

    @contextmanager
    def _locked(self, intent: Intent, operation: str, spec: RunnerSpec) -> Iterator[None]:
        """Hold the lock that Terraform would hold."""
        place, key = self._place, self._place.key + LOCK_SUFFIX
        place.drop_own_lock(intent)
        lock = {
            "ID": str(uuid.uuid4()),
            "Operation": operation,
            "Info": OWN_LOCK + place.origin,
            "Who": f"{getpass.getuser()}@{socket.gethostname()}",
            "Version": drproof.__version__,
            "Created": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "Path": f"{place.bucket}/{place.key}",
        }
        body = json.dumps(lock).encode()
        try:
            taken = place.objects.put(intent, place.bucket, key, body, tags=own_tags(spec), if_absent=True)
        except AlreadyExistsError as exc:
            raise place.held(place.lock()) from exc
        try:
            yield
        finally:
            with suppress(AlreadyExistsError, NotFoundError):
                # What lies there by now is somebody else's.
                place.objects.delete_unchanged(intent, place.bucket, key, if_match=taken.etag)

    def _write(self, intent: Intent, instance_id: str, spec: RunnerSpec) -> None:
        place = self._place
        document = {
            "version": DIRECT_VERSION,
            "kind": DIRECT_KIND,
            "origin": place.origin,
            "expires_at": spec.tags.get(EXPIRES_TAG, ""),
            "resources": [{"kind": "instance", "identity": instance_id}],
        }
        body = json.dumps(document, sort_keys=True).encode()
        place.objects.put(intent, place.bucket, place.key + DIRECT_SUFFIX, body, tags=own_tags(spec), if_absent=True)
