"""How the process that Terraform runs tells what came of it, as beginnings of lines in Terraform's output."""

CREATED = "drproof-created: "
ERROR = "drproof-error: "
CODE = "drproof-error-code: "
