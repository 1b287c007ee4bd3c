# The orchestrator: detection by schedule, bring-up in CodeBuild, validation, and a pause until a person decides.
#
# `drproof package --variables drproof.auto.tfvars.json` writes what this module must know of the settings and of the
# package, so that the functions and their rights are of one mind.

terraform {
  required_version = ">= 1.10.0"

  # Whose state it is, and where it lies, is said at `terraform init -backend-config=…`: never a local file.
  backend "s3" {
    use_lockfile = true
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.expected_account_id]

  default_tags {
    tags = merge(var.tags, { project = var.project, managed-by = "drproof" })
  }
}

# The original site, for its alarms alone.
provider "aws" {
  alias               = "primary"
  region              = local.primary.region
  allowed_account_ids = [local.primary.account]

  dynamic "assume_role" {
    for_each = local.is_watched && var.primary_role_arn != "" ? [var.primary_role_arn] : []

    content {
      role_arn = assume_role.value
    }
  }

  default_tags {
    tags = merge(var.tags, { project = var.project, managed-by = "drproof" })
  }
}
