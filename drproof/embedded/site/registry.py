"""The registry of the original site: one image for two architectures, whose digests are the SHA-256 of their bytes."""

import hashlib
import json
from collections.abc import Sequence

from moto.ecr.models import ecr_backends

from drproof.embedded.world import World

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ARCHITECTURES = ("amd64", "arm64")


def generate(world: World) -> str:
    """Fill the repository that the image reference names and return the digest of its index.

    Raises:
        ValueError: `settings.toml` names another digest than the image has.
    """
    repository, _, named = world.names.image_ref.partition("/")[2].partition("@")
    texts = images()
    found = digest(texts[0])
    if named != found:
        msg = (
            f"drill.image_ref of settings.toml must name the image of the embedded world: expected {found}, got {named}"
        )
        raise ValueError(msg)
    backend = ecr_backends[world.primary.account_id][world.primary.region]
    backend.create_repository(repository, None, {"encryptionType": "AES256"}, None, "IMMUTABLE", [])
    alone = tuple(_index([architecture]) for architecture in ARCHITECTURES)
    for text in (*texts, *alone):
        tag = "v1" if text is texts[0] else f"v1-{digest(text)[7:19]}"
        backend.put_image(repository, text, tag, json.loads(text)["mediaType"], digest(text))
    return found


def images() -> tuple[str, ...]:
    """Return the index, then the manifest of each architecture."""
    return (_index(ARCHITECTURES), *(_manifest(architecture) for architecture in ARCHITECTURES))


def _index(architectures: Sequence[str]) -> str:
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [
            {
                "mediaType": MANIFEST,
                "digest": digest(text),
                "size": len(text.encode()),
                "platform": {"architecture": architecture, "os": "linux"},
            }
            for architecture, text in ((each, _manifest(each)) for each in architectures)
        ],
    }
    return json.dumps(index, indent=2)


def digest(text: str) -> str:
    """Return the digest of a manifest."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _manifest(architecture: str) -> str:
    def blob(kind: str, media: str) -> dict[str, object]:
        content = f"atlas {kind} {architecture}"
        return {"mediaType": media, "digest": digest(content), "size": len(content)}

    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob("config", CONFIG),
        "layers": [blob("layer", LAYER)],
    }
    return json.dumps(document, indent=2)
