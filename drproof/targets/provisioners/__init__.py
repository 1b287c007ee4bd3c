"""What brings the recovery machine up and takes it away, with state and lock at the site."""

import shutil
from pathlib import Path
from typing import TypeAlias

from drproof.model.errors import TargetError
from drproof.model.settings import ProvisionerSettings
from drproof.targets.aws.codebuild import AwsBuilds
from drproof.targets.aws.sessions import Session
from drproof.targets.provisioners.build_order import orders
from drproof.targets.provisioners.codebuild import CodeBuildProvisioner
from drproof.targets.provisioners.direct import DirectProvisioner
from drproof.targets.provisioners.modules import chosen
from drproof.targets.provisioners.place import Place
from drproof.targets.provisioners.terraform import TerraformProvisioner, version_of

AnyProvisioner: TypeAlias = TerraformProvisioner | DirectProvisioner | CodeBuildProvisioner


def choose(  # noqa: PLR0913 — what each of them must be told
    settings: ProvisionerSettings,
    place: Place,
    session: Session,
    *,
    account: str,
    owner: str,
    directory: Path,
    every: float,
) -> AnyProvisioner:
    """Return the provisioner that the settings ask for; `auto` is Terraform, or direct in a world that lacks it.

    Raises:
        ValueError: the settings ask for something that the provisioner would ignore.
        TargetError: they ask for Terraform, or for what a real account takes, and this machine has none that works.
    """
    if settings.kind == "codebuild":
        told = orders(
            settings.codebuild,
            account=account,
            owner=owner,
            region=session.region,
            endpoint=session.endpoint,
            lock_table=settings.lock_table,
        )

        def builds() -> AwsBuilds:
            return AwsBuilds(
                session.client("codebuild"),
                session.client("logs"),
                lambda: session.client("service-quotas"),
                project=told.settings.project,
                region=session.region,
                every=every,
            )

        return CodeBuildProvisioner(place, told, builds)
    reason = "asked for by the settings"
    if settings.kind != "direct":
        try:
            version = version_of(shutil.which("terraform"))
        except TargetError as exc:
            # What direct starts has no role and no cluster: only the embedded world's machines have both all the same.
            if settings.kind == "terraform" or not session.endpoint:
                raise
            reason = str(exc).partition("\n")[0]
        else:
            return TerraformProvisioner(
                place,
                session,
                version=version,
                account=account,
                lock_table=settings.lock_table,
                directory=directory,
                module=chosen(
                    settings.module, settings.variables, settings.provider_mirror, rehearsal=bool(session.endpoint)
                ),
            )
    if settings.module:
        msg = (
            f"recovery.provisioner.module: expected nothing with the direct provisioner ({reason}), which uses no "
            f"module; got {settings.module!r}"
        )
        raise ValueError(msg)
    if settings.lock_table:
        msg = (
            f"recovery.provisioner.lock_table: expected nothing with the direct provisioner ({reason}), which locks "
            f"by an object beside the state; got {settings.lock_table!r}"
        )
        raise ValueError(msg)
    return DirectProvisioner(place, reason=reason)
