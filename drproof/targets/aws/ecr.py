"""Container images: which architectures a digest stands for, checked against the digest itself."""

import base64
import hashlib
import http.client
import ssl
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from drproof.formats.image_ref import ECR, parse_pinned
from drproof.formats.strict_json import parse, shape_of
from drproof.model.capabilities import ImageSeen, RegistryLogin
from drproof.model.errors import FormatError
from drproof.targets.aws.errors import failure, translated

if TYPE_CHECKING:
    from mypy_boto3_ecr.client import ECRClient

MEDIA_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
UNKNOWN = "unknown"
"""The architecture of an attestation in an index; it runs nowhere."""

LINUX = "linux"
LARGEST_CONFIG = 4 << 20
FETCH_SECONDS = 30


class AwsImages:
    """A registry of container images; read-only."""

    def __init__(self, clients: Callable[[str], "ECRClient"]) -> None:
        """Ask through the client of the image's region."""
        self._clients = clients

    def look(self, image_ref: str) -> ImageSeen:
        """Return what a digest-pinned image is made of; an image that is no index has one architecture.

        Raises:
            ValueError: the reference is not pinned, or names no ECR registry.
            TargetError: the registry does not have it, or what it has is not what the digest says.
        """
        account, region, name, digest = _parts(image_ref)
        client: Any = self._clients(region)
        image = _image(client, image_ref, account, name, {"imageDigest": digest})
        manifest = _document(image_ref, image["imageManifest"].encode(), digest)
        media_type = str(manifest.get("mediaType") or image.get("imageManifestMediaType") or "")
        if "manifests" in manifest:
            return ImageSeen(media_type=media_type, digests=_of_index(image_ref, manifest))
        config = str(_table(image_ref, manifest.get("config"), "config").get("digest", ""))
        with translated("ecr:GetDownloadUrlForLayer", config):
            layer = client.get_download_url_for_layer(registryId=account, repositoryName=name, layerDigest=config)
        document = _document(image_ref, _fetch(layer["downloadUrl"], config), config)
        return ImageSeen(media_type=media_type, digests=_of_linux(image_ref, [(document, digest)], "the image"))

    def digest_of(self, repository: str, tag: str) -> str:
        """Return the digest that a tag of a repository of ECR names now.

        Raises:
            ValueError: the repository is none of ECR.
            TargetError: the registry has no such tag.
        """
        match = ECR.fullmatch(repository)
        if match is None:
            msg = f"the repository {repository}: expected one of ECR, whose registry names account and region"
            raise ValueError(msg)
        client: Any = self._clients(match["region"])
        image = _image(client, f"{repository}:{tag}", match["account"], match["name"], {"imageTag": tag})
        return str(image["imageId"]["imageDigest"])

    def login(self, registry: str) -> RegistryLogin:
        """Return a fresh login to a registry of ECR; it lives twelve hours.

        Raises:
            ValueError: the name is not of a registry of ECR.
            TargetError: the registry lets nobody in.
        """
        match = ECR.fullmatch(f"{registry}/any")
        if match is None:
            msg = f"the registry {registry}: expected one of ECR, whose name tells account and region"
            raise ValueError(msg)
        client: Any = self._clients(match["region"])
        with translated("ecr:GetAuthorizationToken", registry):
            (found,) = client.get_authorization_token(registryIds=[match["account"]])["authorizationData"]
        try:
            username, _, password = base64.b64decode(found["authorizationToken"], validate=True).decode().partition(":")
        except ValueError as exc:
            # The token must not reach the message.
            raise failure(
                "ecr:GetAuthorizationToken", registry, "InvalidToken", "expected base64 of user:password"
            ) from exc
        expires_at = found["expiresAt"].astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return RegistryLogin(server=registry, username=username, password=password, expires_at=expires_at)


def _parts(reference: str) -> tuple[str, str, str, str]:
    try:
        pinned = parse_pinned(reference)
    except FormatError as exc:
        raise ValueError(str(exc)) from exc
    account, region, name = pinned.registry
    if not account:
        msg = f"the image {reference}: expected a repository of ECR, whose registry names account and region"
        raise ValueError(msg)
    return account, region, name, pinned.digest


def _image(client: Any, reference: str, account: str, name: str, wanted: Mapping[str, str]) -> Mapping[str, Any]:  # noqa: ANN401 — boto3 makes its clients' classes as it runs
    """Return the one image that a registry has under a digest or a tag."""
    with translated("ecr:BatchGetImage", reference):
        answer = client.batch_get_image(
            registryId=account,
            repositoryName=name,
            imageIds=[wanted],
            acceptedMediaTypes=list(MEDIA_TYPES),
        )
    if not answer.get("images"):
        said: Mapping[str, Any] = next(iter(answer.get("failures", ())), {})
        why = str(said.get("failureReason") or "no such image")
        # An image that a key or a registry behind this one keeps from being read is not gone.
        raise failure("ecr:BatchGetImage", reference, str(said.get("failureCode") or "ImageNotFound"), why)
    found: Mapping[str, Any] = answer["images"][0]
    return found


def _of_index(reference: str, index: Mapping[str, Any]) -> dict[str, str]:
    """Return each architecture of an index with its digest."""
    entries = index["manifests"]
    if not isinstance(entries, list):
        raise failure("ecr:BatchGetImage", reference, "InvalidManifest", "manifests: expected a list")
    named = []
    for one in entries:
        entry = _table(reference, one, "a manifest of the index")
        # What names no platform, such as an index in an index, is chosen by nobody who pulls.
        platform = _table(reference, entry.get("platform") or {}, "platform")
        named.append((platform, str(entry.get("digest", ""))))
    return _of_linux(reference, named, "the index")


def _of_linux(reference: str, named: Iterable[tuple[Mapping[str, Any], str]], what: str) -> dict[str, str]:
    """Return each architecture of Linux with its digest; the first entry counts, as it does for who pulls."""
    found: dict[str, str] = {}
    for platform, digest in named:
        if platform.get("os", LINUX) == LINUX:
            found.setdefault(_architecture(platform), digest)
    found.pop(UNKNOWN, None)
    if not found:
        raise failure("ecr:BatchGetImage", reference, "NoArchitecture", f"{what} names no architecture of Linux")
    return dict(sorted(found.items()))


def _table(reference: str, value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        message = f"{name}: expected an object, got {shape_of(value)}"
        raise failure("ecr:BatchGetImage", reference, "InvalidManifest", message)
    return value


def _architecture(platform: Mapping[str, Any]) -> str:
    return str(platform.get("architecture", UNKNOWN))


def _document(reference: str, data: bytes, digest: str) -> dict[str, Any]:
    """Return a JSON document whose bytes have the digest that names it."""
    got = "sha256:" + hashlib.sha256(data).hexdigest()
    if got != digest:
        raise failure("ecr:BatchGetImage", reference, "DigestMismatch", f"expected bytes of {digest}, got {got}")
    try:
        document = parse(data, fractions=True)
    except FormatError as exc:
        raise failure("ecr:BatchGetImage", reference, "InvalidManifest", str(exc)) from exc
    if not isinstance(document, dict):
        raise failure("ecr:BatchGetImage", reference, "InvalidManifest", "expected an object")
    return document


def _fetch(url: str, digest: str) -> bytes:
    """Return the bytes behind an address that the registry signed."""
    parts = urlsplit(url)
    call = "ecr:GetDownloadUrlForLayer"
    connection: http.client.HTTPConnection
    if parts.scheme == "https" and parts.hostname:
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=FETCH_SECONDS, context=context)
    elif parts.scheme == "http" and parts.hostname == "127.0.0.1":
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=FETCH_SECONDS)
    else:
        raise failure(call, digest, "UnsafeAddress", "expected an https address")
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        data = answer.read(LARGEST_CONFIG + 1)
    except (OSError, http.client.HTTPException) as exc:
        raise failure(call, digest, type(exc).__name__, str(exc)) from exc
    finally:
        connection.close()
    if answer.status != http.client.OK or len(data) > LARGEST_CONFIG:
        raise failure(call, digest, "Download", f"expected 200 and a small document, got {answer.status}")
    return data
