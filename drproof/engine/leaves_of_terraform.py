"""The settings of Terraform's module: which one, what it is told, and where its plugins come from."""

from drproof.engine.leaf import Leaf, row

TERRAFORM: tuple[Leaf, ...] = (
    row(
        "recovery.provisioner.module",
        "text",
        "the Terraform module: builtin, aws, or a folder; empty for the one that fits the target",
        default="",
    ),
    row("recovery.provisioner.variables", "table", "what that module is told besides", default={}),
    row(
        "recovery.provisioner.provider_mirror",
        "text",
        "a folder with Terraform's plugins, where no registry can be asked",
        environment="DRPROOF_PROVIDER_MIRROR",
        default="",
    ),
)
