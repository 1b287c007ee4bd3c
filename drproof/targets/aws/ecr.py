"""Container images: which architectures a digest stands for, checked against the digest itself."""

import base64
import hashlib
import http.client
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from drproof.formats.image_ref import ECR, parse_pinned
from drproof.formats.strict_json import parse
from drproof.model.capabilities import RegistryLogin
from drproof.model.errors import FormatError, NotFoundError
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

LARGEST_CONFIG = 4 << 20
FETCH_SECONDS = 30


class AwsImages:
    """A registry of container images; read-only."""

    def __init__(self, clients: Callable[[str], "ECRClient"]) -> None:
        """Ask through the client of the image's region."""
        self._clients = clients

    def architectures(self, image_ref: str) -> tuple[str, ...]:
        """Return the architectures of a digest-pinned image.

        Raises:
            ValueError: the reference is not pinned, or names no ECR registry.
            TargetError: the registry does not have it, or what it has is not what the digest says.
        """
        account, region, name, digest = _parts(image_ref)
        client: Any = self._clients(region)
        with translated("ecr:BatchGetImage", image_ref):
            answer = client.batch_get_image(
                registryId=account,
                repositoryName=name,
                imageIds=[{"imageDigest": digest}],
                acceptedMediaTypes=list(MEDIA_TYPES),
            )
        images = answer.get("images", ())
        if not images:
            reasons = [
                f"{found.get('failureCode')}: {found.get('failureReason')}" for found in answer.get("failures", ())
            ]
            msg = f"ecr:BatchGetImage {image_ref}: {'; '.join(reasons) or 'no such image'}"
            raise NotFoundError(msg, code="ImageNotFound", call="ecr:BatchGetImage")
        manifest = _document(image_ref, images[0]["imageManifest"].encode(), digest)
        if "manifests" in manifest:
            return _of_index(image_ref, manifest)
        config = str(manifest.get("config", {}).get("digest", ""))
        with translated("ecr:GetDownloadUrlForLayer", config):
            layer = client.get_download_url_for_layer(registryId=account, repositoryName=name, layerDigest=config)
        document = _document(image_ref, _fetch(layer["downloadUrl"], config), config)
        return (str(document.get("architecture", UNKNOWN)),)

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


def _of_index(reference: str, index: Mapping[str, Any]) -> tuple[str, ...]:
    found = {str(entry.get("platform", {}).get("architecture", UNKNOWN)) for entry in index["manifests"]}
    if not found - {UNKNOWN}:
        raise failure("ecr:BatchGetImage", reference, "NoArchitecture", "the index names no architecture")
    return tuple(sorted(found - {UNKNOWN}))


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
