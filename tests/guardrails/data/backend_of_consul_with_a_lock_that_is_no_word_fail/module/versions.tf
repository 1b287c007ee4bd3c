terraform {
  required_version = ">= 1.10.0"

  backend "consul" {
    path = "atlas"
    lock = ["false"]
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

variable "odd" {
  type    = bool
  default = []
}
