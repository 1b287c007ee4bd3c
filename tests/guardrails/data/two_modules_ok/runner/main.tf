variable "instance_type" {
  type = string
}

resource "aws_instance" "runner" {
  instance_type = var.instance_type
}

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}
