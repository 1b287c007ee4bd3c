"""What a registry may say of an image, in its own words: only what a machine of Linux could run counts."""

import hashlib
import json
from types import SimpleNamespace
from typing import Any

import pytest

from drproof.model.errors import NotFoundError, TargetError, ThrottledError
from drproof.phases.preflight.check_preflight import _image
from drproof.targets.aws import ecr
from drproof.targets.aws.ecr import AwsImages

REPOSITORY = "111122223333.dkr.ecr.us-west-2.amazonaws.com/app"
INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE = "application/vnd.oci.image.manifest.v1+json"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    """A registry that holds one manifest and the configurations behind it."""

    def __init__(self, manifest: Any, *, failures: tuple[dict[str, str], ...] = ()) -> None:
        self.body = json.dumps(manifest)
        self.failures = failures

    def batch_get_image(self, **_: Any) -> dict[str, Any]:
        if self.failures:
            return {"images": [], "failures": list(self.failures)}
        return {"images": [{"imageManifest": self.body, "imageManifestMediaType": INDEX}]}

    def get_download_url_for_layer(self, **asked: str) -> dict[str, str]:
        return {"downloadUrl": f"https://registry/{asked['layerDigest']}"}

    def look(self) -> Any:
        client: Any = self
        return AwsImages(lambda _: client).look(f"{REPOSITORY}@{digest(self.body.encode())}")


def entry(architecture: str, **platform: Any) -> dict[str, Any]:
    return {"mediaType": IMAGE, "digest": "sha256:" + "0" * 64, "platform": {"architecture": architecture, **platform}}


def test_an_attestation_and_an_index_in_an_index_are_no_architectures() -> None:
    attestation = entry("unknown", os="unknown")
    nested = {"mediaType": INDEX, "digest": "sha256:" + "1" * 64}
    found = Registry({"manifests": [attestation, nested, entry("arm64", os="linux", variant="v8")]}).look()

    assert list(found.digests) == ["arm64"]
    with pytest.raises(TargetError, match="NoArchitecture"):
        Registry({"manifests": [attestation, nested]}).look()


MALFORMED: dict[str, Any] = {
    "manifests that are none": {"manifests": None},
    "manifests in an object": {"manifests": {"a": 1}},
    "an entry that is none": {"manifests": [None]},
    "a platform that is text": {"manifests": [{"platform": "linux/arm64"}]},
    "no configuration": {"mediaType": IMAGE, "config": None},
    "nothing at all": {},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_manifest_of_another_shape_is_an_invalid_one_and_no_defect(name: str) -> None:
    with pytest.raises(TargetError) as caught:
        Registry(MALFORMED[name]).look()

    assert caught.value.code == "InvalidManifest"


def test_a_platform_that_is_null_names_no_architecture() -> None:
    found = Registry({"manifests": [{"digest": "d", "platform": None}, entry("amd64", os="linux")]}).look()

    assert list(found.digests) == ["amd64"]


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ({"os": "windows", "architecture": "amd64"}, "NoArchitecture"),
        ({"annotations": {}}, "NoArchitecture"),
        ({"os": "linux", "architecture": "arm64"}, ""),
        ({"architecture": "arm64"}, ""),
    ],
    ids=["windows", "no image", "linux", "no system"],
)
def test_a_single_image_counts_by_its_configuration_and_only_for_linux(
    configuration: dict[str, Any], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = json.dumps(configuration).encode()
    monkeypatch.setattr(ecr, "_fetch", lambda *_: data)
    registry = Registry({"mediaType": IMAGE, "config": {"digest": digest(data)}})
    if not code:
        assert list(registry.look().digests) == ["arm64"]
        return
    with pytest.raises(TargetError) as caught:
        registry.look()
    assert caught.value.code == code


def test_an_image_of_another_registry_than_ecr_is_told_as_one_and_ends_no_preflight() -> None:
    def look(reference: str) -> Any:
        raise AssertionError(reference)

    images = SimpleNamespace(look=look)
    criteria = SimpleNamespace(image_ref="ghcr.io/atlas/app@sha256:" + "ab" * 32)
    ctx: Any = SimpleNamespace(
        target=SimpleNamespace(primary=SimpleNamespace(images=images)), plan=SimpleNamespace(criteria=criteria)
    )

    image, status = _image(ctx)

    assert (dict(image.digests), status) == ({}, "NotInECR")


def test_a_configuration_with_other_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecr, "_fetch", lambda *_: b"{}")
    with pytest.raises(TargetError, match="DigestMismatch"):
        Registry({"mediaType": IMAGE, "config": {"digest": "sha256:" + "0" * 64}}).look()


@pytest.mark.parametrize(
    ("code", "family"),
    [
        ("ImageNotFound", NotFoundError),
        ("KmsError", TargetError),
        ("UpstreamTooManyRequests", ThrottledError),
        ("UpstreamAccessDenied", TargetError),
    ],
)
def test_an_image_that_was_not_given_is_missing_only_if_the_registry_says_so(code: str, family: type) -> None:
    failure = {"failureCode": code, "failureReason": "because"}
    with pytest.raises(TargetError, match=f"{code}: because") as caught:
        Registry({}, failures=(failure,)).look()

    assert (type(caught.value), caught.value.code) == (family, code)
