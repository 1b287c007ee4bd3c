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
  allowed_account_ids = [var.account_id]
}
