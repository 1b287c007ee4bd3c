"""The settings of a machine that CodeBuild brings up: rows of the one table in `leaves`."""

from drproof.engine.leaf import Leaf, row

AT = "recovery.provisioner.codebuild."

BUILDS: tuple[Leaf, ...] = (
    row(AT + "project", "text", "the project that runs deploy/codebuild/buildspec.yml", default=""),
    row(AT + "receipt_uri", "text", "where builds put their receipts, s3://…", default=""),
    row(
        AT + "module_uri",
        "text",
        "the zip of the Terraform module, s3://…",
        default="",
    ),
    row(AT + "module_version", "text", "its version; else the one that is newest when the build starts", default=""),
    row(AT + "module_sha256", "text", "its SHA-256", default=""),
    row(AT + "terraform_version", "text", "the version of Terraform that the build must use", default=""),
    row(AT + "terraform_uri", "text", "its zip, https://… or s3://…, where the image has another version", default=""),
    row(AT + "terraform_sha256", "text", "the SHA-256 of that zip", default=""),
    row(
        AT + "tool",
        "text",
        "what the build uses; `direct` works in the embedded world alone, `auto` takes it there without Terraform",
        default="auto",
        of_the_world=False,
        choices=("auto", "terraform", "direct"),
    ),
    row(AT + "queued_timeout", "duration", "how long a build may wait for its turn", default="10m", of_the_world=False),
    row(AT + "build_timeout", "duration", "how long a build may work", default="30m", of_the_world=False),
)
