"""What a module fetches from elsewhere is the same tomorrow: images of containers, and providers."""

import re
from dataclasses import replace

from drproof.analysis.terraform.facts import Provider, Written
from drproof.contracts.terraform.judging import (
    Sources,
    are_handed_in,
    judged,
    module_of,
    modules,
    spoiled,
    told,
    unknown_of,
)
from drproof.model.contract import contract
from drproof.model.verdict import Finding

DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
OF_THE_PLATFORM = re.compile(r"aws/codebuild/[a-z0-9_.-]+:(?!latest$)[A-Za-z0-9_.-]+")
"""CodeBuild's own images lie in no registry that could be asked for a digest: a release is all that can be named."""
EXACT = re.compile(r"=?\s*[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?")


@contract(
    needs=["read_terraform"],
    plans=["orchestrator"],
    subjects=modules(),
    applies=are_handed_in,
    controls=["NIST SI-7", "NIST CM-2"],
)
def container_images_are_pinned(read_terraform: Sources, subject: str) -> Finding:
    """Each image of a container is named by its digest, or is a release of CodeBuild's own."""
    module = module_of(read_terraform, subject)
    rows = module.images if module is not None else ()
    wrong = [
        f"{row.at} is {row.value}, which is another image tomorrow\n  next: name it by @sha256:<digest>"
        for row in rows
        if not row.why and not DIGEST.fullmatch(row.value) and not OF_THE_PLATFORM.fullmatch(row.value)
    ]
    return judged(module, wrong=wrong, unknown=unknown_of(rows), seen=told(rows), expected="images by digest")


@container_images_are_pinned.sabotage("an image is named by a tag")
def by_a_tag(read_terraform: Sources, subject: str) -> Sources:
    """Plant an image."""
    row = Written(at="aws_codebuild_project.planted.image", value="registry.example/atlas:latest")
    return spoiled(read_terraform, subject, lambda one: replace(one, images=(*one.images, row)))


@contract(
    needs=["read_terraform"],
    plans=["orchestrator"],
    subjects=modules(),
    applies=are_handed_in,
    controls=["NIST SI-7", "NIST CM-2"],
)
def providers_are_pinned(read_terraform: Sources, subject: str) -> Finding:
    """Each provider has one version, by an exact constraint or by digests in the lock file."""
    module = module_of(read_terraform, subject)
    rows = module.providers if module is not None else ()
    wrong = [
        f"provider {row.name} may be any version{f' {row.constraint}' if row.constraint else ''}\n  next: write an "
        "exact version in required_providers, or keep .terraform.lock.hcl beside the sources"
        for row in rows
        if not row.locked and not EXACT.fullmatch(row.constraint)
    ]
    seen = [f"{row.name} {row.locked or row.constraint or 'any'}" for row in rows]
    return judged(module, wrong=wrong, unknown=(), seen=seen, expected="one version each")


@providers_are_pinned.sabotage("a provider may be any version")
def floating(read_terraform: Sources, subject: str) -> Sources:
    """Plant a provider."""
    row = Provider(name="planted", constraint=">= 1.0")
    return spoiled(read_terraform, subject, lambda one: replace(one, providers=(*one.providers, row)))
