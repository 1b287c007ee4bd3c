"""S3 Object Lock: a retention is answered, begins in the future, and is not made shorter."""

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from moto.s3.models import FakeKey, s3_backends
from moto.s3.responses import S3Response

from drproof.embedded.accounts import Credentials
from drproof.embedded.asked import Asked
from drproof.embedded.refusals import Refusal
from drproof.embedded.shims import seams
from drproof.embedded.shims.s3_owner import owner_of
from drproof.embedded.world import World

# The emulator fails at reading a retention, lets it be shortened in every mode, and takes one that is over already.
SEAMS = (
    "moto.s3.responses:S3Response._key_response_get",
    "moto.core.responses:BaseResponse._get_param",
    "moto.s3.models:s3_backends",
)
MODES = {"COMPLIANCE", "GOVERNANCE"}
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
NONE = "<Error><Code>NoSuchObjectLockConfiguration</Code><Message>no retention</Message><Key>{key}</Key></Error>"


def install(_world: World) -> None:
    """Let a retention be read."""
    get = S3Response._key_response_get  # noqa: SLF001 — the emulator's own way to its answers

    def key_response_get(self: Any, query: dict[str, Any], key_name: str) -> Any:  # noqa: ANN401 — the emulator's
        if "retention" not in query:
            return get(self, query, key_name)
        key = self.backend.get_object(self.bucket_name, key_name, version_id=self._get_param("versionId"))
        if not isinstance(key, FakeKey):
            # As for any other question about what is not there.
            return get(self, {}, key_name)
        if not key.lock_mode:
            return 404, {"content-type": "application/xml"}, NONE.format(key="")
        text = (
            f'<Retention xmlns="{NAMESPACE[1:-1]}"><Mode>{key.lock_mode}</Mode>'
            f"<RetainUntilDate>{key.lock_until}</RetainUntilDate></Retention>"
        )
        return 200, {"content-type": "application/xml"}, text

    seams.put(S3Response, "_key_response_get", key_response_get)


def gate(_world: World, asked: Asked, _credentials: Credentials) -> Refusal | None:
    """Return a refusal when a retention is none, is over already, or would let go earlier what is kept."""
    if asked.action == "PutObject":
        mode, until = asked.header("x-amz-object-lock-mode"), asked.header("x-amz-object-lock-retain-until-date")
        return _none(mode, until) if mode or until else None
    if asked.action != "PutObjectRetention":
        return None
    mode, until = _wanted(asked.body)
    return _none(mode, until) or _shorter(asked, mode, _instant(until))


def _none(mode: str, until: str) -> Refusal | None:
    if mode not in MODES:
        return Refusal(400, "InvalidArgument", f"expected a mode of {', '.join(sorted(MODES))}, got {mode!r}")
    try:
        if _instant(until) > datetime.now(UTC):
            return None
    except ValueError:
        return Refusal(400, "InvalidArgument", f"the retain until date is no instant: {until!r}")
    return Refusal(400, "InvalidArgument", "The retain until date must be in the future!")


def _shorter(asked: Asked, mode: str, until: datetime) -> Refusal | None:
    backend = s3_backends[owner_of(asked.bucket)]["aws"]
    key = backend.get_object(asked.bucket, asked.key, version_id=asked.query.get("versionId", [""])[0] or None)
    if not isinstance(key, FakeKey) or not key.lock_mode or not key.lock_until:
        return None
    weaker = until < _instant(key.lock_until) or (key.lock_mode == "COMPLIANCE" and mode != "COMPLIANCE")
    may = key.lock_mode == "GOVERNANCE" and asked.header("x-amz-bypass-governance-retention").lower() == "true"
    if _instant(key.lock_until) <= datetime.now(UTC) or not weaker or may:
        return None
    return Refusal(403, "AccessDenied", "Access Denied because object protected by object lock.")


def _wanted(body: bytes) -> tuple[str, str]:
    try:
        # The world is called by drproof's own tests and drills, on this machine.
        root = ET.fromstring(body)  # noqa: S314
    except ET.ParseError:
        return "", ""
    found = {child.tag.rpartition("}")[2]: child.text or "" for child in root}
    return found.get("Mode", ""), found.get("RetainUntilDate", "")


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
