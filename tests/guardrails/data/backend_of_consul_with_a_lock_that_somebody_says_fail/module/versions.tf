terraform {
  required_version = ">= 1.10.0"

  backend "consul" {
    path = "atlas"
    lock = var.lock
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

variable "lock" {
  type = bool
}
